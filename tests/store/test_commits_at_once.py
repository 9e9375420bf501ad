"""Generations made by several processes at once, and by processes that are killed at any statement of the commit."""

import multiprocessing
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import GenerationMoved
from metaclaw_jlab.core.evolution import Source
from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Stamp
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.feedback import Feedbacks
from metaclaw_jlab.store.index_texts import IndexTexts
from metaclaw_jlab.store.skills import Lesson, Skills
from metaclaw_jlab.store.support import Decision, Support
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import dump, ended, skill

FORK = multiprocessing.get_context("fork")
EACH = 12
TABLES = ("skills", "generations", "generation_evidence", "settlements", "lineage", "index_texts", "counters")


def evolve(skills: Skills, name: str, evidence: str) -> None:
    """Add a skill to the library as it is, and again where another process was first."""
    while True:
        current = skills.current_generation()
        members = [*skills.members(current.number), skill(name)]
        lesson = Lesson(name, Source(evidence, "Dates."), f"count {name}")
        try:
            skills.commit_generation(
                Cause.EVOLVER, members, [evidence], parent=current.number, lessons=[lesson]
            )
        except GenerationMoved:
            continue
        return


def evolve_many(path: Path, who: str) -> None:
    database = open_database(path)
    for number in range(EACH):
        id_ = f"{who}{number}"
        Trajectories(database).record(ended(id_, task=Task(id_), stamp=Stamp(0, (), "m")))
        evolve(Skills(database), id_, id_)
    database.close()


def test_two_processes_evolve_the_library_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "metaclaw.db"
    names = {f"{who}{number}" for who in "ab" for number in range(EACH)}
    processes = [FORK.Process(target=evolve_many, args=(path, who)) for who in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=100)
    assert [process.exitcode for process in processes] == [0, 0]
    database = open_database(path)
    skills, support = Skills(database), Support(database)
    assert [made.number for made in skills.generations(1000)] == list(range(2 * EACH, -1, -1))
    assert {name for name, _ in skills.current_generation().members} == names
    assert sorted(id_ for made in skills.generations(1000) for id_ in made.evidence) == sorted(names)
    assert support.pending(1000) == ()
    decided = [support.settlement(name) for name in names]
    assert all(settled is not None and settled.decision is Decision.EVOLVED for settled in decided)
    assert set(IndexTexts(database).of_all()) == names
    assert len(dump(database, "lineage")) == 2 * EACH
    assert database.problems() == ()
    database.close()


def test_of_two_processes_with_the_same_failure_one_evolves(tmp_path: Path) -> None:
    path = tmp_path / "metaclaw.db"
    database = open_database(path)
    Trajectories(database).record(ended("t1"))
    database.close()

    def work(name: str) -> None:
        own = open_database(path)
        Skills(own).commit_generation(Cause.EVOLVER, [skill(name)], ["t1"])

    processes = [FORK.Process(target=work, args=(name,)) for name in "abcd"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=100)
    assert sorted(process.exitcode or 0 for process in processes) == [0, 1, 1, 1]
    database = open_database(path)
    assert Skills(database).current_generation().number == 1
    assert len(dump(database, "settlements")) == 1
    database.close()


# Killed


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """A closed store with two failures, one of them decided on before."""
    path = tmp_path / "metaclaw.db"
    database = open_database(path)
    for id_ in ("t1", "t2"):
        Trajectories(database).record(ended(id_, task=Task(id_)))
    Support(database).settle("t2", Decision.KEPT, "no")
    Feedbacks(database).add(Feedback("t2", FeedbackKind.BAD, "why"))
    database.close()
    return path


def commit(database: Database) -> None:
    lessons = [Lesson("a", Source(id_, "Dates."), f"count {id_}") for id_ in ("t1", "t2")]
    Skills(database, clock=lambda: 2.5).commit_generation(
        Cause.EVOLVER, [skill("a")], ["t1", "t2"], lessons=lessons
    )


def statements_of_a_commit(path: Path, die_at: int | None) -> int:
    """Commit, and die at that statement (those of triggers count); else how many there were."""
    database = open_database(path)
    raw = database.engine.raw_connection()
    driver = raw.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    seen = 0

    def trace(statement: str) -> None:
        nonlocal seen
        seen += 1
        if seen == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    driver.set_trace_callback(trace)
    raw.close()
    commit(database)
    driver.set_trace_callback(None)
    database.close()
    return seen


def state(path: Path) -> list[object]:
    database = open_database(path)
    assert database.problems() == ()
    counts = Trajectories(database).counts().roles
    found: list[object] = [*dump(database, *TABLES), counts, Support(database).pending(9)]
    database.close()
    return found


def copied(path: Path, name: str) -> Path:
    target = path.parent / name / "metaclaw.db"
    target.parent.mkdir()
    target.write_bytes(path.read_bytes())
    return target


def test_a_commit_killed_at_any_statement_leaves_the_old_state_or_the_new_one(prepared: Path) -> None:
    whole = copied(prepared, "whole")
    statements = statements_of_a_commit(whole, None)
    old, new = state(prepared), state(whole)
    assert old != new
    left = []
    for number in range(1, statements + 1):
        path = copied(prepared, str(number))
        child = FORK.Process(target=statements_of_a_commit, args=(path, number))
        child.start()
        child.join(timeout=60)
        assert child.exitcode == -signal.SIGKILL
        found = state(path)
        assert found in (old, new)
        left.append(found == new)
        if number == statements // 2:
            assert found == old
            assert statements_of_a_commit(path, None) == statements  # what was not done can be done again
            assert state(path) == new
    assert left == sorted(left)
    assert statements > 20
