"""Tasks in the cells of a notebook."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.ablation import Days
from metaclaw_jlab.core.errors import LeakFound, TaskSetInvalid
from metaclaw_jlab.core.task import Check, CheckKind
from metaclaw_jlab.core.task_set import TaskSet
from metaclaw_jlab.evaluation.task_sets import load_tasks

Load = Callable[..., TaskSet]
MAGIC = '%%metaclaw --check "total == 12  # the sum is twelve"\nAdd the rows'


def cell(source: str | list[str], *tags: str, kind: str = "code", **metaclaw: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"tags": list(tags)}
    if metaclaw:
        metadata["metaclaw"] = metaclaw
    return {"cell_type": kind, "source": source, "metadata": metadata}


def task(source: str, **metaclaw: Any) -> dict[str, Any]:
    return cell(source, "metaclaw-task", kind="markdown", **metaclaw)


def setup(source: str) -> dict[str, Any]:
    return cell(source, "metaclaw-setup")


@pytest.fixture
def load(tmp_path: Path, workspace: Workspace) -> Load:
    """Loads a notebook of these cells."""

    def loaded(*cells: dict[str, Any], days: Days | None = None) -> TaskSet:
        path = tmp_path / "tasks.ipynb"
        path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
        return load_tasks(str(path), 10, seed=1, workspace=workspace, days=days)

    return loaded


def test_a_magic_cell_is_a_task_with_the_checks_of_its_line(load: Load) -> None:
    (trial,) = load(cell(MAGIC, "metaclaw-task")).test
    assert trial.task.text == "Add the rows"
    assert trial.task.checks == (Check(CheckKind.EXPRESSION, "total == 12", "the sum is twelve"),)
    assert trial.group == "tasks.ipynb"


@pytest.mark.parametrize("kind", ["markdown", "raw", "code"])
def test_the_text_of_another_cell_is_the_task_and_its_metadata_has_the_checks(load: Load, kind: str) -> None:
    (trial,) = load(cell(["Add the ", "rows"], "metaclaw-task", kind=kind, checks=["total == 12"])).test
    assert trial.task.text == "Add the rows"
    assert [check.source for check in trial.task.checks] == ["total == 12"]


def test_how_the_agent_works_is_not_the_tasks_to_say(load: Load) -> None:
    line = "%%metaclaw -n sum --mode auto --steps 3 --seed 2 --no-skills --check total==12\nAdd"
    (trial,) = load(cell(line, "metaclaw-task")).test
    assert (trial.task.text, [check.source for check in trial.task.checks]) == ("Add", ["total==12"])


def test_a_file_of_checks_lies_beside_the_notebook(load: Load, tmp_path: Path) -> None:
    (tmp_path / "check.py").write_text("assert total == 12")
    (trial,) = load(cell("%%metaclaw --check-file check.py\nAdd", "metaclaw-task")).test
    assert trial.task.checks == (Check(CheckKind.SCRIPT, "assert total == 12"),)


def test_a_file_of_checks_is_not_shown_to_the_agent(load: Load, tmp_path: Path) -> None:
    (tmp_path / "check.py").write_text("assert total == 12")
    (trial,) = load(cell("%%metaclaw --check-file check.py\nAdd", "metaclaw-task")).test
    assert not trial.start.files


def test_checks_of_line_and_metadata_add_up(load: Load) -> None:
    (trial,) = load(cell(MAGIC, "metaclaw-task", checks=["total > 0"])).test
    assert [check.source for check in trial.task.checks] == ["total == 12", "total > 0"]


def test_the_setup_of_a_task_is_what_was_tagged_before_it(load: Load) -> None:
    one, other = load(
        setup("a = 1"), cell("b = 2"), task("One", checks=["a"]), setup("c = 3"), task("Other", checks=["c"])
    ).test
    assert one.setup == ("a = 1",)
    assert other.setup == ("a = 1", "c = 3")


def test_cells_without_the_tag_are_no_tasks(load: Load) -> None:
    found = load(cell(MAGIC), task("Count", checks=["n"]))
    assert [one.task.text for one in found.test] == ["Count"]


def test_files_that_text_or_setup_name_come_along_and_no_others(load: Load, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("named.csv", "data/read.csv", "my rows.csv", "other.csv"):
        (tmp_path / name).write_text(name)
    cells = [
        setup("rows = open('data/read.csv').read()"),
        task("Add up named.csv. Then look at 'my rows.csv'.", checks=["open('other.csv')"]),
    ]
    (trial,) = load(*cells).test
    assert dict(trial.start.files) == {
        name: name.encode() for name in ("named.csv", "data/read.csv", "my rows.csv")
    }


def test_files_outside_the_folder_stay_there(load: Load, tmp_path: Path) -> None:
    (tmp_path.parent / f"{tmp_path.name}.csv").write_text("secret")
    (trial,) = load(task(f"Read ../{tmp_path.name}.csv and /etc/hosts", checks=["True"])).test
    assert not trial.start.files


def test_objects_that_a_task_refers_to_are_told_of(load: Load) -> None:
    found = load(
        setup("df = 1"), task("Plot @df and @Out[3]", checks=["True"]), task("Count", checks=["True"])
    )
    assert [one.task.text for one in found.test] == ["Plot @df and @Out[3]", "Count"]
    assert found.notes == (
        "1 task refers to objects (@df, @Out[3]): their text stays as it is, nothing of the objects is shown with it.",
    )


def test_days_are_told_in_the_metadata(load: Load) -> None:
    found = load(task("Learn", checks=["True"], day=1), task("Add", checks=["True"]), days=Days(1))
    assert [[one.task.text for one in day] for day in found.days] == [["Learn"]]
    assert [one.task.text for one in found.test] == ["Add"]


def test_a_task_that_is_learnt_from_too_is_a_leak(load: Load) -> None:
    with pytest.raises(LeakFound):
        load(task("Add", checks=["True"], day=1), task(" add", checks=["True"]), days=Days(1))


@pytest.mark.parametrize(
    ("tagged", "said"),
    [
        (task("Add"), "`checks` is empty"),
        (task("", checks=["True"]), "`task`"),
        (task("Add", checks=["total =="]), "no Python expression"),
        (task("Add", task="Count", checks=["True"]), "The text of the cell is the task"),
        (task("Add", loud=1, checks=["True"]), "`loud` is not known"),
        (cell("%%metaclaw --check 'a\nAdd", "metaclaw-task"), "A quote is not closed"),
        (cell("%%metaclaw --loud\nAdd", "metaclaw-task"), "cannot be read"),
        (cell("%%metaclaw --check-file ../check.py\nAdd", "metaclaw-task"), "no file ../check.py"),
        (setup("%matplotlib inline"), "no plain Python"),
        (cell("a", "metaclaw-setup", kind="markdown"), "no code cell"),
    ],
)
def test_a_fault_is_told_with_its_cell(load: Load, tagged: dict[str, Any], said: str) -> None:
    with pytest.raises(TaskSetInvalid) as told:
        load(cell("import math"), tagged, task("Count", checks=["True"]))
    assert "cell 2: " in str(told.value)
    assert said in str(told.value)


def test_a_notebook_without_tagged_cells_says_how_to_tag_them(load: Load) -> None:
    with pytest.raises(TaskSetInvalid, match="tagged metaclaw-task"):
        load(cell(MAGIC))


@pytest.mark.parametrize("text", ["{", "[]", '{"nbformat": 3, "worksheets": []}'])
def test_what_is_no_notebook_is_told(text: str, tmp_path: Path, workspace: Workspace) -> None:
    (tmp_path / "odd.ipynb").write_text(text)
    with pytest.raises(TaskSetInvalid, match="no notebook"):
        load_tasks(str(tmp_path / "odd.ipynb"), 1, seed=1, workspace=workspace)
