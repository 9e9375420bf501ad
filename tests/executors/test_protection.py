from pathlib import Path

import pytest

from metaclaw_jlab.executors import bubblewrap
from metaclaw_jlab.executors.protection import Leaks, leaks


def test_a_room_keeps_everything_away_or_there_is_none(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("mine")
    as_root = bubblewrap.probe()
    wanted = None if as_root is None else Leaks((), False, (), False)
    assert leaks(file, as_root=bool(as_root)) == wanted


def test_without_a_room_every_door_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text("mine")
    monkeypatch.setattr(bubblewrap, "command", lambda **_: ["env"])
    found = leaks(file, as_root=False)
    assert found is not None
    assert found.files
    assert found.processes


def test_a_room_that_cannot_be_entered_is_no_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "command", lambda **_: [str(tmp_path / "none")])
    assert leaks(tmp_path, as_root=False) is None
