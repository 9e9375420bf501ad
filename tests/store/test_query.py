"""What waits to be trained on, what may be attempted again, and how much of each there is."""

from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Origin, Task
from metaclaw_jlab.core.training import RunState
from metaclaw_jlab.core.trajectory import InjectedSkill, Purpose, Stamp
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.query import Query, QueryCounts
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.training import Training
from metaclaw_jlab.store.trajectories import Trajectories
from tests.kills import each_write
from tests.store.samples import START, begun, ended, opened, queried, skill


@pytest.fixture
def query(database: Database) -> Query:
    return Query(database, clock=lambda: 5.0)


def task(text: str, cell: str | None = None) -> Task:
    return Task(text, origin=Origin("a.ipynb", cell))


def stamp(generation: int, *hashes: str, relevance: float = 1.0) -> Stamp:
    return Stamp(generation, tuple(InjectedSkill("a", sha256, relevance) for sha256 in hashes), "tiny")


def advance(skills: Skills, body: str = "Do it.") -> int:
    return skills.commit_generation(Cause.USER, [skill("a", body)]).number


# What waits


def test_what_is_not_held_out_waits(database: Database, query: Query) -> None:
    queried(database, ended("t1", task=task("Sort it")))
    queried(database, ended("t2", task=task("Plot it")), held_out=True)
    queried(database, ended("t3", task=task("Count it")))
    assert query.waiting() == ("t1", "t3")
    assert query.held_out() == ("t2",)


@pytest.mark.parametrize("held_out", [False, True])
def test_of_those_alike_the_newest_counts(database: Database, query: Query, held_out: bool) -> None:
    for id_, relevance in (("t1", 0.4), ("t2", 0.5)):
        queried(database, ended(id_, stamp=stamp(0, "aa", "bb", relevance=relevance)), held_out=held_out)
    assert (query.held_out() if held_out else query.waiting()) == ("t2",)


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({"task": task("Plot it")}, START),
        ({"stamp": stamp(0, "bb")}, START),
        ({"stamp": stamp(0, "aa", "aa")}, START),
        ({}, StartState(files={"in.csv": b"other"})),
    ],
)
def test_what_differs_in_text_start_or_skills_is_not_alike(
    database: Database, query: Query, changes: dict[str, object], start: StartState
) -> None:
    one = {"task": task("Sort it"), "stamp": stamp(0, "aa")}
    queried(database, ended("t1", **one))
    queried(database, ended("t2", **(one | changes)), start=start)
    assert query.waiting() == ("t1", "t2")


def test_what_was_drained_does_not_wait_nor_do_older_ones_like_it(database: Database, query: Query) -> None:
    queried(database, ended("t1"))
    queried(database, ended("t2"))
    assert query.drain(query.waiting(), begun(database).number) == ("t2",)
    assert query.waiting() == ()
    queried(database, ended("t3"))
    assert query.waiting() == ("t3",)


def test_a_new_generation_empties_the_query_set_at_once(
    database: Database, query: Query, skills: Skills
) -> None:
    queried(database, ended("t1", task=task("Sort it")))
    queried(database, ended("t2", task=task("Plot it")), held_out=True)
    advance(skills)
    assert (query.waiting(), query.held_out()) == ((), ())
    assert query.counts().outdated == 2


# Draining


def test_a_drain_is_recorded_with_its_run(database: Database, query: Query) -> None:
    for id_, text in (("t1", "Sort it"), ("t2", "Plot it"), ("t3", "Count it")):
        queried(database, ended(id_, task=task(text)))
    run = begun(database).number
    assert query.drain(["t3", "t1", "t3", "t9"], run) == ("t3", "t1")
    assert query.drained(run) == ("t1", "t3")
    assert query.trainable(run) == {"t1", "t3"}
    assert query.drain(["t1", "t2"], run) == ("t2",)
    with database.read() as connection:
        times = connection.exec_driver_sql("SELECT drained_at FROM trajectories").scalars().all()
    assert times == [5.0, 5.0, 5.0]


def test_a_run_that_is_not_there_drains_nothing(database: Database, query: Query) -> None:
    queried(database, ended("t1"))
    with pytest.raises(NotFound, match="training run 7"):
        query.drain(["t1"], 7)
    with pytest.raises(NotFound, match="training run 7"):
        query.still_current(7)
    assert query.trainable(7) == frozenset()
    assert query.drained(7) == ()


def test_what_a_failed_run_had_waits_again(database: Database, query: Query) -> None:
    queried(database, ended("t1"))
    first = begun(database).number
    query.drain(["t1"], first)
    Training(database).change(first, RunState.FAILED, "The loss was no number.")
    assert query.waiting() == ("t1",)
    second = begun(database).number
    assert query.drain(["t1"], second) == ("t1",)
    assert query.trainable(first) == frozenset()
    assert query.trainable(second) == {"t1"}
    assert query.counts().drained == 1


def test_what_was_forgotten_is_trained_on_no_more(
    database: Database, query: Query, trajectories: Trajectories
) -> None:
    queried(database, ended("t1"))
    run = begun(database).number
    query.drain(["t1"], run)
    trajectories.forget("t1")
    assert query.trainable(run) == frozenset()
    assert database.problems() == ()


def test_a_drain_of_many_is_one_transaction(tmp_path: Path) -> None:
    home = open_home(tmp_path / "template")
    database = open_database(home.database)
    ids = [queried(database, ended(f"t{n}", task=task("Sort" + n * "x"))) for n in range(20)]
    begun(database)
    database.close()
    left = set()

    def drain(home: Home, skills: Skills) -> object:
        return Query(skills._database).drain(ids, 1)

    def check(home: Home, skills: Skills) -> None:
        query = Query(skills._database)
        left.add(len(query.drained(1)))
        assert set(query.drained(1)) == query.trainable(1)
        assert len(query.waiting()) == 20 - len(query.drained(1))
        assert skills._database.problems() == ()

    each_write(home, drain, check)
    assert left == {0, 20}


# Older tasks


def kept(database: Database, id_: str, **changes: object) -> None:
    Trajectories(database).record(ended(id_, **changes))
    StartStates(database).keep(id_, START)


def test_tasks_of_older_generations_may_be_attempted_again(
    database: Database, query: Query, skills: Skills
) -> None:
    kept(database, "t1", task=task("Sort it", "c1"))
    kept(database, "t2", task=task("Plot it", "c2"), purpose=Purpose.RETRY)
    kept(database, "t3", task=task("Sort it", "c1"))
    assert query.older(9) == ()
    advance(skills)
    assert query.older(9) == ("t3", "t2")
    assert query.older(1) == ("t3",)


def test_a_task_whose_failure_evolved_a_skill_may_be_attempted_again(
    database: Database, query: Query, skills: Skills
) -> None:
    kept(database, "t1")
    skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"])
    assert query.older(9) == ("t1",)


def test_what_was_attempted_under_the_current_generation_is_not_attempted_again(
    database: Database, query: Query, skills: Skills
) -> None:
    kept(database, "t1", task=task("Sort it", "c1"))
    kept(database, "t2", task=task("Sort it", "c2"))
    advance(skills)
    Trajectories(database).begin(
        opened("t3", task=task("Sort  it", "c1"), stamp=stamp(1), purpose=Purpose.RETRY)
    )
    assert query.older(9) == ("t2",)


@pytest.mark.parametrize("changes", [{"learn": False}, {"purpose": Purpose.BENCHMARK}])
def test_what_may_not_teach_is_not_attempted_again(
    database: Database, query: Query, skills: Skills, changes: dict[str, object]
) -> None:
    Trajectories(database).record(ended("t1", **changes))
    advance(skills)
    assert query.older(9) == ()


def test_what_has_no_start_or_is_open_is_not_attempted_again(
    database: Database, query: Query, skills: Skills
) -> None:
    Trajectories(database).record(ended("t1", task=task("Sort it")))
    Trajectories(database).begin(opened("t2", task=task("Plot it")))
    StartStates(database).keep("t2", START)
    advance(skills)
    assert query.older(9) == ()


# Counts


def test_counts(database: Database, query: Query, skills: Skills) -> None:
    queried(database, ended("t1", task=task("Old")))
    queried(database, ended("t2", task=task("Old and drained")))
    query.drain(["t2"], begun(database).number)
    Trajectories(database).record(ended("t3", task=task("Old without start")))
    advance(skills)
    now = stamp(1)
    queried(database, ended("t4", task=task("Sort it"), stamp=now))
    queried(database, ended("t5", task=task("Plot it"), stamp=now))
    queried(database, ended("t6", task=task("Count it"), stamp=now), held_out=True)
    Trajectories(database).record(ended("t7", task=task("Without start"), stamp=now))
    Trajectories(database).record(ended("t8", task=task("No lesson"), stamp=now, learn=False))
    Trajectories(database).begin(opened("t9", task=task("Open"), stamp=now))
    assert query.counts() == QueryCounts(waiting=2, held_out=1, drained=1, outdated=1, without_start=1)


def test_counts_of_a_new_store(query: Query) -> None:
    assert query.counts() == QueryCounts(0, 0, 0, 0, 0)


def test_a_run_is_current_until_the_library_advances(
    database: Database, query: Query, skills: Skills
) -> None:
    run = begun(database).number
    assert query.still_current(run)
    advance(skills)
    assert not query.still_current(run)
