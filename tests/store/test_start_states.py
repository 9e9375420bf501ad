import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metaclaw_jlab.core.errors import InvariantViolation, NotFound, StoreDamaged
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.trajectory import Purpose, new_trajectory_id
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import START, Attack, dump, ended, opened, skill

TABLES = ("starts", "start_states", "start_parts", "start_blobs")


@pytest.fixture
def starts(database: Database) -> StartStates:
    return StartStates(database)


names = st.text(st.characters(codec=None), min_size=1, max_size=9)
parts = st.dictionaries(names, st.binary(max_size=40), max_size=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.builds(StartState, files=parts, objects=parts, practice=st.none() | st.text(min_size=1, max_size=30))
)
def test_a_start_state_comes_back_as_it_was(
    trajectories: Trajectories, starts: StartStates, start: StartState
) -> None:
    id_ = new_trajectory_id()
    trajectories.begin(opened(id_))
    starts.keep(id_, start)
    assert starts.get(id_) == start


def test_it_may_be_kept_after_the_end(trajectories: Trajectories, starts: StartStates) -> None:
    trajectories.record(ended("t1"))
    assert starts.get("t1") is None
    starts.keep("t1", START)
    assert starts.get("t1") == START


def test_it_is_kept_once(trajectories: Trajectories, starts: StartStates) -> None:
    trajectories.record(ended("t1"))
    starts.keep("t1", START)
    starts.keep("t1", START)
    with pytest.raises(InvariantViolation, match="another start state"):
        starts.keep("t1", StartState())
    assert starts.get("t1") == START


def test_a_start_of_nothing_is_refused(starts: StartStates) -> None:
    with pytest.raises(NotFound, match="t9"):
        starts.keep("t9", START)
    assert starts.get("t9") is None


@pytest.mark.parametrize("changes", [{"learn": False}, {"purpose": Purpose.GATE}])
def test_nothing_is_kept_of_what_may_not_teach(
    database: Database, trajectories: Trajectories, starts: StartStates, changes: dict[str, object]
) -> None:
    trajectories.record(ended("t1", **changes))
    with pytest.raises(InvariantViolation, match="may teach"):
        starts.keep("t1", START)
    assert dump(database, *TABLES) == []


def test_what_several_start_from_is_kept_once(
    database: Database, trajectories: Trajectories, starts: StartStates
) -> None:
    data = b"x" * 1000
    for id_, start in (
        ("t1", StartState(files={"a": data})),
        ("t2", StartState(files={"a": data})),
        ("t3", StartState(files={"b": data}, objects={"b": data})),
    ):
        trajectories.record(ended(id_))
        starts.keep(id_, start)
    assert starts.total_bytes() == 1000
    assert len(dump(database, "start_states")) == 2
    hashes = starts.of(["t1", "t2", "t3", "t9"])
    assert hashes["t1"] == hashes["t2"] == StartState(files={"a": data}).sha256
    assert set(hashes) == {"t1", "t2", "t3"}


def test_it_goes_with_the_last_that_needs_it(
    database: Database, trajectories: Trajectories, starts: StartStates
) -> None:
    shared, own = b"shared", b"own"
    for id_, files in (("t1", {"a": shared}), ("t2", {"a": shared}), ("t3", {"a": shared, "b": own})):
        trajectories.record(ended(id_))
        starts.keep(id_, StartState(files=files))
    trajectories.forget("t1")
    assert starts.get("t2") == StartState(files={"a": shared})
    trajectories.forget("t3")
    assert starts.total_bytes() == len(shared)
    trajectories.forget("t2")
    assert dump(database, *TABLES) == []
    assert database.problems() == ()


@pytest.mark.parametrize("pragmas", ["", "PRAGMA recursive_triggers = ON", "PRAGMA foreign_keys = ON"])
def test_it_goes_whoever_deletes_the_trajectory(
    database: Database, trajectories: Trajectories, starts: StartStates, pragmas: str
) -> None:
    trajectories.record(ended("t1"))
    starts.keep("t1", START)
    bare = sqlite3.connect(database.path)
    bare.execute(pragmas)
    bare.execute("DELETE FROM trajectories")
    bare.commit()
    bare.close()
    assert dump(database, *TABLES) == []


def test_that_of_support_stays(trajectories: Trajectories, starts: StartStates, skills: Skills) -> None:
    trajectories.record(ended("t1"))
    starts.keep("t1", START)
    skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"])
    assert starts.get("t1") == START


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM starts",
        "UPDATE starts SET sha256 = (SELECT max(sha256) FROM start_states)",
        "UPDATE OR REPLACE starts SET trajectory = 't2'",
        "INSERT OR REPLACE INTO starts SELECT 't1', sha256 FROM starts WHERE trajectory = 't2'",
        "INSERT INTO starts VALUES ('t3', 'no such state')",
        "INSERT INTO starts SELECT 'no such trajectory', sha256 FROM starts WHERE trajectory = 't2'",
        "DELETE FROM start_states",
        "UPDATE start_states SET practice = 'x'",
        "INSERT OR REPLACE INTO start_states SELECT sha256, 'x' FROM start_states",
        "DELETE FROM start_parts",
        "UPDATE start_parts SET name = 'x'",
        "INSERT OR REPLACE INTO start_parts SELECT state, kind, name, (SELECT max(sha256) FROM start_blobs)"
        " FROM start_parts",
        "INSERT INTO start_parts SELECT state, 'file', 'more', blob FROM start_parts LIMIT 1",
        "INSERT INTO start_parts SELECT 'no such state', 'file', 'more', blob FROM start_parts LIMIT 1",
        "DELETE FROM start_blobs",
        "UPDATE start_blobs SET content = x'00'",
        "INSERT OR REPLACE INTO start_blobs SELECT sha256, x'00' FROM start_blobs",
    ],
)
def test_what_a_task_started_from_is_final(
    database: Database, trajectories: Trajectories, starts: StartStates, attack: Attack, statement: str
) -> None:
    for id_ in ("t1", "t2", "t3"):
        trajectories.record(ended(id_))
    starts.keep("t1", START)
    starts.keep("t2", StartState(files={"other": b"other"}))
    before = dump(database, *TABLES)
    attack(statement)
    assert dump(database, *TABLES) == before
    assert starts.get("t1") == START


def test_a_start_that_is_not_what_its_hash_says_is_not_given_out(
    database: Database, trajectories: Trajectories, starts: StartStates
) -> None:
    trajectories.record(ended("t1"))
    starts.keep("t1", START)
    with database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER start_blobs_do_not_change")
        connection.exec_driver_sql("UPDATE start_blobs SET content = x'00' WHERE content = x'612c62'")
    with pytest.raises(StoreDamaged, match="not what its hash"):
        starts.get("t1")
