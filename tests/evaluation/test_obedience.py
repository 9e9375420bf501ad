"""Obedience: evolved and given skill on the same fresh tasks of one rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from metaclaw_jlab.core.policy import Completion, Message, Sampling
from metaclaw_jlab.evaluation.obedience import Candidate, Obeyed, compare_obedience, obedience_report
from metaclaw_jlab.evaluation.practice_arms import draw_households
from metaclaw_jlab.evaluation.practice_attempt import Conditions
from metaclaw_jlab.executors.sandbox import SandboxPool

HOUSEHOLD = draw_households(7, 2, houses=1)[0]
RULE = "rounding"
GIVEN = next(skill for skill in HOUSEHOLD.skills if skill.name == RULE)
CANDIDATE = Candidate(HOUSEHOLD, replace(GIVEN, name="evolved", body="Said otherwise."), RULE)


class Remembering:
    """Answers nothing of use, and remembers what was asked."""

    model = "remembering"

    def __init__(self) -> None:
        self.prompts: list[tuple[str, str]] = []

    def complete(self, messages: tuple[Message, ...], sampling: Sampling, **_: Any) -> Completion:
        self.prompts.append((messages[0].content, messages[1].content))
        return Completion("I cannot.", "stop", self.model)


@pytest.fixture(scope="module")
def asked(arm_pool: SandboxPool) -> list[tuple[str, str]]:
    policy = Remembering()
    conditions = Conditions(policy=policy, pool=arm_pool, sampling=Sampling())
    (found,) = compare_obedience([CANDIDATE], conditions, seed=1, trials=3)
    assert (found.evolved, found.given) == (0.0, 0.0)
    return policy.prompts


def test_both_skills_do_the_same_tasks_alone(asked: list[tuple[str, str]]) -> None:
    evolved = [task for prompt, task in asked if CANDIDATE.skill.body in prompt]
    given = [task for prompt, task in asked if GIVEN.body in prompt]
    assert sorted(evolved) == sorted(given)
    assert len(set(evolved)) == 3
    assert all(prompt.count("<skill>") == 1 for prompt, _ in asked)


@pytest.mark.parametrize(
    ("evolved", "given", "reaches"), [(0.9, 1.0, True), (0.8, 1.0, False), (1.0, 0.7, True)]
)
def test_a_skill_reaches_the_given_one_within_the_margin(evolved: float, given: float, reaches: bool) -> None:
    assert Obeyed(CANDIDATE, evolved, given).reaches == reaches


def test_the_report_has_the_share_that_reach() -> None:
    report = obedience_report([Obeyed(CANDIDATE, 1.0, 1.0), Obeyed(CANDIDATE, 0.0, 1.0)])
    assert (report["skills"], report["share_within_margin"], report["mean_evolved"]) == (2, 0.5, 0.5)
    assert report["by_rule"] == {RULE: {"skills": 2, "evolved": 0.5, "given": 1.0}}


def test_without_skills_there_is_no_share() -> None:
    assert obedience_report([])["share_within_margin"] is None
