"""Proposals: the rollout in ask mode."""

from dataclasses import replace

import pytest

from metaclaw_jlab.agent.rollout import observe, propose, run_task
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.trajectory import (
    Observation,
    StopReason,
)
from tests.agent.scripted import TASK, X_IS_ONE, InProcess, code, memory, prompts, ran, rollout


def test_a_proposal_is_not_run_and_stays_open() -> None:
    plan = rollout(code("x = 1"))
    trajectory = propose(TASK, plan)
    assert trajectory.stop is None
    assert [(step.action, step.observation) for step in trajectory.steps] == [("x = 1", None)]
    assert ran(plan) == []
    assert memory(plan).names == ["begin", "append"]


def test_a_proposal_without_code_closes() -> None:
    assert propose(TASK, rollout("Nothing to do.")).stop is StopReason.NO_ACTION


def test_an_observed_proposal_that_was_done_closes_with_its_checks() -> None:
    plan = rollout(code("x = 1"), executor=InProcess({"x": 1}))
    trajectory = observe(propose(replace(TASK, checks=(X_IS_ONE,)), plan), Observation(), plan)
    assert trajectory.stop is StopReason.DONE
    assert trajectory.steps[0].scores == (Score(1.0, ScoreSource.OUTCOME),)
    assert memory(plan).names == ["begin", "append", "observe", "close"]


def test_the_next_proposal_follows_the_observation() -> None:
    plan = rollout(code("x = 1", done=False), code("y = x"))
    trajectory = observe(propose(TASK, plan), Observation(stdout="seen"), plan)
    assert trajectory.stop is None
    trajectory = propose(trajectory, plan)
    assert "seen" in prompts(plan)[1][-1].content
    assert [step.index for step in trajectory.steps] == [0, 1]
    assert observe(trajectory, Observation(), plan).stop is StopReason.DONE


def test_the_next_proposal_waits_for_the_observation() -> None:
    plan = rollout(code("x = 1"))
    trajectory = propose(TASK, plan)
    with pytest.raises(UsageMistake, match="not been run"):
        propose(trajectory, plan)


def test_an_ended_task_takes_no_further_step() -> None:
    plan = rollout(code("x = 1"))
    trajectory = run_task(TASK, plan)
    with pytest.raises(UsageMistake, match="has ended"):
        propose(trajectory, plan)
    with pytest.raises(UsageMistake, match="waits"):
        observe(trajectory, Observation(), plan)


def test_a_cancelled_proposal_is_recorded() -> None:
    plan = rollout(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        propose(TASK, plan)
    assert memory(plan).calls[-1][1] is StopReason.CANCELLED
