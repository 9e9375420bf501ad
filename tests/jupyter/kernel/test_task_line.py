import json

import pytest

from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Task
from metaclaw_jlab.core.trajectory import (
    ExecutionError,
    InjectedSkill,
    Observation,
    Stamp,
    Step,
    StopReason,
    Trajectory,
)
from metaclaw_jlab.jupyter.kernel.display import summary
from metaclaw_jlab.jupyter.kernel.task_line import TASK_TYPE, task_line

SECRET = "the words of the task"
FIELDS = [
    *("version", "package", "home", "trajectory", "generation", "adapter", "model", "skills"),
    *("stop", "waits", "steps", "checks", "seconds", "learn", "sentence"),
]


def task(**changes: object) -> Trajectory:
    stamp = Stamp(7, (InjectedSkill("iso-dates", "0" * 64, 2.5),), "base", 3)
    fields: dict[str, object] = {"stop": StopReason.DONE, "seconds": 1.23456, **changes}
    return Trajectory("a1", Task(SECRET), stamp, **fields)  # type: ignore[arg-type]


def facts(trajectory: Trajectory) -> dict[str, object]:
    found = task_line(trajectory, "home-1")[TASK_TYPE]
    assert isinstance(found, dict)
    return found


def test_the_text_is_the_summary() -> None:
    assert task_line(task(), "home-1")["text/plain"] == summary(task())


def test_it_has_ids_hashes_and_numbers_alone() -> None:
    found = facts(task(steps=(Step(0, (), f"```python\n{SECRET}\n```", SECRET),)))
    assert list(found) == FIELDS
    assert found["skills"] == [{"name": "iso-dates", "sha256": "0" * 64}]
    assert (found["trajectory"], found["home"], found["generation"], found["adapter"]) == (
        "a1",
        "home-1",
        7,
        3,
    )
    assert SECRET not in json.dumps(found)


def test_checks_are_counted() -> None:
    check = Check(CheckKind.EXPRESSION, "x")
    checks = (CheckResult(check, False), CheckResult(check, True))
    assert facts(task(checks=checks))["checks"] == {"passed": 1, "total": 2}
    assert facts(task())["checks"] is None


@pytest.mark.parametrize(("observation", "waits"), [(None, True), (Observation(), False)])
def test_an_open_task_tells_whether_its_cell_waits(observation: Observation | None, waits: bool) -> None:
    found = facts(task(stop=None, steps=(Step(0, (), "", "x", observation),)))
    assert (found["stop"], found["waits"]) == (None, waits)


def test_the_name_of_an_exception_cannot_steer_a_terminal() -> None:
    error = ExecutionError("\x1b[2J\u202eBoom", "")
    step = Step(0, (), "", "x", Observation(error=error))
    line = task_line(task(stop=None, steps=(step,)), "home-1")
    assert "\x1b" not in str(line["text/plain"])
    assert "\u202e" not in str(line["text/plain"])


def test_a_converted_notebook_shows_the_sentence() -> None:
    import nbformat
    from nbconvert import HTMLExporter

    error = ExecutionError("<script>alert(1)</script>", "")
    step = Step(0, (), "", "x", Observation(error=error))
    shown = nbformat.v4.new_output("display_data", task_line(task(stop=None, steps=(step,)), "home-1"))
    cell = nbformat.v4.new_code_cell("%%metaclaw\nDo it", outputs=[shown])
    page, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    assert "MetaClaw: the step raised &lt;script&gt;alert(1)" in page
