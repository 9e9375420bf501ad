"""Broken files, folders that cannot be written, and edits at the worst moment."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.skills import copy_state, working_copy
from metaclaw_jlab.skills.library import Library, read_library, write_skill
from metaclaw_jlab.skills.working_copy import LEASE, publish, synchronise
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.skills import Skills
from tests.skills.copies import bodies, causes, commit, copied, edit, evolve, skill


@pytest.mark.parametrize("text", ["", "no frontmatter", "---\nname: a\ndescription: d\n---\nHid\u200bden"])
def test_a_broken_file_is_a_problem_and_its_stored_version_stays(
    pair: tuple[Home, Skills], text: str
) -> None:
    home, skills = pair
    path = home.skills / "a" / "SKILL.md"
    path.write_text(text)
    result = synchronise(home, skills)
    assert (result.generation.number, [member.name for member in result.skills]) == (1, ["a", "b"])
    [problem] = result.problems
    assert problem.folder == "a"
    assert "its version of generation 1 stays in use" in problem.sentence
    assert synchronise(home, skills) == result
    assert path.read_text() == text


def test_a_broken_file_is_not_overwritten_by_a_newer_generation(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    path = home.skills / "a" / "SKILL.md"
    path.write_text("being written")
    evolve(skills, skill("a", "Evolved."))
    assert synchronise(home, skills).generation.number == 2
    assert path.read_text() == "being written"
    edit(home, "a", "Mine.")
    synchronise(home, skills)
    assert bodies(skills)["a"] == "Mine."


def test_a_broken_new_folder_is_told_and_left(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    (home.skills / "draft").mkdir()
    result = synchronise(home, skills)
    assert [problem.folder for problem in result.problems] == ["draft"]
    assert result.generation.number == 1
    assert (home.skills / "draft").is_dir()


def test_a_folder_that_cannot_be_looked_into_is_no_deletion(as_nobody: Path) -> None:
    home = open_home(as_nobody / "home")
    database = open_database(home.database)
    skills = Skills(database)
    commit(skills, skill("a"), skill("b"))
    synchronise(home, skills)
    for folder in (home.skills / "a", home.skills):
        folder.chmod(0)
        result = synchronise(home, skills)
        folder.chmod(0o700)
        assert (result.generation.number, len(result.problems)) == (1, 1)
    database.close()


def test_a_read_only_folder_is_a_problem_and_the_stores_skills_are_in_use(as_nobody: Path) -> None:
    home = open_home(as_nobody / "home")
    database = open_database(home.database)
    skills = Skills(database)
    commit(skills, skill("a"))
    home.skills.chmod(0o500)
    result = synchronise(home, skills)
    assert [member.name for member in result.skills] == ["a"]
    assert f"{home.skills} cannot be written" in result.problems[0].sentence
    home.skills.chmod(0o700)
    assert synchronise(home, skills).problems == ()
    database.close()


def test_a_read_only_home_gives_the_stores_skills(as_nobody: Path) -> None:
    home = open_home(as_nobody / "home")
    database = open_database(home.database)
    commit(Skills(database), skill("a"))
    synchronise(home, Skills(database))
    database.close()
    edit(home, "a", "Mine.")
    for path in (*home.path.rglob("*"), home.path):
        path.chmod(0o500)
    database = open_database(home.database)
    result = synchronise(home, Skills(database))
    assert [member.body for member in result.skills] == ["Do it."]
    assert "a" in result.problems[0].sentence
    assert "cannot be written" in result.problems[0].sentence
    database.close()


def test_a_full_disk_is_a_problem_and_the_old_copy_stays(
    pair: tuple[Home, Skills], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, skills = pair
    evolve(skills, skill("a", "Evolved."))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        result = synchronise(home, skills)
    assert bodies(skills)["a"] == result.skills[0].body == "Evolved."
    assert "space" in result.problems[0].sentence
    assert copied(home)["a"] == "Do it."
    assert synchronise(home, skills).problems == ()
    assert copied(home)["a"] == "Evolved."


def test_a_link_in_the_place_of_a_new_skill_is_a_problem_and_nothing_is_written_through_it(
    pair: tuple[Home, Skills], tmp_path: Path
) -> None:
    home, skills = pair
    (tmp_path / "outside").mkdir()
    (home.skills / "c").symlink_to(tmp_path / "outside")
    evolve(skills, skill("c"), skill("d"))
    result = synchronise(home, skills)
    assert [problem.folder for problem in result.problems] == ["c"]
    assert "d" in copied(home)
    assert list((tmp_path / "outside").iterdir()) == []
    (home.skills / "c").unlink()
    assert synchronise(home, skills).problems == ()
    assert "c" in copied(home)


def test_while_another_process_writes_the_store_is_used_at_once(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    evolve(skills, skill("a", "Evolved."))
    with lease(home, LEASE):
        assert synchronise(home, skills).skills[0].body == "Evolved."
        assert publish(home, skills) == ()
    assert copied(home)["a"] == "Do it."
    synchronise(home, skills)
    assert copied(home)["a"] == "Evolved."


def test_an_edit_is_taken_in_while_another_process_writes(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    edit(home, "a", "Mine.")
    with lease(home, LEASE):
        assert synchronise(home, skills).adopted == ("a",)


def test_a_skill_stored_with_white_space_around_is_no_edit(home: Home, skills: Skills) -> None:
    commit(skills, replace(skill("a"), body="\n\nDo it.\r\n"))
    assert synchronise(home, skills).generation.number == 1
    evolve(skills, skill("a", "Better."))
    assert synchronise(home, skills).adopted == ()


@pytest.mark.parametrize("moment", ["exchange", "write_skill"])
def test_an_edit_between_reading_and_replacing_stands(
    pair: tuple[Home, Skills], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    home, skills = pair
    evolve(skills, skill("a", "Evolved."))
    original = getattr(working_copy, moment)
    left = ["Mine."]

    def interrupted(first: Path, second: object) -> object:
        if left:
            edit(home, "a", left.pop())
        return original(first, second)

    monkeypatch.setattr(working_copy, moment, interrupted)
    assert synchronise(home, skills).adopted == ("a",)
    assert copied(home)["a"] == bodies(skills)["a"] == "Mine."


def test_of_two_edits_during_the_replacing_the_newer_stands(
    pair: tuple[Home, Skills], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, skills = pair
    evolve(skills, skill("a", "Evolved."))
    original, left = working_copy.exchange, ["Newer.", "Older."]

    def interrupted(first: Path, second: Path) -> None:
        if left:
            edit(home, "a", left.pop())
        original(first, second)

    monkeypatch.setattr(working_copy, "exchange", interrupted)
    synchronise(home, skills)
    assert copied(home)["a"] == bodies(skills)["a"] == "Newer."


def test_an_edit_just_before_a_removal_stands(
    pair: tuple[Home, Skills], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, skills = pair
    evolve(skills, without=["a"])
    original, left = os.replace, ["Mine."]

    def interrupted(first: Path, second: Path) -> None:
        if left and Path(first) == home.skills / "a" / "SKILL.md":
            edit(home, "a", left.pop())
        original(first, second)

    monkeypatch.setattr(os, "replace", interrupted)
    assert synchronise(home, skills).adopted == ("a",)
    assert bodies(skills)["a"] == "Mine."


def test_a_file_that_appears_where_a_new_skill_is_written_stands(
    pair: tuple[Home, Skills], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, skills = pair
    evolve(skills, skill("c", "Evolved."))
    original, left = write_skill, ["Mine."]

    def interrupted(folder: Path, member: object) -> object:
        if left:
            edit(home, "c", left.pop())
        return original(folder, member)  # type: ignore[arg-type]

    monkeypatch.setattr(working_copy, "write_skill", interrupted)
    assert synchronise(home, skills).adopted == ("c",)
    assert bodies(skills)["c"] == "Mine."


@pytest.mark.parametrize("before_reading", [True, False])
def test_what_another_process_writes_during_a_look_is_no_edit(
    pair: tuple[Home, Skills], monkeypatch: pytest.MonkeyPatch, before_reading: bool
) -> None:
    home, skills = pair
    left = [skill("a", "Evolved."), skill("c")]

    def others_write() -> None:
        if left:
            changed = list(left)
            left.clear()
            evolve(skills, *changed, without=["b"])
            publish(home, skills)

    def interrupted(folder: Path) -> Library:
        if before_reading:
            others_write()
        library = read_library(folder)
        others_write()
        return library

    evolve(skills, skill("a", "Better."))
    monkeypatch.setattr(copy_state, "read_library", interrupted)
    assert synchronise(home, skills).adopted == ()
    assert causes(skills) == [Cause.EVOLVER] * 3
    assert copied(home) == bodies(skills) == {"a": "Evolved.", "c": "Do it."}
