import os
from pathlib import Path

import pytest

from metaclaw_jlab.skills import exchange as module
from metaclaw_jlab.skills.exchange import exchange


@pytest.fixture(params=["in one step", "in two steps", "without hard links"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "in one step":
        monkeypatch.setattr(module, "_swapped", lambda first, second: False)
    if request.param == "without hard links":

        def refuse(*arguments: object, **options: object) -> None:
            raise PermissionError("no links here")

        monkeypatch.setattr(os, "link", refuse)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "text").write_text(name)
    return tmp_path / "a" / "text", tmp_path / "b" / "text"


def test_two_files_change_places(way: None, pair: tuple[Path, Path]) -> None:
    first, second = pair
    exchange(first, second)
    assert (first.read_text(), second.read_text()) == ("b", "a")
    assert os.listdir(first.parent) == os.listdir(second.parent) == ["text"]


def test_a_missing_file_leaves_the_other(way: None, pair: tuple[Path, Path]) -> None:
    first, second = pair
    second.unlink()
    with pytest.raises(FileNotFoundError):
        exchange(first, second)
    assert first.read_text() == "a"
    assert not second.exists()
