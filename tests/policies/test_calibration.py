import json
from dataclasses import asdict
from pathlib import Path

import pytest

from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.errors import ConfigError
from metaclaw_jlab.core.prompting import DEFAULT_PROMPTING, Prompting
from metaclaw_jlab.policies.calibration import (
    CAUTIOUS_PROMPTING,
    SHIPPED,
    Calibration,
    Variant,
    calibration_folder,
    calibration_from,
    find,
    keep,
    prompting_for,
)
from metaclaw_jlab.policies.catalogue import find as known_model
from metaclaw_jlab.policies.model_request import MANIFEST
from metaclaw_jlab.policies.model_store import InstalledModel, find_installed
from metaclaw_jlab.runtime.home import open_home

CHOSEN = Prompting(
    instructions="brief", skills_at="task", max_skills=2, threshold=0.6, file_rows=3, ends="ran"
)
VARIANT = Variant(
    stage="form",
    name="brief",
    prompting=Prompting(instructions="brief", max_skills=0),
    temperature=0.0,
    n=40,
    task_right=20,
    strict=5,
    seconds=3.5,
    tokens=400.0,
    chosen=True,
    verdict="the simplest",
)


def made(model: str, chosen: Prompting = CHOSEN) -> Calibration:
    return Calibration(
        model=model,
        sha256="ab" * 32,
        chosen=chosen,
        temperature=0.0,
        variants=(VARIANT,),
        splits_sha256="cd" * 32,
        seed=1,
        date="2026-11-22T01:00:00+00:00",
        version="0.1.0",
    )


@pytest.fixture
def home(tmp_path):
    return open_home(tmp_path / "home")


def test_a_calibration_survives_json():
    there_and_back = calibration_from(json.loads(json.dumps(made("some-model").to_dict())))
    assert there_and_back == made("some-model")


def test_the_file_tells_people_the_intervals():
    (record,) = made("some-model").to_dict()["variants"]
    low, high = record["task_right_ci95"]
    assert low < 0.5 < high


def test_what_was_kept_is_how_the_model_is_prompted(home):
    keep(home, made("smollm2-135m"))
    assert prompting_for(home, "smollm2-135m") == CHOSEN


def installed(home, sha256):
    """A model of one file with this hash, as it lies in a home."""
    folder = home.root / "models" / "my-model" / "gguf"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.gguf").write_bytes(b"GGUF")
    model = InstalledModel("my-model", "gguf", folder, {"model.gguf": sha256}, 4, "", "a path", "", None, 0.0)
    told = {name: value for name, value in asdict(model).items() if name != "folder"}
    (folder / MANIFEST).write_text(json.dumps(told))
    assert find_installed(home, "my-model") == model


def test_a_calibration_of_the_bytes_that_are_here_counts(home):
    installed(home, "ab" * 32)
    keep(home, made("my-model"))
    assert prompting_for(home, "my-model") == CHOSEN


def test_a_calibration_of_another_model_of_this_name_does_not_count(home):
    keep(home, made("my-model"))
    installed(home, "ef" * 32)
    assert prompting_for(home, "my-model") == CAUTIOUS_PROMPTING


def test_a_namespace_has_the_calibrations_of_its_home(home):
    from metaclaw_jlab.assembly.namespaces import open_namespace
    from metaclaw_jlab.assembly.workspace import Workspace

    keep(home, made("some-model"))
    assert prompting_for(open_namespace(Workspace(home), "project").home, "some-model") == CHOSEN


def test_the_embedded_model_is_prompted_as_it_was_trained(home):
    assert prompting_for(home, EMBEDDED_MODEL) == DEFAULT_PROMPTING


def test_any_other_local_model_is_prompted_cautiously(home):
    assert prompting_for(home, "org/some-model") == CAUTIOUS_PROMPTING


@pytest.mark.parametrize("name", ["./models/my.gguf", "org/my-model", "../../etc", "/", "Üben"])
def test_a_path_or_hub_id_is_kept_within_the_models_of_the_home(home, name):
    keep(home, made(name))
    assert calibration_folder(home, name).parent == home.path / "models"
    assert prompting_for(home, name) == CHOSEN


def test_a_file_is_one_model_however_its_path_is_written(home, tmp_path, monkeypatch):
    (tmp_path / "my.gguf").write_bytes(b"GGUF")
    monkeypatch.chdir(tmp_path)
    assert calibration_folder(home, "./my.gguf") == calibration_folder(home, str(tmp_path / "my.gguf"))


def test_two_paths_of_one_ending_are_two_models(home):
    assert calibration_folder(home, "a/model.gguf") != calibration_folder(home, "b/model.gguf")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"model": 3',
        json.dumps({**made("m").to_dict(), "chosen": {"instructions": "shouted"}}),
        json.dumps({**made("m").to_dict(), "chosen": {"file_rows": -1}}),
        json.dumps({**made("m").to_dict(), "chosen": {"max_skills": "many"}}),
        json.dumps({**made("m").to_dict(), "chosen": {"threshold": float("nan")}}),
        json.dumps({**made("m").to_dict(), "chosen": 7}),
    ],
)
def test_a_damaged_file_is_named_with_what_to_do(home, text):
    path = keep(home, made("m"))
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="metaclaw models calibrate m") as caught:
        prompting_for(home, "m")
    assert str(path) in str(caught.value)


def test_what_a_newer_version_adds_is_left_out():
    record = made("m").to_dict()
    record["chosen"]["tone"] = "friendly"
    assert calibration_from({**record, "more": 1}).chosen == CHOSEN


def test_what_is_shipped_is_for_models_of_the_catalogue_by_their_hash():
    data = json.loads(Path(SHIPPED).read_text(encoding="utf-8"))
    for name, record in data.items():
        model = known_model(name)
        assert model is not None
        assert calibration_from(record).sha256 == model.gguf.sha256


def test_a_home_without_a_calibration_has_none(home):
    assert find(home, "some-model") is None


def test_a_short_name_has_its_calibration_whatever_the_working_folder_holds(home, tmp_path, monkeypatch):
    (tmp_path / "smollm2-135m").mkdir()
    monkeypatch.chdir(tmp_path)
    assert calibration_folder(home, "smollm2-135m") == home.path / "models" / "smollm2-135m"
