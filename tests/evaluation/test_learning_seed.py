"""One seed: skills at their best temperature against full as it serves, on the same tasks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.agent.parser import render_reply
from metaclaw_jlab.core.policy import Completion, Message, Policy, Sampling
from metaclaw_jlab.evaluation.house_training import Trained
from metaclaw_jlab.evaluation.learning_seed import SeedPlan, measure_seed, summary
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import PracticeTask, solution
from metaclaw_jlab.practice.rules import habits
from tests.evaluation.houses import house_of, trained
from tests.evaluation.obeying import ObeyingPolicy

PLAN = SeedPlan(tasks=6, stream=4, validation=4, contradicting=4)


@dataclass
class Version:
    """Does what it can solve, by the rules or by habit; knows at which temperatures it was asked."""

    solves: Callable[[float], bool]
    tasks: dict[str, PracticeTask]
    model: str = "version"
    temperatures: set[float] = field(default_factory=set)

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        self.temperatures.add(sampling.temperature)
        task = self.tasks[messages[1].content]
        steps = solution(task, task.options if self.solves(sampling.temperature) else habits(task.rules))
        index = sum(message.role == "assistant" for message in messages)
        return Completion(render_reply(steps[index], done=index == len(steps) - 1), "stop", self.model)


class Known(dict[str, PracticeTask]):
    """Every practice task that is ever drawn, by text."""


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Known:
    from metaclaw_jlab.practice import sampling, told_tasks

    found, draw = Known(), sampling.sample_task

    def noted(*args: Any, **options: Any) -> PracticeTask:
        task = draw(*args, **options)
        found[task.text] = task
        return task

    monkeypatch.setattr(sampling, "sample_task", noted)
    monkeypatch.setattr(told_tasks, "sample_task", noted)
    return found


def measured(
    tmp_path: Path, pool: SandboxPool, versions: dict[int, Policy], known: Known, served: int | None
) -> dict[str, Any]:
    user = ObeyingPolicy(known.values())

    def train(_: object) -> Trained:
        return trained(served)

    with house_of(PLAN.of(3), tmp_path / "home", user, pool, versions.__getitem__) as run:
        return measure_seed(run, PLAN, train)


def test_full_is_measured_as_it_serves_and_skills_at_their_best_temperature(
    tmp_path: Path, arm_pool: SandboxPool, known: Known
) -> None:
    base = Version(lambda temperature: temperature == 0.3, known)
    adapted = Version(lambda _: True, known)
    report = measured(tmp_path, arm_pool, {0: base, 1: adapted}, known, 1)
    assert report["temperature"] == {"full": 0.0, "skills": 0.3}
    assert report["validation"]["0.3"] == 1.0
    assert base.temperatures == {0.0, 0.3, 0.7}
    assert adapted.temperatures == {0.0}
    assert (report["arms"]["skills"]["strict"], report["arms"]["full"]["strict"]) == (1.0, 1.0)
    assert report["difference"]["difference"] == 0.0
    assert (report["contradiction"]["all"]["base"], report["contradiction"]["all"]["adapter"]) == (0.0, 1.0)
    assert json.loads(json.dumps(report)) == report


def test_a_gain_is_the_paired_difference(tmp_path: Path, arm_pool: SandboxPool, known: Known) -> None:
    versions: dict[int, Policy] = {0: Version(lambda _: False, known), 1: Version(lambda _: True, known)}
    report = measured(tmp_path, arm_pool, versions, known, 1)
    assert report["temperature"]["skills"] == 0.0
    assert report["difference"]["n"] == 6
    assert (
        report["difference"]["difference"]
        == report["arms"]["full"]["strict"] - report["arms"]["skills"]["strict"]
    )
    assert report["difference"]["ci95"][0] > 0


def test_what_was_not_promoted_counts_as_what_served(
    tmp_path: Path, arm_pool: SandboxPool, known: Known
) -> None:
    report = measured(tmp_path, arm_pool, {0: Version(lambda _: True, known)}, known, None)
    assert report["arms"]["full"] == report["arms"]["skills"]
    assert report["difference"]["ci95"] == [0.0, 0.0]
    assert report["contradiction"]["all"]["ratio"] == 1.0


def seed_report(
    seed: int, difference: float, low: float, ratio: float, served: int | None = 1
) -> dict[str, Any]:
    return {
        "seed": seed,
        "difference": {"difference": difference, "ci95": [low, difference + 0.1]},
        "contradiction": {"single": {"ratio": ratio}, "kept": ratio >= 0.95},
        "training": {"served": served},
    }


def test_seeds_are_summed_up_with_the_worst_named() -> None:
    found = summary([seed_report(1, 0.3, 0.2, 1.0), seed_report(2, 0.0, 0.0, 1.0, None)])
    assert (found["mean_difference"], found["worst"]["seed"], found["served"]) == (0.15, 2, 1)
    assert not found["each_above_zero"]
    assert found["obedience_kept"]


def test_a_loss_of_obedience_in_one_seed_is_told() -> None:
    found = summary([seed_report(1, 0.3, 0.2, 1.0), seed_report(2, 0.2, 0.1, 0.9)])
    assert found["each_above_zero"]
    assert (found["least_obedience_kept"], found["obedience_kept"]) == (0.9, False)
