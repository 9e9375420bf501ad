"""Older tasks, attempted again in real sandboxes."""

import pickle
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from metaclaw_jlab.agent.parser import render_reply
from metaclaw_jlab.agent.rooms import SandboxRooms
from metaclaw_jlab.core.errors import PolicyUnavailable
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.start_state import Rooms, StartState
from metaclaw_jlab.core.task import Check, CheckKind, Task
from metaclaw_jlab.core.trajectory import Purpose, Stamp, StopReason
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.learning.reattempts import Reattempts, attempt_again
from metaclaw_jlab.policies.scripted import ScriptedPolicy
from metaclaw_jlab.store.start_states import StartStates
from tests.learning.homes import Ground, passed
from tests.learning.slow_homes import NoRooms, Slow

TASK = Task("Make y one more than x", checks=(Check(CheckKind.EXPRESSION, "y == x + 1"),))
START = StartState(objects={"x": pickle.dumps(41)})
RIGHT, WRONG = render_reply("y = x + 1", done=True), render_reply("y = 0", done=True)


@pytest.fixture(scope="module")
def pool() -> Iterator[SandboxPool]:
    with SandboxPool(2, preload=()) as opened:
        yield opened


@pytest.fixture
def rooms(pool: SandboxPool) -> Rooms:
    return SandboxRooms(pool)


@pytest.fixture
def slow(home_ground: Ground) -> Slow:
    return Slow(home_ground)


def old(slow: Slow, seed: int | None = 7, task: Task = TASK) -> str:
    """A task of the user's under generation 0, its start kept; its id."""
    return slow.keeps(replace(passed(), task=task, stamp=Stamp(0, (), "tiny", seed=seed)), START)


def again(slow: Slow, ids: list[str], rooms: Rooms, *replies: Any, **changes: Any) -> Any:
    how = replace(slow.reattempts(rooms), policy=ScriptedPolicy(replies), concurrency=1, **changes)
    return attempt_again(ids, how)


def test_an_attempt_is_a_new_trajectory_of_the_current_generation(slow: Slow, rooms: Rooms) -> None:
    before = old(slow)
    slow.advances()
    ((first, second),) = again(slow, [before], rooms, RIGHT)
    assert first == before
    made = slow.ground.trajectories.get(second)
    assert (made.purpose, made.stop, made.stamp.skill_generation) == (Purpose.RETRY, StopReason.DONE, 1)
    assert made.task == TASK


def test_it_begins_where_the_task_began(slow: Slow, rooms: Rooms) -> None:
    ((_, new),) = again(slow, [old(slow)], rooms, RIGHT)
    made = slow.ground.trajectories.get(new)
    assert [check.passed for check in made.checks] == [True]
    assert StartStates(slow.ground.database).get(new) == START


def test_a_failed_attempt_is_kept_too(slow: Slow, rooms: Rooms) -> None:
    ((_, new),) = again(slow, [old(slow)], rooms, WRONG, WRONG)
    assert slow.ground.trajectories.get(new).stop in (StopReason.CHECK_FAILED, StopReason.OUT_OF_STEPS)


def test_the_skills_are_those_of_now(slow: Slow, rooms: Rooms) -> None:
    skill = Skill("one-more", "Says how.", "Add one.")
    ((_, new),) = again(slow, [old(slow)], rooms, RIGHT, retrieve=lambda _: (Match(skill, 1.0),))
    made = slow.ground.trajectories.get(new)
    assert [one.name for one in made.stamp.skills] == ["one-more"]
    assert "Add one." in "".join(message.content for message in made.steps[0].messages)


def test_it_is_sampled_with_the_seed_of_the_first_attempt(slow: Slow, rooms: Rooms) -> None:
    policy = ScriptedPolicy([RIGHT])
    attempt_again([old(slow, seed=11)], replace(slow.reattempts(rooms), policy=policy))
    assert [sampling.seed for sampling in policy.samplings] == [11]


def test_an_attempt_that_the_policy_broke_off_is_left_out(slow: Slow, rooms: Rooms) -> None:
    ids = [old(slow), old(slow)]
    made = again(slow, ids, rooms, PolicyUnavailable("Nobody answers.", "Wait."), RIGHT)
    assert [before for before, _ in made] == ids[1:]
    assert len(slow.ground.trajectories.recent(9)) == 3


def test_an_attempt_without_a_room_is_left_out(slow: Slow) -> None:
    assert again(slow, [old(slow)], NoRooms(), RIGHT) == ()


def test_what_has_no_start_is_left_out(slow: Slow, rooms: Rooms) -> None:
    (without,) = slow.ground.record(passed())
    assert again(slow, [without], rooms, RIGHT) == ()


def test_pairs_come_in_the_order_that_is_asked_for(slow: Slow, rooms: Rooms) -> None:
    ids = [old(slow) for _ in range(4)]
    how: Reattempts = replace(slow.reattempts(rooms), policy=ScriptedPolicy([RIGHT] * 4), concurrency=4)
    assert [before for before, _ in attempt_again(ids, how)] == ids


def test_progress_reaches_its_end_whatever_came_of_the_attempts(slow: Slow, rooms: Rooms) -> None:
    told: list[tuple[int, int]] = []
    how = replace(slow.reattempts(rooms), policy=ScriptedPolicy([RIGHT]), concurrency=1)
    attempt_again([old(slow), old(slow)], how, lambda done, of: told.append((done, of)))
    assert told == [(1, 2), (2, 2)]


def test_what_was_done_before_an_interruption_is_recorded(slow: Slow, rooms: Rooms) -> None:
    def stop(done: int, _: int) -> None:
        raise KeyboardInterrupt

    how = replace(slow.reattempts(rooms), policy=ScriptedPolicy([RIGHT] * 3), concurrency=1)
    before = [old(slow) for _ in range(3)]
    with pytest.raises(KeyboardInterrupt):
        attempt_again(before, how, stop)
    made = [one for one in slow.ground.trajectories.recent(9) if one.purpose is Purpose.RETRY]
    assert len(made) == 1
    assert StartStates(slow.ground.database).get(made[0].id) == START
