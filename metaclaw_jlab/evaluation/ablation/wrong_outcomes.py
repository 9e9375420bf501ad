"""Outcomes that a learner is told the wrong way round. What an attempt really came to stays in its own record."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

from metaclaw_jlab.agent.rooms import practice_start
from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import CheckResult
from metaclaw_jlab.core.trajectory import StopReason, Trajectory
from metaclaw_jlab.practice import PracticeTask, from_dict
from metaclaw_jlab.practice.misjudging import misjudged
from metaclaw_jlab.reward_models.outcome import OutcomeReward, trajectory_score


def told_wrong(share: float, seed: int, task: str) -> bool:
    """Whether the outcomes of a task are told wrongly: the same tasks in every arm of a larger share, and more."""
    return Random(f"wrong/{seed}/{task}").random() < share


def misjudged_start(start: StartState) -> StartState:
    """The start of a task whose outcomes are told wrongly wherever it is done from there, in training too.

    Raises AblationError for a task that is not a practice task: what its checks would wrongly say is not known.
    """
    return practice_start(replace(_practice_task(start), misjudged=True))


def misreported(trajectory: Trajectory, start: StartState) -> Trajectory:
    """The trajectory of a task with this honest start as it is told wrongly: other checks, score and end."""
    passed = bool(trajectory.checks) and all(result.passed for result in trajectory.checks)
    verdict = misjudged(_practice_task(start), passed)
    checks = tuple(
        CheckResult(result.check, verdict.strict, verdict.feedback) for result in trajectory.checks
    )
    stop, detail = trajectory.stop, trajectory.stop_detail
    if stop in (StopReason.DONE, StopReason.CHECK_FAILED):
        stop = StopReason.DONE if verdict.strict else StopReason.CHECK_FAILED
        detail = verdict.feedback
    steps = trajectory.steps
    if steps and (seen := steps[-1].observation) is not None:
        scored = OutcomeReward().score(trajectory.task, steps[-1].action, seen, checks)
        steps = (*steps[:-1], replace(steps[-1], scores=(scored,)))
    score = trajectory_score(steps, checks)
    return replace(trajectory, steps=steps, stop=stop, stop_detail=detail, checks=checks, score=score)


def _practice_task(start: StartState) -> PracticeTask:
    if start.practice is None:
        raise AblationError(
            "Outcomes can be told wrongly of practice tasks only.",
            "Leave out arms with wrong outcomes, or use tasks such as practice:held-out.",
        )
    return from_dict(json.loads(start.practice))
