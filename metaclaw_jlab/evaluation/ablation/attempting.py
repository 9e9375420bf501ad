"""One attempt of the agent at any task, in a fresh sandbox, with exactly these skills in the prompt."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from metaclaw_jlab.agent.graded_sandbox import GradedSandbox
from metaclaw_jlab.agent.rollout import Rollout, run_task
from metaclaw_jlab.core.ablation import Attempt
from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.core.executor import Executor
from metaclaw_jlab.core.policy import Policy, Sampling
from metaclaw_jlab.core.prompting import DEFAULT_PROMPTING, Prompting
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.start_state import Rooms
from metaclaw_jlab.core.task_set import TrialTask
from metaclaw_jlab.core.trajectory import Purpose, StopReason, Trajectory

_SEEDS = 2**31
_FAILURES = frozenset({StopReason.POLICY_FAILED, StopReason.EXECUTOR_FAILED})

SkillsOf = Callable[[TrialTask], tuple[Match, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Who attempts tasks, and as what. `generation` is stamped."""

    arm: str
    policy: Policy
    rooms: Rooms
    sampling: Sampling
    max_steps: int = 6
    purpose: Purpose = Purpose.ABLATION
    generation: int = 0
    prompting: Prompting = DEFAULT_PROMPTING


@dataclass(frozen=True, slots=True)
class Attempted:
    """What came of it. `trajectory` is None where no sandbox could be opened or the setup failed."""

    attempt: Attempt
    trajectory: Trajectory | None = None


def attempt_task(
    trial: TrialTask, skills: tuple[Match, ...], conditions: Conditions, *, seed: int, sample: int = 0
) -> Attempted:
    """One attempt, from any thread. A policy or sandbox that fails is the attempt's failure, and worth 0."""
    try:
        room = conditions.rooms.open(trial.start, trial.task)
    except ExecutorError as error:
        return Attempted(_failed(trial, conditions, seed, sample, str(error)))
    try:
        if (trouble := _set_up(trial, room)) is not None:
            return Attempted(_failed(trial, conditions, seed, sample, trouble))
        done = run_task(trial.task, _rollout(trial, skills, conditions, room, seed, sample))
        return Attempted(_attempt(trial, conditions, done, room, seed, sample), done)
    except ExecutorError as error:
        return Attempted(_failed(trial, conditions, seed, sample, str(error)))
    finally:
        room.close()


def task_seed(seed: int, task: str, sample: int = 0) -> int:
    """The seed with which a task is sampled: the same in every arm."""
    return zlib.crc32(f"{seed}/{task}/{sample}".encode()) % _SEEDS


def _set_up(trial: TrialTask, room: Executor) -> str | None:
    for code in trial.setup:
        if (error := room.execute(code).error) is not None:
            return f"The cells before the task failed: {error.name}: {error.message}"
    return None


def _rollout(
    trial: TrialTask,
    skills: tuple[Match, ...],
    conditions: Conditions,
    room: Executor,
    seed: int,
    sample: int,
) -> Rollout:
    return Rollout(
        policy=conditions.policy,
        executor=room,
        retrieve=lambda _: skills,
        generation=conditions.generation,
        prompting=conditions.prompting,
        sampling=replace(conditions.sampling, seed=task_seed(seed, trial.id, sample)),
        max_steps=conditions.max_steps,
        purpose=conditions.purpose,
        learn=False,
    )


def _attempt(
    trial: TrialTask, conditions: Conditions, done: Trajectory, room: Executor, seed: int, sample: int
) -> Attempt:
    failed = done.stop in _FAILURES
    usage = [step.usage for step in done.steps]
    right = room.verdict().task_right if isinstance(room, GradedSandbox) and not failed else None
    return Attempt(
        arm=conditions.arm,
        task=trial.id,
        seed=seed,
        sample=sample,
        value=float(bool(done.checks) and all(check.passed for check in done.checks)),
        right=right,
        day=trial.day,
        group=trial.group,
        stop=done.stop.value if done.stop is not None else "",
        failure=done.stop_detail if failed else None,
        skills=tuple(skill.name for skill in done.stamp.skills),
        steps=len(done.steps),
        seconds=done.seconds,
        policy_seconds=sum(step.policy_seconds for step in done.steps),
        prompt_tokens=sum(one.prompt_tokens for one in usage),
        completion_tokens=sum(one.completion_tokens for one in usage),
    )


def _failed(trial: TrialTask, conditions: Conditions, seed: int, sample: int, cause: str) -> Attempt:
    return Attempt(
        conditions.arm,
        trial.id,
        seed,
        sample,
        0.0,
        day=trial.day,
        group=trial.group,
        stop=StopReason.EXECUTOR_FAILED.value,
        failure=cause,
    )
