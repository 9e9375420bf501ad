"""Which trajectories become query, and which have no role for ever."""

import pytest

from metaclaw_jlab.core.errors import InvariantViolation, NotFound
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.trajectory import Purpose, Role
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import START, Attack, ended, opened, skill


@pytest.fixture
def starts(database: Database) -> StartStates:
    return StartStates(database)


def test_what_has_ended_under_the_current_generation_becomes_query(
    trajectories: Trajectories, starts: StartStates
) -> None:
    trajectories.record(ended("t1"))
    starts.keep("t1", START)
    assert trajectories.admit("t1")
    assert trajectories.get("t1").role is Role.QUERY
    assert trajectories.admit("t1")


def test_what_has_no_start_is_not_admitted_until_it_is_kept(
    trajectories: Trajectories, starts: StartStates, attack: Attack
) -> None:
    trajectories.record(ended("t1"))
    assert not trajectories.admit("t1")
    assert trajectories.role_reason("t1") == "What it started from was not kept."
    attack("UPDATE trajectories SET role = 'query'")
    attack("UPDATE trajectories SET role = 'query', held_out = 0")
    starts.keep("t1", START)
    assert trajectories.admit("t1")
    assert trajectories.role_reason("t1") == ""


def test_what_is_open_is_not_admitted_until_it_ends(trajectories: Trajectories, starts: StartStates) -> None:
    trajectories.begin(opened("t1"))
    starts.keep("t1", START)
    assert not trajectories.admit("t1")
    assert trajectories.role_reason("t1") == "It has not ended."
    end = ended("t1")
    assert end.stop is not None
    trajectories.close("t1", end.stop)
    assert trajectories.admit("t1")
    assert trajectories.role_reason("t1") == ""


def test_what_ran_under_an_older_generation_is_not_admitted(
    trajectories: Trajectories, skills: Skills, starts: StartStates
) -> None:
    trajectories.record(ended("t1"))
    starts.keep("t1", START)
    skills.commit_generation(Cause.USER, [skill("a")])
    assert not trajectories.admit("t1")
    assert trajectories.get("t1").role is Role.NEITHER
    assert "generation 0; the current one is 1" in trajectories.role_reason("t1")


def test_support_is_not_admitted(trajectories: Trajectories, skills: Skills, starts: StartStates) -> None:
    trajectories.record(ended("t1"))
    starts.keep("t1", START)
    skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"])
    assert not trajectories.admit("t1")
    assert trajectories.get("t1").role is Role.SUPPORT


@pytest.mark.parametrize("purpose", [Purpose.ABLATION, Purpose.GATE, Purpose.BENCHMARK, Purpose.SKILL_REPLAY])
def test_what_only_measures_is_not_admitted(trajectories: Trajectories, purpose: Purpose) -> None:
    trajectories.record(ended("t1", purpose=purpose))
    assert not trajectories.admit("t1")
    assert "measures" in trajectories.role_reason("t1")


def test_what_may_not_teach_has_no_role_ever(
    trajectories: Trajectories, skills: Skills, attack: Attack
) -> None:
    trajectories.record(ended("t1", learn=False))
    assert not trajectories.admit("t1")
    assert "Learning is off" in trajectories.role_reason("t1")
    attack("UPDATE trajectories SET role = 'query'")
    attack("UPDATE trajectories SET learn = 1")
    attack("UPDATE trajectories SET learn = 1, role = 'query'")
    with pytest.raises(InvariantViolation, match="learning off"):
        skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"])
    assert skills.current_generation().number == 0
    assert trajectories.get("t1") == ended("t1", learn=False)


def test_an_open_trajectory_is_no_support(trajectories: Trajectories, skills: Skills) -> None:
    trajectories.begin(opened("t1"))
    with pytest.raises(InvariantViolation, match="has ended"):
        skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"])
    assert skills.current_generation().number == 0


def test_a_reason_may_be_given(trajectories: Trajectories) -> None:
    trajectories.record(ended("t1"))
    trajectories.set_role_reason("t1", "Its start cannot be rebuilt \udc80.")
    assert trajectories.role_reason("t1") == "Its start cannot be rebuilt \udc80."


@pytest.mark.parametrize(
    "act",
    [
        lambda store: store.admit("t9"),
        lambda store: store.set_role_reason("t9", ""),
        lambda store: store.role_reason("t9"),
    ],
)
def test_the_role_of_what_is_not_there_is_refused(trajectories: Trajectories, act: object) -> None:
    with pytest.raises(NotFound, match="t9"):
        act(trajectories)  # type: ignore[operator]
