"""Proposals: the rollout in ask mode."""

from dataclasses import replace

import pytest

from metaclaw_jlab.agent.rollout import conclude, observe, propose, run_task, waits
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.prompting import Prompting
from metaclaw_jlab.core.score import Score, ScoreSource, Unscored
from metaclaw_jlab.core.trajectory import ExecutionError, Observation, StopReason
from metaclaw_jlab.reward_models.outcome import trajectory_score
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


def test_a_proposal_waits_until_it_is_observed() -> None:
    plan = rollout(code("x = 1", done=False))
    trajectory = propose(TASK, plan)
    assert waits(trajectory)
    assert not waits(observe(trajectory, Observation(), plan))


def test_the_prompt_after_an_edit_shows_the_code_that_ran() -> None:
    plan = rollout(code("x = 1", done=False), code("y = x"))
    trajectory = observe(propose(TASK, plan), Observation(stdout="seen"), plan, ran="x = 2")
    assert trajectory.steps[0].ran == "x = 2"
    propose(trajectory, plan)
    contents = [message.content for message in prompts(plan)[1][2:]]
    assert contents == ["```python\nx = 2\n```", "<output>\nseen\n</output>"]


def test_the_outcome_of_an_edit_is_not_credited_to_the_policy() -> None:
    plan = rollout(code("x = 2"), executor=InProcess({"x": 1}))
    waiting = propose(replace(TASK, checks=(X_IS_ONE,)), plan)
    trajectory = observe(waiting, Observation(), plan, ran="x = 1")
    assert trajectory.stop is StopReason.DONE
    assert isinstance(trajectory.score, Unscored)
    assert isinstance(trajectory.steps[0].scores[0], Unscored)


def test_code_that_the_user_edited_and_broke_may_be_proposed_again() -> None:
    plan = rollout(code("x = 1"), code("x = 1"))
    broken = Observation(error=ExecutionError("NameError", "y"))
    trajectory = observe(propose(TASK, plan), broken, plan, ran="x = y")
    assert propose(trajectory, plan).stop is None


def test_the_time_of_the_users_run_counts() -> None:
    plan = rollout(code("x = 1"), clock=lambda: 0.0)
    assert observe(propose(TASK, plan), Observation(seconds=2.5), plan).seconds == 2.5


def test_a_user_may_end_a_task_that_the_policy_left_open() -> None:
    plan = rollout(code("x = 1", done=False), executor=InProcess({"x": 1}), score_trajectory=trajectory_score)
    trajectory = observe(propose(replace(TASK, checks=(X_IS_ONE,)), plan), Observation(), plan)
    ended = conclude(trajectory, StopReason.DONE, "The user said so.", plan)
    assert (ended.stop, ended.score) == (StopReason.DONE, Score(1.0, ScoreSource.OUTCOME))
    assert memory(plan).names[-1] == "close"


def test_a_failed_check_outweighs_the_users_word() -> None:
    plan = rollout(code("x = 2", done=False), executor=InProcess({"x": 2}))
    trajectory = observe(propose(replace(TASK, checks=(X_IS_ONE,)), plan), Observation(), plan)
    assert conclude(trajectory, StopReason.DONE, "", plan).stop is StopReason.CHECK_FAILED


def test_a_proposal_that_is_turned_down_is_not_checked() -> None:
    plan = rollout(code("x = 2"), executor=InProcess({"x": 2}))
    waiting = propose(replace(TASK, checks=(X_IS_ONE,)), plan)
    ended = conclude(waiting, StopReason.REJECTED, "not like this", plan)
    assert (ended.stop, ended.stop_detail, ended.checks) == (StopReason.REJECTED, "not like this", ())


def test_a_score_that_the_user_gave_outlives_the_end() -> None:
    plan = rollout(code("x = 1", done=False))
    given = Score(-1.0, ScoreSource.USER, "too slow")
    trajectory = observe(propose(TASK, plan), Observation(), plan)
    ended = conclude(replace(trajectory, score=given), StopReason.CANCELLED, "", plan)
    assert ended.score == given


def test_a_task_that_may_not_teach_is_marked_from_its_first_prompt_on() -> None:
    plan = rollout(code("x = 1"), learn=False)
    propose(TASK, plan)
    assert memory(plan).calls[0][1].learn is False


def test_a_reply_without_code_is_told_before_anything_is_proposed() -> None:
    plan = replace(rollout('```json\n{"x": 1}\n```', code("x = 1")), prompting=Prompting(ends="ran"))
    proposed = propose(TASK, plan)
    assert [step.action for step in proposed.steps] == ["", "x = 1"]
    assert waits(proposed)
