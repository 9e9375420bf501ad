"""The demonstration's arms: by whom they are answered, with an adapter and where none serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.core.config import SkillSettings
from metaclaw_jlab.core.policy import Completion, Message, Policy, Sampling
from metaclaw_jlab.core.prompting import Prompting
from metaclaw_jlab.evaluation import practice_measurement
from metaclaw_jlab.evaluation.house_run import HouseRun, Plan
from metaclaw_jlab.evaluation.house_training import Trained
from metaclaw_jlab.evaluation.learnt_arms import Arm, Learnt, draw_arms
from metaclaw_jlab.evaluation.practice_measurement import measure_learning
from metaclaw_jlab.executors.sandbox import SandboxPool
from tests.evaluation.houses import house_of, trained

PLAN = Plan(tasks=4, stream=2, round_size=2)


@dataclass
class Counting:
    """Answers nothing of use, and counts its first prompts with and without skills."""

    model: str
    told: list[bool] = field(default_factory=list)

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        self.told.append("<skill>" in messages[0].content)
        return Completion("I cannot.", "stop", self.model)


@pytest.fixture
def measured(tmp_path: Path, arm_pool: SandboxPool) -> Callable[[Trained | None], tuple[Any, ...]]:
    def measure(result: Trained | None) -> tuple[Any, ...]:
        base, adapted = Counting("m@v0"), Counting("m@v1")
        versions: dict[int, Policy] = {0: base, 1: adapted}
        seen: list[HouseRun] = []

        def train(run: HouseRun) -> Trained | None:
            seen.append(run)
            return result

        with house_of(PLAN, tmp_path / "home", Counting("m"), arm_pool, versions.__getitem__) as run:
            report = measure_learning(run, train)
        assert seen == [run]
        return report, base, adapted

    return measure


def test_the_adapter_answers_full_and_adapter_alone(measured: Any) -> None:
    report, base, adapted = measured(trained(1))
    assert list(report["arms"])[:4] == ["baseline", "skills", "full", "adapter"]
    assert len(adapted.told) == 2 * PLAN.tasks
    assert len(base.told) == (len(report["arms"]) - 2) * PLAN.tasks
    assert list(report["pairs"])[:3] == ["baseline skills", "skills full", "baseline adapter"]
    assert report["training"]["served"] == 1


def test_where_none_serves_full_is_skills_and_adapter_is_baseline(measured: Any) -> None:
    report, _, adapted = measured(trained(None))
    assert adapted.told == []
    assert report["arms"]["full"] == report["arms"]["skills"]
    assert report["arms"]["adapter"] == report["arms"]["baseline"]
    assert not report["pairs"]["skills full"]["shown"]


def test_without_a_training_the_arms_of_adapters_are_left_out(measured: Any) -> None:
    report, _, adapted = measured(None)
    assert adapted.told == []
    assert not {"full", "adapter"} & set(report["arms"])
    assert list(report["pairs"]) == ["baseline skills", "skills given_skills", "baseline placebo"]
    assert report["training"] is None


def test_skills_by_hand_are_given_as_the_policy_follows_them(
    tmp_path: Path, arm_pool: SandboxPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Prompting] = []

    def drawn(learnt: Learnt, settings: SkillSettings, seed: int, prompting: Prompting) -> tuple[Arm, ...]:
        asked.append(prompting)
        return draw_arms(learnt, settings, seed, prompting)

    monkeypatch.setattr(practice_measurement, "draw_arms", drawn)
    policy, one = Counting("m"), Prompting(max_skills=1)
    with house_of(PLAN, tmp_path / "home", policy, arm_pool, lambda _: policy) as run:
        own = replace(run.conditions, prompting=one)
        report = measure_learning(replace(run, conditions=own), lambda _: None)
    assert (asked, report["max_skills"]) == ([one], 1)
