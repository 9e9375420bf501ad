"""A task in other names is the same task: solvable as it was, and said in the same words."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random

import pytest

from metaclaw_jlab.agent.playing import play
from metaclaw_jlab.evaluation.other_names import in_other_names
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import Part, PracticeTask, check, solution, task_set

TASKS = task_set("train", 21, 40)
NAMED = [task for task in TASKS if task.family != "date"]


def shape(task: PracticeTask) -> list[int]:
    return [len(task.text.split()), len(task.files), *(len(part.params) for part in task.parts)]


def test_equal_seeds_give_equal_names_and_others_others() -> None:
    for task in NAMED:
        assert in_other_names(task, Random(1)) == in_other_names(task, Random(1))
        assert in_other_names(task, Random(1)).text != in_other_names(task, Random(2)).text != task.text


def test_what_is_asked_stays() -> None:
    for task in TASKS:
        varied = in_other_names(task, Random(3))
        assert shape(varied) == shape(task)
        assert (varied.rules, varied.options, varied.id) == (task.rules, task.options, task.id)
        assert [part.wording for part in varied.parts] == [part.wording for part in task.parts]


@pytest.mark.parametrize("task", TASKS[::4], ids=lambda task: task.family)
def test_its_own_solution_still_solves_it(task: PracticeTask, arm_pool: SandboxPool) -> None:
    varied = in_other_names(task, Random(4))
    assert check(varied, play(arm_pool, varied, solution(varied, varied.options)).outcome).strict


def test_a_name_that_is_a_word_of_the_wording_stays() -> None:
    params = {"name": "that", "sign": "+", "number": 3}
    task = replace(
        TASKS[0],
        text="Write a function that that adds 3 to x",
        files={},
        parts=(Part("function", "defined", params, "function.0"),),
    )
    assert in_other_names(task, Random(5)).text == task.text


def test_no_name_of_the_text_is_left() -> None:
    for task in NAMED:
        files = {path for path in task.files if re.search(rf"\b{re.escape(path)}", task.text)}
        assert not files & set(in_other_names(task, Random(6)).files)
