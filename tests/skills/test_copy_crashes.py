"""A process that is killed at any of its writes leaves the old generation or the new one, and a copy that heals."""

import os
import shutil
from pathlib import Path

import pytest

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.skills import exchange
from metaclaw_jlab.skills.working_copy import synchronise
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.skills import Skills
from tests.kills import assert_whole, each_write
from tests.skills.copies import bodies, causes, commit, edit, evolve, skill


@pytest.fixture(autouse=True)
def memory_survives(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process takes nothing with it that it had written, synchronised to the disk or not."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def prepared(path: Path) -> Home:
    """A copy of generation 1; generation 2 changed two skills, took one out and brought one; then a person edited."""
    home = open_home(path)
    database = open_database(home.database)
    skills = Skills(database)
    commit(skills, *(skill(name) for name in "abcde"))
    synchronise(home, skills)
    evolve(skills, skill("a", "Evolved."), skill("b", "Evolved."), skill("f"), without=["c"])
    edit(home, "a", "Mine.")
    shutil.rmtree(home.skills / "d")
    edit(home, "g", "New.")
    database.close()
    return home


WANTED = {"a": "Mine.", "b": "Evolved.", "e": "Do it.", "f": "Do it.", "g": "New."}


def test_each_kill_leaves_the_old_or_the_new_generation_and_a_copy_that_heals(tmp_path: Path) -> None:
    def check(home: Home, skills: Skills) -> None:
        assert skills.current_generation().number in {2, 3}
        assert synchronise(home, skills).problems == ()
        assert causes(skills) == [Cause.EVOLVER, Cause.EVOLVER, Cause.USER]
        assert bodies(skills) == WANTED
        assert_whole(home, skills)

    assert each_write(prepared(tmp_path / "template"), synchronise, check) > 20


@pytest.fixture
def in_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the system cannot swap files."""
    monkeypatch.setattr(exchange, "_swapped", lambda first, second: False)


def test_each_kill_followed_by_other_changes_imports_nothing_by_mistake(
    in_two_steps: None, tmp_path: Path
) -> None:
    def check(home: Home, skills: Skills) -> None:
        adopted = skills.current_generation().number == 3
        evolve(skills, *(skill(name, "Latest.") for name in "abdg"), without=["f"])
        evolve(skills, skill("c", "Latest."), skill("f", "Latest."), without=["e"])
        synchronise(home, skills)
        if adopted:
            # The person's edits are in already: what came later stands.
            assert causes(skills)[2:] == [Cause.USER, Cause.EVOLVER, Cause.EVOLVER]
            assert bodies(skills) == dict.fromkeys("abcdfg", "Latest.")
        else:
            assert causes(skills)[2:] == [Cause.EVOLVER, Cause.EVOLVER, Cause.USER]
            assert bodies(skills) == dict.fromkeys("bcf", "Latest.") | {"a": "Mine.", "g": "New."}
        assert_whole(home, skills)

    each_write(prepared(tmp_path / "template"), synchronise, check)


def test_each_kill_of_a_first_synchronising_imports_once(tmp_path: Path) -> None:
    template = prepared(tmp_path / "template")
    (template.skills / ".manifest.json").unlink()

    def check(home: Home, skills: Skills) -> None:
        if skills.current_generation().number == 3:
            evolve(skills, skill("a", "Latest."))
            synchronise(home, skills)
            assert bodies(skills)["a"] == "Latest."
        else:
            assert "a" in synchronise(home, skills).adopted
        assert causes(skills).count(Cause.USER) == 1
        assert_whole(home, skills)

    each_write(template, synchronise, check)
