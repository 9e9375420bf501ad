"""Measures the agent as it is on practice tasks: one arm is one way to choose the skills in its prompts."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from random import Random

from metaclaw_jlab.agent.rollout import Rollout, run_task
from metaclaw_jlab.core.config import SkillSettings
from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.core.policy import Policy, Sampling
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Purpose, StopReason, Trajectory
from metaclaw_jlab.engines.embedded.playing import outcome
from metaclaw_jlab.executors.sandbox import Sandbox, SandboxPool
from metaclaw_jlab.practice import (
    House,
    Outcome,
    PracticeTask,
    Verdict,
    check,
    draw_house,
    house_skills,
    task_set,
)
from metaclaw_jlab.skills.retrieval import DEFAULT_THRESHOLD, BM25Retriever, choose

BASELINE = "baseline"
GIVEN_SKILLS = "given_skills"
HOUSES = 10
CONCURRENCY = 16
_SEEDS = 2**31
_FAILURES = frozenset({StopReason.POLICY_FAILED, StopReason.EXECUTOR_FAILED})
_NO_CODE = Outcome(error="NoCode: the reply holds no code", stdout="", files={}, probes={})

SkillsOf = Callable[[PracticeTask], tuple[Match, ...]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One arm's attempt at one task. `skills` are the names in its prompt; `failure` says why policy or sandbox
    failed, in which case the task counts as not right."""

    arm: str
    task: PracticeTask
    verdict: Verdict
    stop: StopReason
    skills: tuple[str, ...] = ()
    steps: int = 0
    seconds: float = 0.0
    failure: str | None = None

    @property
    def told(self) -> bool:
        """Whether the skill of every applying rule was in the prompt."""
        return set(self.task.rules) <= set(self.skills)


@dataclass(frozen=True, slots=True)
class Household:
    """A house, the skills that state its rules, and tasks to which these apply."""

    house: House
    skills: tuple[Skill, ...]
    tasks: tuple[PracticeTask, ...]


def draw_households(seed: int, n: int, *, houses: int = HOUSES, split: str = "test") -> tuple[Household, ...]:
    """n tasks spread over houses, half of each house's compound; equal for equal arguments."""
    found, houses = [], max(1, min(houses, n))
    for index in range(houses):
        rng = Random(f"households/{split}/{seed}/{index}")
        house = draw_house(rng, split)
        skills = house_skills(house, rng)
        size = n // houses + (index < n % houses)
        drawn = task_set(split, rng.randrange(_SEEDS), size, house=house)
        tasks = tuple(replace(t, id=f"{split}-{seed}-{index}-{i:04d}") for i, t in enumerate(drawn))
        found.append(Household(house, skills, tasks))
    return tuple(found)


def no_skills(_: PracticeTask) -> tuple[Match, ...]:
    """The skills of the baseline: none."""
    return ()


def retrieved_skills(households: Sequence[Household], settings: SkillSettings) -> SkillsOf:
    """What retrieval finds in the library of a task's own house, under a user's settings."""
    threshold = DEFAULT_THRESHOLD if settings.threshold is None else settings.threshold
    retrievers: Mapping[str, BM25Retriever] = {
        task.id: retriever
        for household in households
        for retriever in [BM25Retriever(household.skills, threshold)]
        for task in household.tasks
    }

    def skills_of(task: PracticeTask) -> tuple[Match, ...]:
        return choose(retrievers[task.id], task.text, settings.max_skills, settings.max_tokens)

    return skills_of


def measure(
    arm: str,
    tasks: Sequence[PracticeTask],
    policy: Policy,
    pool: SandboxPool,
    *,
    sampling: Sampling,
    skills_of: SkillsOf = no_skills,
    max_steps: int = 6,
    concurrency: int = CONCURRENCY,
    on_progress: Callable[[Attempt], None] = lambda _attempt: None,
) -> tuple[Attempt, ...]:
    """One attempt at each task by the agent, in the order of the tasks; nothing is recorded.

    A task is sampled with a seed of its own, the same in every arm. `on_progress` is called in this thread.
    """

    def attempt(task: PracticeTask) -> Attempt:
        own = replace(sampling, seed=_seed(sampling.seed, task))
        return _attempt(arm, task, policy, pool, own, skills_of(task), max_steps)

    threads = ThreadPoolExecutor(concurrency, thread_name_prefix="metaclaw-arm")
    try:
        futures = {threads.submit(attempt, task): index for index, task in enumerate(tasks)}
        found: dict[int, Attempt] = {}
        for future in as_completed(futures):
            found[futures[future]] = future.result()
            on_progress(found[futures[future]])
    finally:
        threads.shutdown(wait=True, cancel_futures=True)
    return tuple(found[index] for index in range(len(tasks)))


def _seed(seed: int | None, task: PracticeTask) -> int:
    return zlib.crc32(f"{seed}/{task.id}".encode()) % _SEEDS


def _attempt(
    arm: str,
    task: PracticeTask,
    policy: Policy,
    pool: SandboxPool,
    sampling: Sampling,
    skills: tuple[Match, ...],
    max_steps: int,
) -> Attempt:
    names = tuple(match.skill.name for match in skills)
    try:
        with pool.open(files=task.files) as sandbox:
            rollout = Rollout(
                policy=policy,
                executor=sandbox,
                retrieve=lambda _: skills,
                sampling=sampling,
                max_steps=max_steps,
                purpose=Purpose.BENCHMARK,
            )
            done = run_task(Task(task.text), rollout)
            assert done.stop is not None
            failure = done.stop_detail if done.stop in _FAILURES else None
            verdict = _failed(failure) if failure is not None else check(task, _outcome(sandbox, task, done))
    except ExecutorError as error:
        return Attempt(arm, task, _failed(str(error)), StopReason.EXECUTOR_FAILED, names, failure=str(error))
    return Attempt(arm, task, verdict, done.stop, names, len(done.steps), done.seconds, failure)


def _outcome(sandbox: Sandbox, task: PracticeTask, done: Trajectory) -> Outcome:
    seen = [step.observation for step in done.steps if step.observation is not None]
    return outcome(sandbox, task, seen) if seen else _NO_CODE


def _failed(cause: str) -> Verdict:
    return Verdict(ran=False, task_right=False, strict=False, broken=(), feedback=cause)
