"""Obedience to contradicting skills: which tasks, and what counts as kept."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from metaclaw_jlab.core.policy import Sampling
from metaclaw_jlab.core.trajectory import StopReason
from metaclaw_jlab.evaluation.contradiction import contradicting_tasks, contradiction_report, told_attempts
from metaclaw_jlab.evaluation.practice_arms import Attempt
from metaclaw_jlab.evaluation.practice_attempt import Conditions
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import Verdict, draw_house, regression_set, solution
from metaclaw_jlab.practice.told_tasks import ToldTask

HOUSE = draw_house(Random(4), "test")
TOLD = contradicting_tasks(HOUSE, 1, 40)


def attempts(told: Sequence[ToldTask], strict: int) -> list[Attempt]:
    """The first `strict` tasks of one step and the first `strict` compounds done right."""
    found = []
    for compound in (False, True):
        own = [one.task for one in told if one.task.compound is compound]
        for index, task in enumerate(own):
            right = index < strict
            found.append(Attempt("a", task, Verdict(True, True, right, (), ""), StopReason.DONE))
    return found


def test_some_told_option_of_every_task_is_not_the_houses() -> None:
    assert len(TOLD) == 40
    assert sum(one.task.compound for one in TOLD) == 20
    for one in TOLD:
        assert any(HOUSE.options[rule] != option for rule, option in one.task.options.items())


def test_they_are_none_that_a_gate_has_seen_and_others_for_every_seed() -> None:
    texts = {one.task.text for one in TOLD}
    assert not texts & {one.task.text for one in regression_set()}
    assert not texts & {one.task.text for one in contradicting_tasks(HOUSE, 2, 40)}


def test_the_prompt_holds_the_skills_of_the_task(arm_pool: SandboxPool, answering: Any) -> None:
    policy = answering([one.task for one in TOLD[:4]], lambda task: solution(task, task.options))
    conditions = Conditions(policy=policy, pool=arm_pool, sampling=Sampling())
    found = told_attempts("a", TOLD[:4], conditions)
    assert all(attempt.verdict.strict and attempt.told for attempt in found)
    for one in TOLD[:4]:
        assert all(body in policy.systems[one.task.text] for body in one.bodies)


def test_the_ratio_is_of_the_strict_shares() -> None:
    report = contradiction_report(attempts(TOLD, 20), attempts(TOLD, 19))
    assert report["all"] == {"n": 40, "base": 1.0, "adapter": 0.95, "ratio": 0.95}
    assert report["kept"]


def test_better_compounds_do_not_hide_a_loss_in_tasks_of_one_step() -> None:
    single, compound = TOLD[:20], TOLD[20:]
    base = [*attempts(single, 20), *attempts(compound, 2)]
    adapted = [*attempts(single, 15), *attempts(compound, 20)]
    report = contradiction_report(base, adapted)
    assert report["all"]["ratio"] > 1
    assert report["single"]["ratio"] == pytest.approx(0.75)
    assert not report["kept"]


def test_what_was_never_obeyed_cannot_be_lost() -> None:
    report = contradiction_report(attempts(TOLD, 0), attempts(TOLD, 0))
    assert report["all"]["ratio"] is None
    assert report["kept"]
