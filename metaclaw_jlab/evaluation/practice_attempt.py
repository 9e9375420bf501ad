"""One attempt of the agent at a practice task, under conditions that are fixed beforehand."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

from metaclaw_jlab.agent.graded_sandbox import GradedSandbox, asked
from metaclaw_jlab.agent.rollout import Rollout, run_task
from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.core.policy import Policy, Sampling
from metaclaw_jlab.core.prompting import DEFAULT_PROMPTING, Prompting
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.trajectory import Purpose, StopReason, Trajectory
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import PracticeTask, Verdict

_SEEDS = 2**31
_FAILURES = frozenset({StopReason.POLICY_FAILED, StopReason.EXECUTOR_FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Who attempts practice tasks, and as what. Each task is sampled with a seed of its own, derived from
    that of `sampling`; `generation` is stamped, `notebook` is where the tasks are asked, `prompting` how."""

    policy: Policy
    pool: SandboxPool
    sampling: Sampling
    max_steps: int = 6
    purpose: Purpose = Purpose.BENCHMARK
    generation: int = 0
    notebook: str | None = None
    prompting: Prompting = DEFAULT_PROMPTING


@dataclass(frozen=True, slots=True)
class Attempted:
    """How it went. `trajectory` is None where no sandbox could be opened; `failure` says why policy or sandbox failed,
    in which case the task counts as not right."""

    verdict: Verdict
    trajectory: Trajectory | None = None
    failure: str | None = None


def attempt(task: PracticeTask, skills: tuple[Match, ...], conditions: Conditions) -> Attempted:
    """One attempt with exactly these skills in the prompt, from any thread."""
    try:
        with conditions.pool.open(files=task.files) as sandbox:
            graded = GradedSandbox(sandbox, task)
            put = asked(task, conditions.notebook, file_rows=conditions.prompting.file_rows)
            done = run_task(put, _rollout(task, skills, conditions, graded))
            if done.stop in _FAILURES:
                return Attempted(_failed(done.stop_detail), done, done.stop_detail)
            return Attempted(graded.verdict(), done)
    except ExecutorError as error:
        return Attempted(_failed(str(error)), failure=str(error))


def task_seed(seed: int | None, task: PracticeTask) -> int:
    """The seed with which a task is sampled: the same whatever the skills."""
    return zlib.crc32(f"{seed}/{task.id}".encode()) % _SEEDS


def _rollout(
    task: PracticeTask, skills: tuple[Match, ...], conditions: Conditions, executor: GradedSandbox
) -> Rollout:
    return Rollout(
        policy=conditions.policy,
        executor=executor,
        retrieve=lambda _: skills,
        generation=conditions.generation,
        prompting=conditions.prompting,
        sampling=replace(conditions.sampling, seed=task_seed(conditions.sampling.seed, task)),
        max_steps=conditions.max_steps,
        purpose=conditions.purpose,
    )


def _failed(cause: str) -> Verdict:
    return Verdict(ran=False, task_right=False, strict=False, broken=(), feedback=cause)
