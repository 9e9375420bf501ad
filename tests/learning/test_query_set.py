"""The query set as prompts, exactly as they were sent."""

from dataclasses import replace

import pytest

from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.training import PromptKind
from metaclaw_jlab.core.trajectory import Observation, Step, Trajectory
from metaclaw_jlab.learning.query_set import first_prompts, prompts_of, query_prompts
from tests.learning.homes import Ground, passed
from tests.learning.slow_homes import START, Slow


@pytest.fixture
def slow(home_ground: Ground) -> Slow:
    return Slow(home_ground)


def step(index: int, *, ran: bool = True) -> Step:
    """A step with messages of its own."""
    messages = tuple(Message("user", f"message {number}") for number in range(index + 1))
    return Step(index, messages, "reply", f"x = {index}", Observation(f"{index}\n") if ran else None)


def of_steps(*steps: Step) -> Trajectory:
    return replace(passed(), steps=steps)


def test_every_step_is_a_prompt_that_begins_where_the_earlier_ones_led() -> None:
    trajectory = of_steps(step(0), step(1), step(2))
    prompts = prompts_of(trajectory, START)
    assert [one.messages for one in prompts] == [one.messages for one in trajectory.steps]
    assert [one.before for one in prompts] == [(), trajectory.steps[:1], trajectory.steps[:2]]


def test_a_prompt_knows_its_trajectory_its_task_and_its_start() -> None:
    trajectory = of_steps(step(0))
    (prompt,) = prompts_of(trajectory, START)
    assert (prompt.id, prompt.kind) == (trajectory.id, PromptKind.QUERY)
    assert (prompt.task, prompt.start) == (trajectory.task, START)


def test_what_comes_after_a_step_that_never_ran_cannot_be_brought_about() -> None:
    prompts = prompts_of(of_steps(step(0), step(1, ran=False), step(2)), START)
    assert [one.step for one in prompts] == [0, 1]


def test_a_task_that_its_policy_never_answered_gives_no_prompt() -> None:
    assert prompts_of(of_steps(), START) == ()


def test_prompts_come_in_the_order_that_is_asked_for(slow: Slow) -> None:
    first, second = (slow.keeps(of_steps(step(0))) for _ in range(2))
    found = query_prompts(slow.ground.database, [second, first])
    assert [one.id for one in found] == [second, first]


def test_what_has_no_start_gives_no_prompt(slow: Slow) -> None:
    (without,) = slow.ground.record(of_steps(step(0)))
    kept = slow.keeps(of_steps(step(0)), StartState(objects={"x": b"1"}))
    assert [one.id for one in query_prompts(slow.ground.database, [without, kept])] == [kept]


def test_a_gate_gets_only_first_steps(slow: Slow) -> None:
    id_ = slow.keeps(of_steps(step(0), step(1)))
    assert [one.step for one in first_prompts(slow.ground.database, [id_])] == [0]
