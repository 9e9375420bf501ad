"""The checks accept every right solution and name what a wrong one broke."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import pytest

from metaclaw_jlab.practice import (
    FAMILIES,
    SPLITS,
    Outcome,
    PracticeTask,
    check,
    draw_house,
    sample_task,
    solution,
    task_set,
)
from metaclaw_jlab.practice.demonstrations import shown
from metaclaw_jlab.practice.rules import habits

Runner = Callable[[PracticeTask, Sequence[str]], Outcome]


@pytest.mark.parametrize("split", SPLITS)
def test_solution_under_house_options_is_strict(split: str, run_steps: Runner) -> None:
    for task in task_set(split, 11, 25):
        verdict = check(task, run_steps(task, solution(task, task.options)))
        assert verdict.strict, (task, verdict)


@pytest.mark.parametrize("split", SPLITS)
def test_solution_under_habits_is_right_and_names_what_it_broke(split: str, run_steps: Runner) -> None:
    for task in task_set(split, 12, 25):
        verdict = check(task, run_steps(task, solution(task, habits(task.rules))))
        expected = tuple(rule for rule in task.rules if task.options[rule] != habits()[rule])
        assert (verdict.task_right, verdict.broken) == (True, expected), (task, verdict)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_output_foretold_is_output_printed(family: str, run_steps: Runner) -> None:
    rng = Random(family)
    for _ in range(4):
        task = sample_task(rng, "test", draw_house(rng, "test"), family=family)
        outcome = run_steps(task, solution(task, task.options))
        assert outcome.stdout == "".join(shown(task, task.options))
