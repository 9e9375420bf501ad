from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.errors import ModelUnusable
from metaclaw_jlab.engines import embedded
from metaclaw_jlab.engines.local_models import load, locate
from metaclaw_jlab.policies.catalogue import Form
from metaclaw_jlab.policies.model_request import MANIFEST
from metaclaw_jlab.runtime.home import Home, open_home


@pytest.fixture
def folder(model_folder: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of a good model's folder, to be spoilt."""
    return Path(shutil.copytree(model_folder("qwen3"), tmp_path / "model"))


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_the_embedded_model_is_found_by_its_name() -> None:
    assert locate(EMBEDDED_MODEL) == embedded.location()


def test_a_hub_id_stays_one() -> None:
    assert locate("org/some-model-1.5B") == "org/some-model-1.5B"


def test_a_model_is_loaded_in_single_precision_on_the_cpu(folder: Path) -> None:
    served = load(str(folder))
    expected = torch.float32 if not torch.cuda.is_available() else served.model.dtype
    assert (served.model.dtype, served.context, served.eos) == (expected, 512, frozenset({256}))


def test_the_defaults_in_the_files_do_not_mix_into_requests(folder: Path) -> None:
    (folder / "generation_config.json").write_text(
        json.dumps({"repetition_penalty": 2.0, "eos_token_id": [7, 9]})
    )
    served = load(str(folder))
    assert served.model.generation_config.repetition_penalty in {None, 1.0}
    assert served.eos == frozenset({7, 9, 256})


def test_a_tokenizer_that_cuts_long_texts_no_longer_does(folder: Path) -> None:
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    content["truncation"] = {
        "max_length": 4,
        "strategy": "LongestFirst",
        "stride": 0,
        "direction": "Right",
    }
    path.write_text(json.dumps(content))
    assert len(load(str(folder)).encode("a" * 20, False)) == 20


@pytest.mark.parametrize("name", ["/no/such/folder", "./nothing", "two words", "a/b/c"])
def test_a_path_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(ModelUnusable, match="There is no folder"):
        locate(name)


def test_a_single_file_is_pointed_to_another_server(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    with pytest.raises(ModelUnusable, match=r"is a file.*llama\.cpp"):
        locate(str(file))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"no config\.json"):
        locate(str(tmp_path))


def test_the_folder_of_an_adapter_is_told_from_a_model(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelUnusable, match="adapter, not a model"):
        locate(str(tmp_path))


def test_damaged_weights_are_named(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    with pytest.raises(ModelUnusable):
        load(str(folder))


def test_missing_weights_are_not_made_up(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = folder / "model.safetensors"
    kept = {name: value for name, value in load_file(weights).items() if "layers.1.mlp" not in name}
    save_file(kept, weights, metadata={"format": "pt"})
    with pytest.raises(ModelUnusable, match=r"lacks 3 of the model's weights"):
        load(str(folder))


def test_weights_that_are_no_numbers_are_refused(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = folder / "model.safetensors"
    values = load_file(weights)
    values["model.norm.weight"][0] = float("nan")
    save_file(values, weights, metadata={"format": "pt"})
    with pytest.raises(ModelUnusable, match="no finite numbers"):
        load(str(folder))


@pytest.mark.parametrize("content", ["{", "{}", '{"model_type": "no-such-architecture"}'])
def test_a_broken_configuration_is_refused(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    with pytest.raises(ModelUnusable, match="cannot be loaded"):
        load(str(folder))


def test_a_model_that_answers_no_text_is_refused(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "t5", "is_encoder_decoder": True}))
    with pytest.raises(ModelUnusable, match="encoder-decoder"):
        load(str(folder))


def test_a_hub_id_that_is_nowhere_says_what_to_do() -> None:
    with pytest.raises(ModelUnusable, match=r"cannot be loaded.*give its folder"):
        load("no-such-org/no-such-model")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def install(home: Home, name: str, form: Form) -> Path:
    """A model of one file as the store of models writes it."""
    place = home.root / "models" / name / form
    place.mkdir(parents=True)
    (place / "model.gguf").write_bytes(b"GGUF")
    told = {"name": name, "form": form, "files": {"model.gguf": ""}, "size": 4, "origin": "o", "source": "s"}
    more = {"licence": "", "context": None, "fetched_at": 0.0}
    (place / MANIFEST).write_text(json.dumps(told | more))
    return place


def test_a_short_name_is_the_folder_of_its_safetensors(home: Home) -> None:
    install(home, "smollm2-135m", "gguf")
    place = install(home, "smollm2-135m", "safetensors")
    assert locate("smollm2-135m", home) == place


def test_a_model_that_is_here_in_the_other_form_alone_says_how_to_have_this_one(home: Home) -> None:
    install(home, "some-model", "gguf")
    with pytest.raises(ModelUnusable, match="models get some-model --form safetensors"):
        locate("some-model", home)


def test_a_model_of_the_catalogue_that_is_not_here_is_no_hub_id(home: Home) -> None:
    with pytest.raises(ModelUnusable, match="not on this machine yet"):
        locate("qwen2.5-coder-0.5b", home)


def test_a_hub_id_stays_one_in_a_home(home: Home) -> None:
    assert locate("org/some-model-1.5B", home) == "org/some-model-1.5B"


def test_a_model_is_served_under_its_short_name(home: Home, folder: Path) -> None:
    place = home.root / "models" / "tiny" / "safetensors"
    shutil.copytree(folder, place)
    files = {entry.name: "" for entry in folder.iterdir()}
    size = sum(entry.stat().st_size for entry in folder.iterdir())
    told = {"name": "tiny", "form": "safetensors", "files": files, "size": size, "origin": "o", "source": "s"}
    (place / MANIFEST).write_text(json.dumps(told | {"licence": "", "context": None, "fetched_at": 0.0}))
    assert load("tiny", home).name == "tiny"
