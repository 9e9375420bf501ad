"""Measures a local policy on the practice world: how often the task is right, and every rule of the house obeyed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import torch
from tqdm import tqdm

from metaclaw_jlab.agent.parser import parse_reply
from metaclaw_jlab.agent.playing import Played, play
from metaclaw_jlab.agent.prompt import observation_message, opening
from metaclaw_jlab.core.estimate import proportion_interval
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.engines.embedded.generation import Generator, load
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import (
    RULE_NAMES,
    Outcome,
    PracticeTask,
    Verdict,
    check,
    draw_house,
    rule_skill,
    splits_sha256,
    task_set,
)

CONDITIONS = ("with_skill_and_two_distractors", "held_out_phrasings", "without_skill")
TEMPERATURES = (0.0, 0.3, 0.7)
MAX_SKILLS = 3
_MAX_STEPS = 4
_NOTHING = Outcome(error="NoCode: the reply holds no code", stdout="", files={}, probes={})


@dataclass(slots=True)
class Attempt:
    """One attempt at a task, as far as it got; `failing` are the actions since the last one that did not raise."""

    task: PracticeTask
    messages: list[Message]
    actions: list[str] = field(default_factory=list)
    failing: list[str] = field(default_factory=list)
    outcome: Outcome = _NOTHING
    done: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """A task and the verdict on one attempt at it."""

    task: PracticeTask
    verdict: Verdict


def evaluate(
    model: Path,
    *,
    split: str = "test",
    seed: int = 0,
    n: int = 400,
    compound_share: float = 0.4,
    temperatures: Sequence[float] = TEMPERATURES,
    conditions: Sequence[str] = CONDITIONS,
    workers: int = 2,
) -> dict[str, Any]:
    """Strict and task-right shares per temperature and condition, with progress on standard error.

    The headline numbers of a condition are over the tasks to which exactly one rule applies; see `summary`.
    """
    generator = load(model)
    tasks = task_set(split, seed, n, compound_share=compound_share)
    report: dict[str, Any] = {"splits_sha256": splits_sha256(), "split": split, "seed": seed, "n": n}
    total = len(tasks) * len(temperatures) * len(conditions)
    with SandboxPool(workers) as pool, tqdm(total=total, unit="task") as bar:
        for temperature in temperatures:
            found = report[label(temperature)] = {}
            for condition in conditions:
                bar.set_description(f"{label(temperature)} {condition}")
                torch.manual_seed(seed)
                skills = [skills_for(task, condition, seed) for task in tasks]
                found[condition] = summary(
                    attempt_all(generator, pool, tasks, skills, temperature, workers, bar.update)
                )
    return report


def label(temperature: float) -> str:
    """The key of a temperature in the report."""
    return "greedy" if temperature == 0 else f"t{temperature:g}"


def skills_for(task: PracticeTask, condition: str, seed: int) -> tuple[str, ...]:
    """The skill texts in the prompt: one for each applying rule, filled up with irrelevant ones to three."""
    if condition == "without_skill":
        return ()
    rng = Random(f"skills:{seed}:{task.id}")
    phrasings: Any = "held-out" if condition == "held_out_phrasings" else "train"
    house = draw_house(rng, task.split)
    options = {**house.options, **task.options}
    right = rng.sample(task.rules, min(MAX_SKILLS, len(task.rules)))
    others = [rule for rule in RULE_NAMES if rule not in task.rules]
    chosen = [*right, *rng.sample(others, MAX_SKILLS - len(right))]
    rng.shuffle(chosen)
    return tuple(rule_skill(rule, options[rule], rng, phrasings=phrasings).body for rule in chosen)


def attempt_all(
    generator: Generator,
    pool: SandboxPool,
    tasks: Sequence[PracticeTask],
    skills: Sequence[Sequence[str]],
    temperature: float,
    workers: int = 2,
    on_done: Callable[[int], Any] = lambda _count: None,
) -> list[Result]:
    """One attempt at each task with its skills in the prompt, as the agent goes about it."""
    attempts = [
        Attempt(task, list(opening(Task(task.text), given)))
        for task, given in zip(tasks, skills, strict=True)
    ]
    with ThreadPoolExecutor(workers) as threads:
        for _ in range(_MAX_STEPS):
            active = [attempt for attempt in attempts if not attempt.done]
            replies = generator.complete([attempt.messages for attempt in active], temperature)
            acted = [attempt for attempt, reply in zip(active, replies, strict=True) if _take(attempt, reply)]
            for attempt, played in zip(acted, threads.map(partial(_play, pool), acted), strict=True):
                _observe(attempt, played)
            on_done(sum(attempt.done for attempt in active))
    on_done(sum(not attempt.done for attempt in attempts))
    return [Result(attempt.task, check(attempt.task, attempt.outcome)) for attempt in attempts]


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """Headline: tasks with exactly one applying rule and one step. `by_rule` and `by_family` break it down;
    `by_rules` counts one-step tasks by their number of rules, `compounds` two-step ones likewise."""
    single = [result for result in results if not result.task.compound]
    one_rule = [result for result in single if len(result.task.rules) == 1]
    compounds = [result for result in results if result.task.compound]
    return {
        **shares(one_rule),
        "by_rule": _grouped(one_rule, lambda result: result.task.rules[0]),
        "by_family": _grouped(one_rule, lambda result: result.task.family),
        "by_rules": _grouped(single, _rule_count),
        "compounds": {**shares(compounds), "by_rules": _grouped(compounds, _rule_count)},
    }


def shares(results: Sequence[Result]) -> dict[str, Any]:
    """Sizes and shares of some results, with the 95 % interval of the strict share."""
    n = len(results)
    if not n:
        return {"n": 0}
    strict = sum(result.verdict.strict for result in results)
    interval = proportion_interval(strict, n)
    return {
        "n": n,
        "strict": round(strict / n, 4),
        "strict_ci95": [round(interval.low, 4), round(interval.high, 4)],
        "task_right": round(sum(result.verdict.task_right for result in results) / n, 4),
        "ran": round(sum(result.verdict.ran for result in results) / n, 4),
    }


def _rule_count(result: Result) -> str:
    count = len(result.task.rules)
    return str(count) if count <= MAX_SKILLS else f"{MAX_SKILLS + 1}+"


def _grouped(results: Sequence[Result], key: Callable[[Result], str]) -> Mapping[str, Any]:
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(key(result), []).append(result)
    return {name: shares(groups[name]) for name in sorted(groups)}


def _take(attempt: Attempt, text: str) -> bool:
    """Add a reply to an attempt; whether there is code to run."""
    reply = parse_reply(text)
    attempt.messages.append(Message("assistant", text))
    if not reply.action or reply.action in attempt.failing:
        attempt.done = True
        return False
    attempt.done = reply.done
    attempt.actions.append(reply.action)
    return True


def _observe(attempt: Attempt, played: Played) -> None:
    """Add what the last action did; one that raised never ends an attempt."""
    seen = played.observations[-1]
    attempt.outcome = played.outcome
    attempt.messages.append(observation_message(seen))
    if seen.failed:
        attempt.failing.append(attempt.actions[-1])
        attempt.done = False
    else:
        attempt.failing.clear()


def _play(pool: SandboxPool, attempt: Attempt) -> Played:
    return play(pool, attempt.task, attempt.actions)
