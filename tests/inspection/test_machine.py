import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from metaclaw_jlab.inspection import machine
from metaclaw_jlab.inspection.finding import Level

Usage = namedtuple("Usage", "total used free")

MOUNTS = """\
22 1 0:21 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:40 / /home rw shared:1 - nfs4 server:/home rw
31 30 0:41 / /home/ann\\040b/fast rw - xfs /dev/sdb1 rw
32 22 0:42 / /homework rw - btrfs /dev/sdc1 rw
no mount at all
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    file = tmp_path / "mountinfo"
    file.write_text(MOUNTS)
    return file


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/ann/.local", "nfs4"),
        ("/home", "nfs4"),
        ("/home/ann b/fast/home", "xfs"),
        ("/homework/x", "btrfs"),
        ("/var", "ext4"),
    ],
)
def test_the_deepest_mount_tells_the_file_system(path: str, kind: str, mounts: Path) -> None:
    assert machine.file_system(Path(path), mounts) == kind


def test_a_system_without_mountinfo_tells_nothing(tmp_path: Path) -> None:
    assert machine.file_system(tmp_path, tmp_path / "none") is None


def closed(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


def test_a_home_on_a_network_file_system_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "mountinfo"
    file.write_text("22 1 0:21 / / rw - nfs4 server:/ rw\n")
    found = machine.home_folder(closed(tmp_path / "home"), mounts=file)
    assert (found.level, "nfs4" in found.sentence) == (Level.WARN, True)


def test_a_home_of_ones_own_is_fine(tmp_path: Path) -> None:
    found = machine.home_folder(closed(tmp_path / "home"), mounts=tmp_path / "none")
    assert (found.level, found.next_step) == (Level.OK, "")


def test_a_home_open_to_others_is_a_failure(tmp_path: Path) -> None:
    folder = closed(tmp_path / "home")
    folder.chmod(0o755)
    found = machine.home_folder(folder)
    assert (found.level, found.next_step) == (Level.FAIL, f"Close it: chmod 700 {folder}")


def test_a_home_that_cannot_be_written_is_a_failure(as_nobody: Path) -> None:
    folder = closed(as_nobody / "home")
    folder.chmod(0o500)
    found = machine.home_folder(folder)
    assert (found.level, "cannot be written" in found.sentence) == (Level.FAIL, True)


@pytest.mark.parametrize(
    ("free", "level"), [(1 << 20, Level.FAIL), (50 << 20, Level.WARN), (1 << 40, Level.OK)]
)
def test_little_space_is_told(
    free: int, level: Level, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 41, 0, free))
    assert machine.home_folder(closed(tmp_path / "home"), mounts=tmp_path / "none").level is level


def test_this_python_is_new_enough() -> None:
    assert machine.python_version().level is Level.OK


def test_missing_libraries_are_named_with_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(machine.EXTRAS, "train", ("sys", "no_such_library"))
    found = machine.installed_extras()
    assert found.level is Level.WARN
    assert "no_such_library" in found.sentence
    assert "metaclaw-jlab[train]" in found.next_step


def test_nothing_is_imported_to_see_whether_it_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "explosive.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(machine.EXTRAS, "train", ("explosive",))
    assert machine.installed_extras().level is Level.OK
