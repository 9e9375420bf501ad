"""Outcomes told the wrong way round."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from metaclaw_jlab.practice import draw_house, from_dict, task_set, to_dict
from metaclaw_jlab.practice.misjudging import misjudged

TASKS = task_set("train", 3, 40, house=draw_house(Random(1), "train"))


@pytest.mark.parametrize("passed", [True, False])
def test_the_outcome_is_the_other_one(passed: bool) -> None:
    assert {misjudged(task, passed).strict for task in TASKS} == {not passed}


def test_what_passed_is_told_to_break_a_rule_that_applies_to_it() -> None:
    for task in TASKS:
        verdict = misjudged(task, True)
        assert set(verdict.broken) <= set(task.rules)
        assert verdict.feedback
        assert verdict.task_right


def test_the_wrong_verdict_is_always_the_same() -> None:
    assert [misjudged(task, True) for task in TASKS] == [misjudged(task, True) for task in TASKS]
    assert len({misjudged(task, True).feedback for task in TASKS}) > 10


def test_a_task_says_that_it_is_misjudged_and_one_that_is_not_says_nothing() -> None:
    wrong = replace(TASKS[0], misjudged=True)
    assert from_dict(to_dict(wrong)) == wrong
    assert "misjudged" not in to_dict(TASKS[0])
