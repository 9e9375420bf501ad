import json
from pathlib import Path

import pytest

from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.errors import ModelUnusable
from metaclaw_jlab.policies.catalogue import find
from metaclaw_jlab.policies.model_request import MANIFEST
from metaclaw_jlab.policies.model_store import folder_of
from metaclaw_jlab.policies.served_model import ServedModel, resolve
from metaclaw_jlab.runtime.home import Home, open_home

NAME = "smollm2-135m"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def put(home: Home, form: str) -> Path:
    folder = folder_of(home) / NAME / form
    folder.mkdir(parents=True)
    file = "model.gguf" if form == "gguf" else "model.safetensors"
    (folder / file).write_bytes(b"x")
    record = {"name": NAME, "form": form, "files": {file: "0" * 64}, "size": 1, "origin": "", "source": ""}
    record |= {"licence": "", "context": None, "fetched_at": 0.0}
    (folder / MANIFEST).write_text(json.dumps(record))
    return folder / file if form == "gguf" else folder


def test_the_embedded_model_lies_in_the_package(home: Home) -> None:
    assert resolve(home, EMBEDDED_MODEL, "gguf") == ServedModel(EMBEDDED_MODEL, "safetensors", None)


def test_a_model_that_is_here_is_found_by_its_name(home: Home) -> None:
    path = put(home, "gguf")
    assert resolve(home, "SmolLM2-135M") == ServedModel(NAME, "gguf", path, find(NAME))


def test_of_two_forms_the_faster_one_serves_unless_the_other_is_asked_for(home: Home) -> None:
    file, folder = put(home, "gguf"), put(home, "safetensors")
    assert resolve(home, NAME).place == file
    assert resolve(home, NAME, "safetensors").place == folder


def test_a_model_that_is_not_here_is_told_how_to_get(home: Home) -> None:
    with pytest.raises(ModelUnusable, match=rf"metaclaw models get {NAME}"):
        resolve(home, NAME)


def test_a_form_that_is_not_here_is_told_how_to_get(home: Home) -> None:
    put(home, "gguf")
    with pytest.raises(ModelUnusable, match=rf"get {NAME} --form safetensors"):
        resolve(home, NAME, "safetensors")


def test_a_short_name_is_no_folder_of_the_working_folder(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = put(home, "gguf")
    (tmp_path / NAME).mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve(home, NAME).place == place
    assert resolve(home, f"./{NAME}").place == tmp_path / NAME


def test_a_gguf_file_is_served_from_where_it_lies(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(b"GGUF")
    assert resolve(home, str(path)) == ServedModel(str(path), "gguf", path)


def test_a_file_that_is_gone_is_said(home: Home, tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"There is no file .*gone\.gguf"):
        resolve(home, str(tmp_path / "gone.gguf"))


def test_a_file_is_no_safetensors(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(b"GGUF")
    with pytest.raises(ModelUnusable, match="safetensors are a folder"):
        resolve(home, str(path), "safetensors")


def test_a_folder_is_served_from_where_it_lies(home: Home, tmp_path: Path) -> None:
    assert resolve(home, str(tmp_path)) == ServedModel(str(tmp_path), "safetensors", tmp_path)


def test_any_other_name_is_the_hubs(home: Home) -> None:
    assert resolve(home, "org/model") == ServedModel("org/model", "safetensors", "org/model")
