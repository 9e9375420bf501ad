import errno
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
import skills_ref

from metaclaw_jlab.core.errors import NotFound, SkillInvalid, StoreFull
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.library import Library, read_library, remove_skill, write_skill

DATES = Skill("iso-dates", "Use when dates are written.", "Write dates as YYYY-MM-DD.")
TABLES = Skill("sorted-tables", "Use when a table is written.", "Sort it by its first column.")


def put(folder: Path, name: str, text: str | bytes) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "SKILL.md").write_bytes(text.encode() if isinstance(text, str) else text)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    for skill in (TABLES, DATES):
        write_skill(tmp_path, skill)
    assert read_library(tmp_path) == Library((DATES, TABLES))


def test_the_public_validator_accepts_a_written_folder(tmp_path: Path) -> None:
    write_skill(tmp_path, DATES)
    assert skills_ref.validate(tmp_path / "iso-dates") == []


def test_no_folder_is_an_empty_library(tmp_path: Path) -> None:
    assert read_library(tmp_path / "skills") == Library()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("---\nname: [\n---\nx", "no YAML"),
        ("no frontmatter", "frontmatter"),
        (b"\xff\xfe\x00", "UTF-8"),
        ("x" * 300_000, "256 KB"),
        ("---\nname: ../evil\ndescription: d\n---\nx", "names equal"),
    ],
)
def test_a_broken_skill_is_a_problem_and_the_others_load(
    tmp_path: Path, text: str | bytes, word: str
) -> None:
    put(tmp_path, "broken", text)
    write_skill(tmp_path, DATES)
    library = read_library(tmp_path)
    assert library.skills == (DATES,)
    [problem] = library.problems
    assert problem.folder == "broken"
    assert word in problem.sentence
    assert not problem.loaded


def test_an_unknown_field_is_a_problem_of_a_loaded_skill(tmp_path: Path) -> None:
    put(tmp_path, "a", "---\nname: a\ndescription: d\nauthor: me\n---\nx")
    library = read_library(tmp_path)
    assert [skill.name for skill in library.skills] == ["a"]
    assert [problem.loaded for problem in library.problems] == [True]


def test_a_folder_without_a_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "SKILL.md" in read_library(tmp_path).problems[0].sentence


def test_files_and_hidden_folders_beside_the_skills_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / ".git").mkdir()
    assert read_library(tmp_path) == Library()


def test_a_pipe_in_place_of_the_file_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / "SKILL.md")
    assert "no file" in read_library(tmp_path).problems[0].sentence


@pytest.mark.parametrize("of_file", [True, False])
def test_a_link_that_leads_outside_is_refused(tmp_path: Path, of_file: bool) -> None:
    write_skill(tmp_path / "outside", DATES)
    library = tmp_path / "library"
    library.mkdir()
    if of_file:
        (library / "iso-dates").mkdir()
        (library / "iso-dates" / "SKILL.md").symlink_to(tmp_path / "outside" / "iso-dates" / "SKILL.md")
    else:
        (library / "iso-dates").symlink_to(tmp_path / "outside" / "iso-dates")
    assert read_library(library).skills == ()
    assert "link" in read_library(library).problems[0].sentence


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "iso-dates").symlink_to(tmp_path / "outside")
    with pytest.raises(SkillInvalid, match="link"):
        write_skill(tmp_path / "library", DATES)
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("name", ["../evil", "..", "", "a/b", "/tmp", ".hidden", "A"])
def test_a_name_that_escapes_is_refused(tmp_path: Path, name: str) -> None:
    forged = replace(DATES)
    object.__setattr__(forged, "name", name)
    with pytest.raises(SkillInvalid):
        write_skill(tmp_path / "library", forged)
    with pytest.raises(SkillInvalid):
        remove_skill(tmp_path / "library", name)
    assert list(tmp_path.rglob("*")) == []


def test_an_edit_is_seen_at_once(tmp_path: Path) -> None:
    write_skill(tmp_path, DATES)
    read_library(tmp_path)
    edited = write_skill(tmp_path, replace(DATES, body="Write dates as DD.MM.YYYY."))
    assert read_library(tmp_path).skills == (edited,)


def test_an_edit_in_place_of_equal_length_is_seen(tmp_path: Path) -> None:
    write_skill(tmp_path, DATES)
    before = read_library(tmp_path)
    path = tmp_path / "iso-dates" / "SKILL.md"
    path.write_text(path.read_text().replace("YYYY-MM-DD", "DD-MM-YYYY"))
    os.utime(path, ns=(0, 0))
    assert read_library(tmp_path) != before


def test_an_unchanged_library_is_the_same_object(tmp_path: Path) -> None:
    write_skill(tmp_path, DATES)
    put(tmp_path, "broken", "x")
    (tmp_path / "empty").mkdir()
    assert read_library(tmp_path) is read_library(tmp_path)


def test_a_written_file_is_private(tmp_path: Path) -> None:
    write_skill(tmp_path, DATES)
    assert stat.S_IMODE((tmp_path / "iso-dates" / "SKILL.md").stat().st_mode) == 0o600


def test_a_full_disk_leaves_the_old_skill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_skill(tmp_path, DATES)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFull, match="space"):
        write_skill(tmp_path, replace(DATES, body="Other."))
    assert read_library(tmp_path) == Library((DATES,))
    assert os.listdir(tmp_path / "iso-dates") == ["SKILL.md"]


def test_a_removed_skill_is_gone(tmp_path: Path) -> None:
    write_skill(tmp_path, DATES)
    remove_skill(tmp_path, "iso-dates")
    assert list(tmp_path.iterdir()) == []


def test_removing_leaves_the_users_other_files(tmp_path: Path) -> None:
    write_skill(tmp_path, DATES)
    (tmp_path / "iso-dates" / "notes.txt").write_text("mine")
    remove_skill(tmp_path, "iso-dates")
    assert os.listdir(tmp_path / "iso-dates") == ["notes.txt"]


def test_removing_an_unknown_skill_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="iso-dates"):
        remove_skill(tmp_path, "iso-dates")
