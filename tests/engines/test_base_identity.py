from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import ModelUnusable
from metaclaw_jlab.engines import base_identity
from metaclaw_jlab.engines.base_identity import base_sha256, identity_of
from metaclaw_jlab.runtime.home import open_home


@pytest.fixture
def folder(model_folder: Callable[[str], Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(model_folder("qwen3"), tmp_path / "model"))


def test_a_copy_is_the_same_model(model_folder: Callable[[str], Path], folder: Path) -> None:
    assert base_sha256(folder) == base_sha256(str(model_folder("qwen3")))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_changed_file_makes_another_model(folder: Path, name: str) -> None:
    before = base_sha256(folder)
    with (folder / name).open("ab") as file:
        file.write(b" ")
    assert base_sha256(folder) != before


def test_a_tokenizer_is_no_part_of_it(folder: Path) -> None:
    before = base_sha256(folder)
    (folder / "tokenizer_config.json").write_text("{}")
    assert base_sha256(folder) == before


def test_files_are_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = base_sha256(folder)
    monkeypatch.setattr(base_identity, "file_sha256", lambda path: pytest.fail(f"read {path}"))
    assert base_sha256(folder) == before


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="no weights"):
        base_sha256(tmp_path)


def test_a_model_that_was_never_downloaded_is_refused() -> None:
    with pytest.raises(ModelUnusable, match="no downloaded model"):
        base_sha256("nobody/nothing-at-all")


def test_a_path_has_the_identity_of_its_folder(folder: Path, tmp_path: Path) -> None:
    assert identity_of(open_home(tmp_path / "home"), str(folder)) == base_sha256(folder)


def test_a_name_without_safetensors_has_none(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="--form safetensors"):
        identity_of(open_home(tmp_path / "home"), "smollm2-135m")
