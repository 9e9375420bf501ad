"""Scores by what happened: whether the code raised, and what the checks say. Where nothing is known: Unscored."""

from __future__ import annotations

from collections.abc import Sequence

from metaclaw_jlab.core.score import Score, ScoreSource, Scoring, Unscored
from metaclaw_jlab.core.task import CheckResult, Task
from metaclaw_jlab.core.trajectory import Observation, Step

RAN, TASK_RIGHT, STRICT = 0.1, 0.3, 0.6


class OutcomeReward:
    """Implements core.reward_model.RewardModel with nothing but the step's own outcome."""

    def score(
        self,
        task: Task,  # noqa: ARG002
        action: str,
        observation: Observation,
        checks: tuple[CheckResult, ...],
    ) -> Scoring:
        """-1 for an exception, else the share of checks that passed, else Unscored."""
        if not action:
            return Unscored("The reply has no code.")
        if observation.error is not None:
            return Score(-1.0, ScoreSource.OUTCOME, f"raised {observation.error.name}")
        return _share(checks) if checks else Unscored("The code ran; nothing checks it.")


def trajectory_score(steps: Sequence[Step], checks: Sequence[CheckResult]) -> Scoring:
    """The outcome of a whole trajectory: its checks where it has any, else -1 where its last code raised."""
    if checks:
        return _share(checks)
    ran = [step.observation for step in steps if step.observation is not None]
    if not ran:
        return Unscored("No code was run, and nothing checks the task.")
    error = ran[-1].error
    if error is not None:
        return Score(-1.0, ScoreSource.OUTCOME, f"ended with {error.name}")
    return Unscored("The code ran; nothing checks the task.")


def verdict_score(*, ran: bool, task_right: bool, strict: bool, reason: str = "") -> Score:
    """The score of a graded verdict: 0.1 for code that ran, 0.3 for the task, 0.6 for every rule, on [-1, 1]."""
    share = RAN * ran + TASK_RIGHT * (ran and task_right) + STRICT * (ran and task_right and strict)
    return Score(max(-1.0, min(1.0, round(2 * share - 1, 9))), ScoreSource.OUTCOME, reason)


def _share(checks: Sequence[CheckResult]) -> Score:
    passed = sum(check.passed for check in checks)
    reason = next((check.feedback for check in checks if not check.passed), "")
    return Score(2 * passed / len(checks) - 1, ScoreSource.OUTCOME, reason)
