"""Files that a task's text names."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclaw_jlab.agent.file_references import MOST_FILES
from metaclaw_jlab.jupyter.kernel.copies import Copier, NotCopied
from metaclaw_jlab.jupyter.kernel.named_files import (
    SHOWN_BYTES,
    NamedFiles,
    beginnings,
    may_hold_secrets,
    words_of,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    (work / "data" / "deep").mkdir(parents=True)
    (work / "sales.csv").write_text("a\n1\n")
    (work / "my list.txt").write_text("x")
    (work / "data" / "more.csv").write_text("b\n2\n")
    (work / "data" / "deep" / "most.csv").write_text("c\n3\n")
    (work / ".env").write_text("KEY=1")
    (work / "link.csv").symlink_to(tmp_path / "outside.csv")
    (tmp_path / "outside.csv").write_text("d\n")
    return work


def find(folder: Path, text: str, *quoted: str) -> NamedFiles:
    files = NamedFiles()
    files.find(folder, words_of(text), quoted=quoted)
    return files


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("Read sales.csv, then stop.", ["sales.csv"]),
        ("Sum up `sales.csv` (and data/more.csv).", ["sales.csv", "data/more.csv"]),
        ("Count the words of 'my list.txt'", ["my list.txt"]),
        ("Don't use the user's ./sales.csv.", ["sales.csv"]),
        ("Go through data/", ["data"]),
        ("Plot the data", []),
        ("Write new.csv", []),
        ("Draw @sales.csv and/or . / .. ...", []),
    ],
)
def test_names_in_a_text_are_found(folder: Path, text: str, paths: list[str]) -> None:
    found = find(folder, text)
    assert (found.paths, found.problem) == (paths, "")


def test_a_quoted_folder_counts(folder: Path) -> None:
    assert find(folder, "", "data").paths == ["data"]


def test_contents_are_read_by_their_path(folder: Path) -> None:
    files = find(folder, "sales.csv data/").read(folder, Copier(1000))
    assert files == {"sales.csv": b"a\n1\n", "data/more.csv": b"b\n2\n", "data/deep/most.csv": b"c\n3\n"}


def test_an_empty_folder_is_there_too(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert find(folder, "empty/").read(folder, Copier(1000)) == {"empty/": b""}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("../outside.csv", "inside the working folder"),
        ("{folder}/sales.csv", "inside the working folder"),
        ("link.csv", "a link"),
        (".env", "may hold secrets"),
    ],
)
def test_what_cannot_be_kept_is_said(folder: Path, text: str, why: str) -> None:
    found = find(folder, text.format(folder=folder))
    assert found.paths == []
    assert why in found.problem


def test_a_path_through_a_link_is_a_link(folder: Path) -> None:
    (folder / "way").symlink_to(folder / "data")
    assert "a link" in find(folder, "way/more.csv").problem


def test_a_folder_with_a_secret_is_not_kept(folder: Path) -> None:
    (folder / "data" / "credentials.json").write_text("{}")
    with pytest.raises(NotCopied, match=r"data holds credentials.json, which may hold secrets"):
        find(folder, "data/").read(folder, Copier(1000))


def test_a_file_over_the_cap_is_refused_with_its_size(folder: Path) -> None:
    (folder / "big.csv").write_bytes(bytes(3_000_000))
    with pytest.raises(NotCopied, match=r"big.csv is 3 MB, more than the 2 MB"):
        find(folder, "big.csv").read(folder, Copier(2_000_000))
    with pytest.raises(NotCopied, match=r"data makes it more than"):
        find(folder, "data/").read(folder, Copier(5))


@pytest.mark.parametrize(
    "name", ["secrets.toml", "id_rsa", "server.pem", "my_token.txt", "aws-credentials", "a/.ssh/x"]
)
def test_files_of_secrets_are_known_by_their_names(name: str) -> None:
    assert may_hold_secrets(name)


@pytest.mark.parametrize("name", ["tokens.csv", "keyboards.csv", "secretary.csv", "data/passwordless.md"])
def test_files_with_like_names_are_none(name: str) -> None:
    assert not may_hold_secrets(name)


def test_the_beginnings_of_named_text_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "my sales.csv").write_text("a,b\n1,2\n")
    found = beginnings(tmp_path, 'Sum column a of "my sales.csv" and other.csv')
    assert [(file.name, file.text, file.whole) for file in found] == [("my sales.csv", "a,b\n1,2\n", True)]


def test_of_a_large_file_only_the_beginning_is_read(tmp_path: Path) -> None:
    (tmp_path / "big.txt").write_text("é" * SHOWN_BYTES)
    (file,) = beginnings(tmp_path, "Count the letters of big.txt")
    assert (file.whole, set(file.text)) == (False, {"é"})


def test_what_is_no_text_or_may_hold_secrets_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    (tmp_path / "nulls.bin").write_bytes(b"a\0b")
    (tmp_path / ".env").write_text("KEY=1")
    (tmp_path / "id_rsa").write_text("secret")
    assert beginnings(tmp_path, "Look at a.png, nulls.bin, .env and id_rsa") == ()


def test_no_more_files_are_read_than_are_shown(tmp_path: Path) -> None:
    names = [f"{number}.csv" for number in range(MOST_FILES + 3)]
    for name in names:
        (tmp_path / name).write_text("a\n1\n")
    found = beginnings(tmp_path, f"Join {' '.join(names)}")
    assert [file.name for file in found] == names[:MOST_FILES]
