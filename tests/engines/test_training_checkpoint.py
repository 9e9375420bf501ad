"""A checkpoint is whole or it is not used."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from metaclaw_jlab.engines.training_checkpoint import (
    MANIFEST,
    Sealing,
    aside,
    newest,
    seal,
    step_of,
    steps_kept,
    whole,
)


def _save(folder: Path, step: int) -> Path:
    """What a trainer does at the end of a step."""
    draft = aside(folder) / f"checkpoint-{step}"
    (draft / "deeper").mkdir(parents=True)
    (draft / "weights").write_bytes(bytes([step]) * 100)
    (draft / "deeper" / "state").write_text(f"step {step}")
    options = SimpleNamespace(output_dir=str(aside(folder)))
    Sealing(folder).on_save(options, SimpleNamespace(global_step=step), None)
    return folder / f"checkpoint-{step}"


def test_a_sealed_checkpoint_is_whole(tmp_path: Path) -> None:
    saved = _save(tmp_path, 1)
    assert newest(tmp_path) == saved
    assert (saved / "weights").read_bytes() == bytes([1]) * 100


def test_the_newest_one_is_chosen_by_its_number(tmp_path: Path) -> None:
    _save(tmp_path, 9)
    ten = _save(tmp_path, 10)
    assert newest(tmp_path) == ten


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    for step in (8, 9, 10):
        _save(tmp_path, step)
    assert sorted(step_of(path) for path in tmp_path.glob("checkpoint-*")) == [9, 10]


@pytest.mark.parametrize("name", ["weights", "deeper/state", MANIFEST])
def test_one_that_lacks_a_file_is_passed_over(tmp_path: Path, name: str) -> None:
    before, last = _save(tmp_path, 1), _save(tmp_path, 2)
    (last / name).unlink()
    assert newest(tmp_path) == before


@pytest.mark.parametrize("name", ["weights", "deeper/state", MANIFEST])
def test_one_with_a_file_cut_off_is_passed_over(tmp_path: Path, name: str) -> None:
    before, last = _save(tmp_path, 1), _save(tmp_path, 2)
    (last / name).write_bytes((last / name).read_bytes()[:-1])
    assert newest(tmp_path) == before


def test_one_that_was_never_sealed_is_no_checkpoint(tmp_path: Path) -> None:
    before = _save(tmp_path, 1)
    (aside(tmp_path) / "checkpoint-2").mkdir(parents=True)
    assert newest(tmp_path) == before
    assert steps_kept(tmp_path) == 1


def test_a_step_done_again_replaces_its_checkpoint(tmp_path: Path) -> None:
    saved = _save(tmp_path, 1)
    (saved / "weights").write_bytes(b"damaged")
    draft = tmp_path / "again"
    draft.mkdir()
    (draft / "weights").write_bytes(b"new")
    seal(draft, saved)
    assert whole(saved)
    assert (saved / "weights").read_bytes() == b"new"


def test_there_is_none_in_a_new_folder(tmp_path: Path) -> None:
    assert newest(tmp_path / "missing") is None
    assert step_of(None) == steps_kept(tmp_path / "missing") == 0
