from dataclasses import replace

import pytest

from metaclaw_jlab.agent.parts import MOST_PARTS, first_part, next_part, parts_of
from metaclaw_jlab.agent.rollout import run_task
from metaclaw_jlab.core.prompting import Prompting
from metaclaw_jlab.core.task import Reference, Task
from metaclaw_jlab.core.trajectory import ExecutionError, Observation, Step, StopReason
from tests.agent.scripted import code, prompts, ran, rollout

ONE_BY_ONE = Prompting("brief", ends="parts")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("First load a.csv and show it, then save b.", ("load a.csv and show it", "save b.")),
        ("Print x. After that, delete y", ("Print x", "delete y")),
        ("Print x and after that delete y and then stop", ("Print x", "delete y", "stop")),
        (
            "Sort a.csv, and then keep ten rows. Finally plot them.",
            ("Sort a.csv", "keep ten rows", "plot them."),
        ),
    ],
)
def test_what_is_to_be_done_then_is_a_part(text: str, parts: tuple[str, ...]) -> None:
    assert parts_of(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "Load a.csv. It has gaps.",
        "Print x and y",
        "If a.csv is empty, then print 0",
        "Print x. When it is larger than 3, then print y",
        "Say what the word then means",
        "Run this, then stop:\n```python\nx = 1\n```",
        ", then ".join(str(number) for number in range(MOST_PARTS + 1)),
    ],
)
def test_anything_else_is_one_task(text: str) -> None:
    assert parts_of(text) == (text,)


def step(failed: bool = False) -> Step:
    error = ExecutionError("KeyError", "'x'") if failed else None
    return Step(0, (), "", "x", observation=Observation(error=error))


def test_a_part_that_failed_is_not_done() -> None:
    task = Task("Print x, then print y")
    assert first_part(task, ONE_BY_ONE).text == "Print x"
    assert next_part(task, (step(failed=True),), ONE_BY_ONE) == Task("Print x")
    assert next_part(task, (step(failed=True), step()), ONE_BY_ONE) == Task("print y")
    assert next_part(task, (step(), step()), ONE_BY_ONE) is None


def test_each_part_comes_with_what_it_names() -> None:
    a, b = Reference("a.csv", "x"), Reference("b.csv", "y")
    task = Task("Print a.csv, then print b.csv", (a, b))
    left = next_part(task, (step(),), ONE_BY_ONE)
    assert left is not None
    assert (first_part(task, ONE_BY_ONE).references, left.references) == ((a,), (b,))


def test_only_a_policy_that_is_asked_so_does_one_part_after_the_other() -> None:
    task = Task("Print x, then print y")
    assert first_part(task, Prompting(ends="ran")) == task
    assert next_part(task, (step(),), Prompting(ends="ran")) is None


def test_each_part_is_asked_for_when_the_one_before_has_run() -> None:
    plan = replace(rollout(code("x = 1", done=False), code("y"), code("y = x")), prompting=ONE_BY_ONE)
    done = run_task(Task("Set x to 1, then set y to x"), plan)
    asked = [prompt[-1].content for prompt in prompts(plan)]
    assert (done.stop, len(done.steps)) == (StopReason.DONE, 3)
    assert [asked[0], asked[1]] == ["Set x to 1", "<output>\n\n</output>\nset y to x"]
    assert "NameError" in asked[2]


def test_a_task_whose_parts_are_not_all_done_is_out_of_steps() -> None:
    plan = replace(rollout(code("x = 1"), max_steps=1), prompting=ONE_BY_ONE)
    assert run_task(Task("Set x to 1, then set y to x"), plan).stop is StopReason.OUT_OF_STEPS


def test_a_part_that_is_answered_without_code_is_asked_for_again() -> None:
    plan = replace(rollout(code("x = 1"), "Nothing is left.", code("y = x")), prompting=ONE_BY_ONE)
    done = run_task(Task("Set x to 1, then set y to x"), plan)
    assert (done.stop, ran(plan)) == (StopReason.DONE, ["x = 1", "y = x"])
    assert "no ```python block" in prompts(plan)[2][-1].content
