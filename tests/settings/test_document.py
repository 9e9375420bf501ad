import errno
import os
import threading
from pathlib import Path

import pytest
from tomlkit import TOMLDocument

from metaclaw_jlab.core.errors import ConfigError, StoreFull, StoreReadOnly
from metaclaw_jlab.settings import document


def test_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert document.read(tmp_path / "config.toml") == {}


@pytest.mark.parametrize(
    ("text", "place"),
    [("[agent]\nsteps = = 3\n", "line 2, column 9"), ('[agent]\nmode = "as', "line 2, column 11")],
)
def test_broken_toml_names_line_and_column(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=place):
        document.read(path)


def test_a_broken_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[agent\n")
    with pytest.raises(ConfigError):
        document.edit(path, lambda content: content.update({"a": 1}))
    assert path.read_text() == "[agent\n"


def test_bytes_that_are_no_text_are_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8"):
        document.read(path)


def test_a_folder_in_the_files_place_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        document.read(tmp_path)


def test_comments_and_order_survive_an_edit(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# mine\nb = 1  # why\n\na = 2\n")
    document.edit(path, lambda content: content.update({"a": 3}))
    assert path.read_text() == "# mine\nb = 1  # why\n\na = 3\n"


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    document.edit(path, lambda content: content.update({"a": 1}))
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_change_that_would_not_read_back_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("policy.model = 'm'\nagent.steps = 3\n")

    def change(content: TOMLDocument) -> None:
        content["policy"]["extra"] = {"a": 1}  # type: ignore[index]

    with pytest.raises(ConfigError, match="by hand"):
        document.edit(path, change)
    assert path.read_text() == "policy.model = 'm'\nagent.steps = 3\n"


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "config.toml"
    real.write_text("")
    link.symlink_to(real)
    document.edit(link, lambda content: content.update({"a": 1}))
    assert link.is_symlink()
    assert real.read_text() == "a = 1\n"


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, StoreFull), (errno.EROFS, StoreReadOnly), (errno.EACCES, StoreReadOnly)],
)
def test_a_write_that_fails_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception]
) -> None:
    path = tmp_path / "config.toml"
    path.write_text("a = 1\n")

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(error):
        document.edit(path, lambda content: content.update({"a": 2}))
    assert path.read_text() == "a = 1\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["config.toml"]


def test_editors_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"

    def add(name: str) -> None:
        def change(content: TOMLDocument) -> None:
            content[name] = 1

        document.edit(path, change)

    threads = [threading.Thread(target=add, args=(f"k{number}",)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(document.read(path)) == sorted(f"k{number}" for number in range(12))
