import pytest

from metaclaw_jlab.core.evolution import Source
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.trajectories import Trajectories
from metaclaw_jlab.store.undecided import Undecided, UndecidedWordings
from tests.store.samples import ended

SOURCES = (Source("t1", "Dates \udc80."),)


@pytest.fixture
def undecided(database: Database) -> Undecided:
    now = iter(range(1000))
    return Undecided(database, clock=lambda: float(next(now)))


def test_what_waits_comes_back_whole_the_oldest_first(undecided: Undecided) -> None:
    undecided.put("b", "bb", ["One.", "Two \udc80."], SOURCES)
    undecided.put("a", "aa", ["Three."], ())
    assert undecided.take() == [
        UndecidedWordings("b", "bb", ("One.", "Two \udc80."), SOURCES),
        UndecidedWordings("a", "aa", ("Three.",), ()),
    ]


def test_it_stays_until_it_is_dropped(undecided: Undecided) -> None:
    undecided.put("a", "aa", ["One."], SOURCES)
    assert undecided.take() == undecided.take() != []
    undecided.drop("a")
    undecided.drop("a")
    assert undecided.take() == []


def test_a_skill_has_one_entry(undecided: Undecided) -> None:
    undecided.put("a", "aa", ["One."], SOURCES)
    undecided.put("a", "bb", ["Two."], ())
    assert undecided.take() == [UndecidedWordings("a", "bb", ("Two.",), ())]


def test_what_was_said_of_a_forgotten_trajectory_goes_with_it(
    undecided: Undecided, trajectories: Trajectories
) -> None:
    trajectories.record(ended("t1"))
    undecided.put("a", "aa", ["One."], SOURCES)
    undecided.put("b", "bb", ["Two."], (Source("t2", "Names."),))
    trajectories.forget("t1")
    assert [waiting.name for waiting in undecided.take()] == ["b"]
