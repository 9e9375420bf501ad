"""The practice world's verdict as a check: whatever other checks run, and in whatever order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from metaclaw_jlab.agent.graded_sandbox import GradedSandbox, asked, practice_check
from metaclaw_jlab.core.task import Check, CheckKind
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import PracticeTask, solution, task_set
from metaclaw_jlab.practice.rules import habits

TASK = next(task for task in task_set("train", 11, 60) if task.family == "statistic")
SPOILER = Check(CheckKind.EXPRESSION, "open('spoilt.txt', 'w').write('x') and print('more') is None")


@pytest.fixture
def graded(arm_pool: SandboxPool) -> Iterator[GradedSandbox]:
    with arm_pool.open(files=TASK.files) as sandbox:
        yield GradedSandbox(sandbox, TASK)


def do(graded: GradedSandbox, task: PracticeTask, options: dict[str, str]) -> None:
    for code in solution(task, options):
        graded.execute(code)


def test_a_solution_passes(graded: GradedSandbox) -> None:
    do(graded, TASK, dict(TASK.options))
    assert graded.evaluate(practice_check(TASK)).passed


def test_a_broken_rule_fails_with_the_worlds_sentence(graded: GradedSandbox) -> None:
    do(graded, TASK, habits(TASK.rules))
    result = graded.evaluate(practice_check(TASK))
    assert not result.passed
    assert result.feedback == graded.verdict().feedback != ""


def test_a_check_that_changes_things_changes_no_other_ones_result(graded: GradedSandbox) -> None:
    do(graded, TASK, dict(TASK.options))
    assert graded.evaluate(SPOILER).passed
    assert graded.evaluate(practice_check(TASK)).passed


def test_code_that_runs_after_a_verdict_is_judged_anew(graded: GradedSandbox) -> None:
    do(graded, TASK, dict(TASK.options))
    assert graded.evaluate(practice_check(TASK)).passed
    graded.execute("print('more')")
    assert not graded.evaluate(practice_check(TASK)).passed


def test_nothing_that_ran_is_not_right(graded: GradedSandbox) -> None:
    assert not graded.evaluate(practice_check(TASK)).passed


def test_a_task_is_asked_in_its_notebook_under_its_id() -> None:
    task = asked(TASK, "house.ipynb")
    assert (task.text, task.name, task.origin.notebook) == (TASK.text, TASK.id, "house.ipynb")
    assert task.checks == (practice_check(TASK),)
