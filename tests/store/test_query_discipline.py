"""Support, older generations and what is held out, planted in every way a caller could: none reaches a batch.

A batch is what Query.trainable() names for a run, before each of its optimiser steps.
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from metaclaw_jlab.core.errors import InvariantViolation
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.task import Origin, Task
from metaclaw_jlab.core.training import RunState
from metaclaw_jlab.core.trajectory import Purpose, Role, Stamp
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.training import Training
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import START, Attack, begun, ended, opened, queried, skill

GOOD = "good"
PURPOSES = (Purpose.ABLATION, Purpose.GATE, Purpose.BENCHMARK, Purpose.SKILL_REPLAY)
PLANTED = (
    "support", "older", "older and support", "held out", "open", "no start", "no lesson",
    *(purpose.value for purpose in PURPOSES),
)  # fmt: skip


def of(name: str, generation: int = 1, **changes: object) -> dict[str, object]:
    return {
        "task": Task(f"Do {name}", origin=Origin("a.ipynb", name)),
        "stamp": Stamp(generation, (), "m"),
    } | changes


def kept(database: Database, name: str, **changes: object) -> None:
    Trajectories(database).record(ended(name, **of(name, **changes)))  # type: ignore[arg-type]
    StartStates(database).keep(name, START)


@pytest.fixture
def planted(database: Database) -> Database:
    """One good query trajectory in generation 2, a run that trains there, and everything that must not reach it."""
    store, skills = Trajectories(database), Skills(database)
    skills.commit_generation(Cause.USER, [skill("a")])
    kept(database, "older and support")
    kept(database, "support")
    queried(database, ended("older", **of("older")))
    skills.commit_generation(Cause.EVOLVER, [skill("b")], ["support", "older and support"])
    queried(database, ended("held out", **of("held out", 2)), held_out=True)
    store.begin(opened("open", **of("open", 2)))
    StartStates(database).keep("open", START)
    store.record(ended("no start", **of("no start", 2)))
    store.record(ended("no lesson", **of("no lesson", 2, learn=False)))
    for purpose in PURPOSES:
        store.record(ended(purpose.value, **of(purpose.value, 2, purpose=purpose)))
    queried(database, ended(GOOD, **of(GOOD, 2)))
    begun(database, 2)
    return database


def bare(path: object, **pragmas: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(str(path), isolation_level=None)
    for name, on in pragmas.items():
        connection.execute(f"PRAGMA {name} = {on:d}")
    return connection


def marked(database: Database) -> list[object]:
    """What says of itself that it was drained, or is said to be."""
    query = "SELECT id FROM trajectories WHERE drained_at IS NOT NULL UNION SELECT trajectory FROM drained"
    with database.read() as connection:
        return [row[0] for row in connection.exec_driver_sql(query)]


def batch(database: Database, run: int = 1) -> frozenset[str]:
    """What a training that takes all it can get would train on."""
    query = Query(database)
    query.drain((*query.waiting(), *query.held_out(), *PLANTED, GOOD), run)
    assert query.trainable(run) <= set(query.drained(run))
    return query.trainable(run)


# Through the interface


def test_only_what_is_good_reaches_a_batch(planted: Database) -> None:
    assert Query(planted).waiting() == (GOOD,)
    assert batch(planted) == {GOOD}


@pytest.mark.parametrize("name", PLANTED)
def test_nothing_else_is_admitted_later(planted: Database, name: str) -> None:
    store = Trajectories(planted)
    admitted = store.admit(name, held_out_share=0.0)
    assert admitted == (store.get(name).role is Role.QUERY)
    assert batch(planted) == {GOOD}


@pytest.mark.parametrize("role", [Role.QUERY, Role.SUPPORT])
def test_no_role_is_recorded(planted: Database, role: Role) -> None:
    for generation in (0, 1, 2):
        with pytest.raises(InvariantViolation, match="not recorded"):
            Trajectories(planted).record(ended("late", **of("late", generation, role=role)))
    assert batch(planted) == {GOOD}


def test_an_older_stamp_recorded_late_is_not_admitted(planted: Database) -> None:
    kept(planted, "late", generation=1)
    assert not Trajectories(planted).admit("late", held_out_share=0.0)
    assert batch(planted) == {GOOD}


def test_what_becomes_support_after_it_waited_is_not_drained(planted: Database) -> None:
    waiting = Query(planted).waiting()
    Skills(planted).commit_generation(Cause.EVOLVER, [skill("c")], [GOOD])
    assert Query(planted).drain(waiting, 1) == ()
    assert batch(planted) == frozenset()


def test_a_generation_between_waiting_and_draining_leaves_nothing(planted: Database) -> None:
    waiting = Query(planted).waiting()
    Skills(planted).commit_generation(Cause.USER, [skill("c")])
    assert Query(planted).drain(waiting, 1) == ()
    Training(planted).change(1, RunState.ABANDONED, "It was superseded.")
    assert batch(planted, begun(planted, 3).number) == frozenset()


def test_a_generation_after_draining_empties_the_batch(planted: Database) -> None:
    assert batch(planted) == {GOOD}
    Skills(planted).commit_generation(Cause.USER, [skill("c")])
    assert Query(planted).trainable(1) == frozenset()
    assert Query(planted).drained(1) == (GOOD,)


def test_a_rollback_to_the_members_of_the_run_is_another_generation(planted: Database) -> None:
    members = Skills(planted).members(2)
    assert batch(planted) == {GOOD}
    Skills(planted).commit_generation(Cause.USER, [skill("c")])
    Skills(planted).commit_generation(Cause.ROLLBACK, members)
    assert Query(planted).trainable(1) == frozenset()


def test_what_was_drained_never_becomes_support(planted: Database) -> None:
    assert batch(planted) == {GOOD}
    with pytest.raises(InvariantViolation, match="drained"):
        Skills(planted).commit_generation(Cause.EVOLVER, [skill("c")], [GOOD])
    assert batch(planted) == {GOOD}


@pytest.mark.parametrize("state", [RunState.DONE, RunState.ABANDONED, RunState.FAILED])
def test_a_run_that_is_over_has_no_batch(planted: Database, state: RunState) -> None:
    assert batch(planted) == {GOOD}
    with planted.write() as connection:
        connection.exec_driver_sql("INSERT INTO adapters VALUES (1, 'tiny', 'x', 'candidate', 2, 0, '')")
    for step in (RunState.TRAINING, RunState.GATING):
        Training(planted).change(1, step, "", adapter=1)
    Training(planted).change(1, state, "It is over.")
    assert batch(planted) == frozenset()


def test_two_runs_do_not_share_a_batch(planted: Database) -> None:
    assert batch(planted) == {GOOD}
    Training(planted).change(1, RunState.ABANDONED, "By hand.")
    second = begun(planted, 2).number
    assert batch(planted, second) == frozenset()


def test_learning_that_is_turned_off_is_honoured(planted: Database) -> None:
    copy = replace(ended("off", **of("off", 2)), learn=False)
    Trajectories(planted).record(copy)
    with pytest.raises(InvariantViolation, match="may teach"):
        StartStates(planted).keep("off", START)
    assert not Trajectories(planted).admit("off")
    assert batch(planted) == {GOOD}


# With SQL, whatever pragmas are set

ATTEMPTS = [
    "INSERT INTO drained VALUES (1, '{id}', 1)",
    "INSERT OR REPLACE INTO drained VALUES (1, '{id}', 1)",
    "INSERT OR IGNORE INTO drained VALUES (1, '{id}', 1)",
    "INSERT INTO drained VALUES (7, '{id}', 1)",
    "UPDATE drained SET trajectory = '{id}'",
    "UPDATE OR REPLACE drained SET trajectory = '{id}'",
    "UPDATE trajectories SET drained_at = 1 WHERE id = '{id}'",
    "UPDATE trajectories SET role = 'query' WHERE id = '{id}'",
    "UPDATE OR REPLACE trajectories SET role = 'query', held_out = 0 WHERE id = '{id}'",
    "UPDATE trajectories SET held_out = 0 WHERE id = '{id}'",
    "UPDATE trajectories SET role = 'neither' WHERE id = '{id}'",
    "UPDATE trajectories SET skill_generation = 2, role = 'query', held_out = 0 WHERE id = '{id}'",
    "UPDATE trajectories SET purpose = 'user', learn = 1 WHERE id = '{id}'",
    "UPDATE OR REPLACE trajectories SET id = '{id}' WHERE id = 'good'",
    "INSERT INTO starts SELECT '{id}', sha256 FROM starts WHERE trajectory = 'good'",
    "INSERT OR REPLACE INTO starts SELECT '{id}', sha256 FROM starts WHERE trajectory = 'good'",
    "DELETE FROM generations WHERE number = 2",
    "DELETE FROM generation_evidence WHERE trajectory = '{id}'",
    "UPDATE generation_evidence SET trajectory = 'good' WHERE trajectory = '{id}'",
    "UPDATE training_runs SET skill_generation = 1",
    "INSERT OR REPLACE INTO training_runs SELECT 1, 1, base, base_sha256, seed, steps, state, reason, created_at,"
    " changed_at, 0, 0, NULL, NULL FROM training_runs",
    "DELETE FROM training_runs",
]
LAST = [
    "DELETE FROM trajectories WHERE id = '{id}'",
    "INSERT OR REPLACE INTO trajectories (id, text_sha256, task, skill_generation, skills, model, purpose, created_at,"
    " process, role, role_reason, stop, stop_detail, checks, seconds, held_out)"
    " VALUES ('{id}', 'x', '{{}}', 2, '[]', 'm', 'user', 0, '', 'query', '', 'done', '', '[]', 0, 0)",
    "INSERT INTO drained VALUES (1, '{id}', 1)",
]
ADMISSIONS: list[Callable[[Database, str], object]] = [
    lambda database, name: StartStates(database).keep(name, START),
    lambda database, name: Trajectories(database).admit(name, held_out_share=0.0),
    lambda database, name: Query(database, held_out_share=0.0).admit(name),
]


# "no start" lacks nothing but a start, and SQL can give it one: then it is as good as any.
@pytest.mark.parametrize("name", [name for name in PLANTED if name != "no start"])
@pytest.mark.parametrize("recursive_triggers", [False, True])
@pytest.mark.parametrize("foreign_keys", [False, True])
def test_no_sequence_of_statements_brings_it_into_a_batch(
    planted: Database, name: str, foreign_keys: bool, recursive_triggers: bool
) -> None:
    connection = bare(planted.path, foreign_keys=foreign_keys, recursive_triggers=recursive_triggers)
    assert batch(planted) == {GOOD}
    for attempt in (*ATTEMPTS, *ATTEMPTS):
        with suppress(sqlite3.Error):
            connection.execute(attempt.format(id=name))
        assert Query(planted).trainable(1) == {GOOD}
    assert marked(planted) == [GOOD]
    for act in ADMISSIONS:
        with suppress(InvariantViolation):
            act(planted, name)
    assert batch(planted) == {GOOD}
    for attempt in LAST:
        with suppress(sqlite3.Error):
            connection.execute(attempt.format(id=name))
    connection.close()
    assert batch(planted) == {GOOD}
    assert marked(planted) == [GOOD]
    assert Query(planted).drained(1) == (GOOD,)


@pytest.mark.parametrize("verb", ["INSERT", "INSERT OR REPLACE"])
def test_only_a_current_run_that_is_not_over_drains(planted: Database, attack: Attack, verb: str) -> None:
    attack(f"{verb} INTO drained VALUES (7, 'good', 1)")
    Training(planted).change(1, RunState.ABANDONED, "By hand.")
    attack(f"{verb} INTO drained VALUES (1, 'good', 1)")
    begun(planted, 2)
    Skills(planted).commit_generation(Cause.USER, [skill("c")])
    queried(planted, ended("newer", **of("newer", 3)))
    attack(f"{verb} INTO drained VALUES (2, 'newer', 1)")
    assert Query(planted).drain(["newer"], 2) == ()
    assert marked(planted) == []


@pytest.mark.parametrize("attempt", ["UPDATE training_runs SET state = 'training'", "DELETE FROM drained"])
def test_a_superseded_run_is_not_made_current_again(planted: Database, attack: Attack, attempt: str) -> None:
    assert batch(planted) == {GOOD}
    Skills(planted).commit_generation(Cause.USER, [skill("c")])
    Training(planted).change(1, RunState.ABANDONED, "It was superseded.")
    attack(attempt)
    assert Query(planted).trainable(1) == frozenset()
    assert Query(planted).drained(1) == (GOOD,)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO drained VALUES (2, 'good', 1)",
        "INSERT OR REPLACE INTO drained VALUES (1, 'good', 9)",
        "UPDATE drained SET at = 9",
        "UPDATE drained SET run = 2",
        "DELETE FROM drained",
        "UPDATE trajectories SET drained_at = NULL",
        "UPDATE trajectories SET drained_at = 9",
    ],
)
def test_a_drain_is_recorded_for_ever(planted: Database, attack: Attack, statement: str) -> None:
    assert batch(planted) == {GOOD}
    attack(statement)
    assert Query(planted).drained(1) == (GOOD,)
    assert batch(planted) == {GOOD}
