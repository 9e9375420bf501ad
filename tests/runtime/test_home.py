import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import HomeRefused, StoreFull, StoreReadOnly
from metaclaw_jlab.runtime.home import Home, default_path, open_home, replace_private


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_home_is_open_to_its_owner_only(tmp_path: Path) -> None:
    home = open_home(tmp_path / "a" / "home")
    assert [mode(path) for path in (home.path, home.skills, home.adapters, home.runtime)] == [0o700] * 4
    assert mode(home.path / "home.id") == 0o600


def test_a_home_keeps_its_id(tmp_path: Path) -> None:
    first = open_home(tmp_path / "home").id
    assert first == open_home(tmp_path / "home").id
    assert len(first) == 32


def test_two_homes_have_different_ids(tmp_path: Path) -> None:
    assert open_home(tmp_path / "a").id != open_home(tmp_path / "b").id


def test_of_processes_that_make_one_home_all_see_one_id(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from metaclaw_jlab.runtime.home import open_home;"
        "print(open_home(Path(sys.argv[1])).id)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "home")]
    makers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert len({maker.communicate(timeout=60)[0] for maker in makers}) == 1


def test_the_variable_names_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METACLAW_HOME", str(tmp_path / "elsewhere"))
    assert open_home().path == tmp_path / "elsewhere"


def test_without_the_variable_it_is_the_users_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("METACLAW_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_path().name == "metaclaw"


def test_a_home_open_to_others_is_closed(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home")
    home.path.chmod(0o755)
    assert mode(open_home(home.path).path) == 0o700


def test_a_folder_of_other_things_that_others_read_is_refused_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "thesis.tex").write_text("...")
    with pytest.raises(HomeRefused, match="chmod 700"):
        open_home(folder)
    assert mode(folder) == 0o755


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(HomeRefused, match="is a file"):
        open_home(tmp_path / "home")


def test_a_folder_of_someone_else_is_refused(as_nobody: Path) -> None:
    with pytest.raises(HomeRefused, match="another user"):
        open_home(Path("/"))


def test_a_place_that_cannot_be_written_is_refused(as_nobody: Path) -> None:
    as_nobody.chmod(0o500)
    with pytest.raises(StoreReadOnly, match="METACLAW_HOME"):
        open_home(as_nobody / "home")


def test_a_home_that_cannot_be_written_opens_for_reading(as_nobody: Path) -> None:
    made = open_home(as_nobody / "home")
    made.path.chmod(0o500)
    assert open_home(made.path).id == made.id


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(StoreFull, match="no space left"):
        open_home(tmp_path / "home")


def test_a_folder_without_id_is_no_home(tmp_path: Path) -> None:
    with pytest.raises(HomeRefused, match="not a home folder"):
        _ = Home(tmp_path).id


def test_a_text_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    replace_private(file, "old")
    with pytest.raises(UnicodeEncodeError):
        replace_private(file, "new \udc80")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
