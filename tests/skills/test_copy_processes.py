"""Several processes on one working copy, while a person edits it and others commit."""

import itertools
import multiprocessing
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import GenerationMoved
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.skills.working_copy import publish, synchronise
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.skills import Skills
from tests.skills.copies import bodies, commit, copied, edit, files, skill

SYNCHRONISING = 4
EDITS = 25
DEADLINE = 60.0


def synchronise_until(home: Home, done: Event) -> None:
    database = open_database(home.database)
    skills = Skills(database)
    while not done.is_set():
        result = synchronise(home, skills)
        assert result.generation.members == tuple((each.name, each.sha256) for each in result.skills)
    database.close()


def evolve_until(home: Home, done: Event) -> None:
    """Commit and publish, one generation after the other: the edited skill too, one that comes, one that goes."""
    database = open_database(home.database)
    skills = Skills(database)
    for number in itertools.count():
        if done.is_set():
            break
        current = skills.current_generation()
        members = {member.name: member for member in skills.members(current.number)}
        members |= {name: skill(name, f"Evolved {number}.") for name in ("edited", f"new-{number}")}
        members.pop(f"new-{number - 2}", None)
        try:
            skills.commit_generation(Cause.EVOLVER, list(members.values()), parent=current.number)
        except GenerationMoved:
            continue
        publish(home, skills)
    database.close()


def wait_for(database: Database, sha256: str) -> None:
    """Until an edit is in the store. The store is asked again and again: what it says is what counts."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        with database.read() as connection:
            query = "SELECT 1 FROM generation_members WHERE sha256 = ?"
            if connection.exec_driver_sql(query, (sha256,)).first():
                return
    raise AssertionError("The edit never became part of a generation.")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def test_no_edit_is_lost_and_none_is_invented(home: Home) -> None:
    database = open_database(home.database)
    skills = Skills(database)
    commit(skills, *(skill(name) for name in ("edited", "kept")))
    synchronise(home, skills)
    context = multiprocessing.get_context("fork")
    done = context.Event()
    workers = [context.Process(target=synchronise_until, args=(home, done)) for _ in range(SYNCHRONISING)]
    workers.append(context.Process(target=evolve_until, args=(home, done)))
    database.close()
    for worker in workers:
        worker.start()
    database = open_database(home.database)
    try:
        for number in range(EDITS):
            wait_for(database, edit(home, "edited", f"Mine {number}.").sha256)
    finally:
        done.set()
        for worker in workers:
            worker.join(timeout=DEADLINE)
    assert [worker.exitcode for worker in workers] == [0] * len(workers)
    skills = Skills(database)
    result = synchronise(home, skills)
    generations = skills.generations(1_000_000)
    assert [each.number for each in generations] == list(range(len(generations) - 1, -1, -1))
    assert [each.cause for each in generations].count(Cause.USER) == EDITS
    assert bodies(skills)["kept"] == "Do it."
    assert copied(home) == bodies(skills)
    assert files(home.skills) == {
        ".manifest.json",
        *bodies(skills),
        *(f"{name}/SKILL.md" for name in bodies(skills)),
    }
    assert result.problems == ()
    database.close()
