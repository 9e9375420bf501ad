import os
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import ExecutorError, WorkingFolderTooLarge
from metaclaw_jlab.executors.folder import MAX_ENTRIES, checked_path, read_folder, write_folder


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    files = {"a.csv": b"1", "empty/": b"", "sub/deep/b.bin": bytes(range(256))}
    write_folder(tmp_path, files)
    assert read_folder(tmp_path, 1000) == files


def test_a_folder_of_fifty_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    with open(tmp_path / "big.bin", "wb") as file:
        os.truncate(file.fileno(), 50 * 1000**3)
    with pytest.raises(WorkingFolderTooLarge, match="Work in a smaller folder"):
        read_folder(tmp_path, 64_000_000)


def test_counting_stops_at_the_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metaclaw_jlab.executors.folder.MAX_ENTRIES", 5)
    for number in range(7):
        (tmp_path / f"{number}").touch()
    assert MAX_ENTRIES > 5
    with pytest.raises(WorkingFolderTooLarge):
        read_folder(tmp_path, 1000)


def test_links_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("s3cret")
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "file").symlink_to(secret / "key")
    (folder / "folder").symlink_to(secret)
    (folder / "a").write_text("1")
    assert read_folder(folder, 1000) == {"a": b"1"}


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert read_folder(tmp_path, 1000) == {}


def test_a_folder_that_is_gone_is_empty(tmp_path: Path) -> None:
    assert read_folder(tmp_path / "gone", 1000) == {}


@pytest.mark.parametrize("path", ["../a", "/etc/passwd", "", "a/../../b", "a\0b", "."])
def test_a_path_out_of_the_folder_is_refused(path: str) -> None:
    with pytest.raises(ExecutorError, match="relative path"):
        checked_path(path)
