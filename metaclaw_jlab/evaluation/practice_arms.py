"""Measures the agent as it is on practice tasks: one arm is one way to choose the skills in its prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from random import Random

from metaclaw_jlab.core.config import SkillSettings
from metaclaw_jlab.core.prompting import DEFAULT_PROMPTING, Prompting
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.trajectory import Step, StopReason
from metaclaw_jlab.evaluation.practice_attempt import Attempted, Conditions, attempt
from metaclaw_jlab.practice import House, PracticeTask, Verdict, draw_house, house_skills, task_set
from metaclaw_jlab.practice.names import Style
from metaclaw_jlab.skills.retrieval import CANDIDATES, DEFAULT_THRESHOLD, BM25Retriever, select

BASELINE = "baseline"
GIVEN_SKILLS = "given_skills"
HOUSES = 10
CONCURRENCY = 16
COMPOUND_SHARE = 0.5
_SEEDS = 2**31

SkillsOf = Callable[[PracticeTask], tuple[Match, ...]]
RuleOf = Callable[[Skill], str | None]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One arm's attempt at one task. `skills` are the names in its prompt, `stated` the rules that these state;
    `failure` says why policy or sandbox failed, in which case the task counts as not right. `repairs` are its steps
    after one that raised; `mended`: the last one raised no more."""

    arm: str
    task: PracticeTask
    verdict: Verdict
    stop: StopReason
    skills: tuple[str, ...] = ()
    stated: frozenset[str] = frozenset()
    steps: int = 0
    seconds: float = 0.0
    failure: str | None = None
    repairs: int = 0
    mended: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def told(self) -> bool:
        """Whether the skill of every applying rule was in the prompt."""
        return self.stated.issuperset(self.task.rules)


@dataclass(frozen=True, slots=True)
class Household:
    """A house, the skills that state its rules, and tasks to which these apply."""

    house: House
    skills: tuple[Skill, ...]
    tasks: tuple[PracticeTask, ...]


def draw_households(
    seed: int,
    n: int,
    *,
    houses: int = HOUSES,
    split: str = "test",
    names: Style = "random",
    compound_share: float = COMPOUND_SHARE,
) -> tuple[Household, ...]:
    """n tasks spread over houses, half of each house's compound unless said otherwise; equal for equal arguments."""
    found, houses = [], max(1, min(houses, n))
    for index in range(houses):
        rng = Random(f"households/{split}/{seed}/{index}")
        house = draw_house(rng, split)
        skills = house_skills(house, rng)
        size = n // houses + (index < n % houses)
        own = rng.randrange(_SEEDS)
        drawn = task_set(split, own, size, house=house, names=names, compound_share=compound_share)
        tasks = tuple(replace(t, id=f"{split}-{seed}-{index}-{i:04d}") for i, t in enumerate(drawn))
        found.append(Household(house, skills, tasks))
    return tuple(found)


def no_skills(_: PracticeTask) -> tuple[Match, ...]:
    """The skills of the baseline: none."""
    return ()


def retrieved_skills(
    households: Sequence[Household], settings: SkillSettings, prompting: Prompting = DEFAULT_PROMPTING
) -> SkillsOf:
    """What retrieval finds in the library of a task's own house, under a user's settings and its policy's limits."""
    threshold = DEFAULT_THRESHOLD if settings.threshold is None else settings.threshold
    retrievers: Mapping[str, BM25Retriever] = {
        task.id: retriever
        for household in households
        for retriever in [BM25Retriever(household.skills, threshold)]
        for task in household.tasks
    }

    most = settings.max_skills
    if prompting.max_skills is not None:
        most = min(most, prompting.max_skills)

    def skills_of(task: PracticeTask) -> tuple[Match, ...]:
        found = retrievers[task.id].search(task.text, CANDIDATES * most)
        return select(found, most, settings.max_tokens, prompting.threshold or 0.0)

    return skills_of


def rule_of_given(skill: Skill) -> str | None:
    """The rule of a given skill: its name."""
    return skill.name


def measure(
    arm: str,
    tasks: Sequence[PracticeTask],
    conditions: Conditions,
    *,
    skills_of: SkillsOf = no_skills,
    rule_of: RuleOf = rule_of_given,
    concurrency: int = CONCURRENCY,
    on_progress: Callable[[Attempt], None] = lambda _attempt: None,
) -> tuple[Attempt, ...]:
    """One attempt at each task by the agent, in the order of the tasks.

    `skills_of`, `rule_of` and `on_progress` are called in this thread.
    """

    def attempted(task: PracticeTask, skills: tuple[Match, ...]) -> Attempt:
        return _attempt(arm, task, skills, conditions)

    threads = ThreadPoolExecutor(concurrency, thread_name_prefix="metaclaw-arm")
    try:
        chosen = [skills_of(task) for task in tasks]
        futures = {
            threads.submit(attempted, *pair): i for i, pair in enumerate(zip(tasks, chosen, strict=True))
        }
        found: dict[int, Attempt] = {}
        for future in as_completed(futures):
            index = futures[future]
            stated = {rule_of(match.skill) for match in chosen[index]}
            found[index] = replace(future.result(), stated=frozenset(rule for rule in stated if rule))
            on_progress(found[index])
    finally:
        threads.shutdown(wait=True, cancel_futures=True)
    return tuple(found[index] for index in range(len(tasks)))


def _attempt(arm: str, task: PracticeTask, skills: tuple[Match, ...], conditions: Conditions) -> Attempt:
    return attempt_record(arm, task, skills, attempt(task, skills, conditions))


def attempt_record(arm: str, task: PracticeTask, skills: Sequence[Match], done: Attempted) -> Attempt:
    """What is kept of an attempt; which rules its skills state is not looked at."""
    names = tuple(match.skill.name for match in skills)
    path = done.trajectory
    if path is None or path.stop is None:
        return Attempt(arm, task, done.verdict, StopReason.EXECUTOR_FAILED, names, failure=done.failure)
    return Attempt(
        arm,
        task,
        done.verdict,
        path.stop,
        names,
        steps=len(path.steps),
        seconds=path.seconds,
        failure=done.failure,
        repairs=sum(_raised(step) for step in path.steps[:-1]),
        mended=any(map(_raised, path.steps))
        and path.steps[-1].observation is not None
        and not _raised(path.steps[-1]),
        prompt_tokens=sum(step.usage.prompt_tokens for step in path.steps),
        completion_tokens=sum(step.usage.completion_tokens for step in path.steps),
    )


def _raised(step: Step) -> bool:
    return step.observation is not None and step.observation.failed
