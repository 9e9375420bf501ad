"""A process that is killed at any of its writes leaves the old generation or the new one, and a copy that heals."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.skills import exchange
from metaclaw_jlab.skills.working_copy import publish, synchronise
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.skills import Skills
from tests.skills.copies import bodies, commit, copied, edit, evolve, files, skill

WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link"}
FOR_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
MOST = 200  # writes of one call


@pytest.fixture(autouse=True)
def memory_survives(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process takes nothing with it that it had written, synchronised to the disk or not."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


Action = Callable[[Home, Skills], object]


def killed_at(write: int, home: Home, action: Action) -> bool:
    """Run `action` in a process of its own that is killed just before its n-th write; False where it ended before."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert status in {0, signal.SIGKILL}
        return status != 0
    result = 1
    try:
        _die_at(write, database := open_database(home.database))
        action(home, Skills(database))
        result = 0
    finally:
        os._exit(result)


def _die_at(write: int, database: Database) -> None:
    left = write

    def count(*ignored: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(name: str, arguments: tuple[object, ...]) -> None:
        if name in WRITES or (name == "open" and int(arguments[2]) & FOR_WRITING):  # type: ignore[call-overload]
            count()

    swap = exchange._swapped

    def swapped(first: Path, second: Path) -> bool:
        count()
        return swap(first, second)

    exchange._swapped = swapped
    event.listen(database.engine, "commit", count)
    sys.addaudithook(audit)


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


def assert_whole(home: Home, skills: Skills) -> None:
    assert copied(home) == bodies(skills)
    folders = {member.name for member in skills.members(skills.current_generation().number)}
    assert files(home.skills) == {".manifest.json", *folders, *(f"{name}/SKILL.md" for name in folders)}


def each_write(template: Home, action: Action, check: Callable[[Home, Skills], None]) -> int:
    """Check what each possible kill leaves; the number of writes."""
    for write in range(1, MOST):
        home = Home(template.path.with_name(f"{write}"))
        shutil.copytree(template.path, home.path)
        killed = killed_at(write, home, action)
        database = open_database(home.database)
        check(home, Skills(database))
        database.close()
        if not killed:
            return write
        shutil.rmtree(home.path)
    raise AssertionError("The process never came to its end.")


def causes(skills: Skills) -> list[Cause]:
    return [generation.cause for generation in reversed(skills.generations(100))][1:]


def both(home: Home, skills: Skills) -> None:
    publish(home, skills)
    synchronise(home, skills)


def test_each_kill_leaves_the_old_or_the_new_generation_and_a_copy_that_heals(tmp_path: Path) -> None:
    def check(home: Home, skills: Skills) -> None:
        assert skills.current_generation().number in {2, 3}
        assert synchronise(home, skills).problems == ()
        assert causes(skills) == [Cause.EVOLVER, Cause.EVOLVER, Cause.USER]
        assert bodies(skills) == WANTED
        assert_whole(home, skills)

    assert each_write(prepared(tmp_path / "template"), both, check) > 20


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
