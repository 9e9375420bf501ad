"""The tasks of a run, as they are kept with it."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from metaclaw_jlab.core.ablation import AblationPlan
from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Check, CheckKind, Origin, Reference, Task
from metaclaw_jlab.core.task_set import TaskSet, TrialTask
from metaclaw_jlab.evaluation.ablation.arms import preset
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, create_run
from metaclaw_jlab.evaluation.ablation.trial_files import read_tasks, tasks_path, write_tasks
from metaclaw_jlab.runtime.home import open_home

WHOLE = TrialTask(
    "t1",
    Task(
        "Sum \ud800 ü\u2028 line",
        (Reference("@df", "a b"),),
        (Check(CheckKind.FILE, "out.csv", "no file"), Check(CheckKind.EXPRESSION, "x == 1")),
        Origin("n.ipynb", "c"),
        "name",
    ),
    StartState({"a/b.bin": bytes(range(256))}, {"df": pickle.dumps([1])}, '{"id": 1}'),
    ("import os", "x = 0"),
    2,
    "house",
)
BARE = TrialTask("t2", Task("Do it."))


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create_run(open_home(tmp_path / "home"), AblationPlan((preset("baseline"),), "x", "baseline"))


@pytest.mark.parametrize(
    "tasks",
    [
        TaskSet("x", (WHOLE, BARE), ((BARE,), (), (WHOLE, BARE)), (WHOLE,), ("One left out.",)),
        TaskSet("x", (BARE,)),
        TaskSet("x", ()),
    ],
)
def test_a_task_set_comes_back_as_it_was(run: RunFolder, tasks: TaskSet) -> None:
    path = tasks_path(run)
    write_tasks(path, tasks)
    found = read_tasks(path)
    assert found == tasks
    assert [one.start.sha256 for one in found.test] == [one.start.sha256 for one in tasks.test]


def test_each_seed_may_have_its_own(run: RunFolder) -> None:
    assert len({tasks_path(run), tasks_path(run, 1), tasks_path(run, 2)}) == 3


def test_tasks_that_are_gone_or_damaged_are_told(run: RunFolder) -> None:
    path = tasks_path(run)
    with pytest.raises(AblationError, match="cannot be read"):
        read_tasks(path)
    write_tasks(path, TaskSet("x", (WHOLE, BARE)))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(AblationError, match="cannot be read"):
        read_tasks(path)
