"""Tasks in a JSONL file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.agent.rooms import SandboxRooms
from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.ablation import Days
from metaclaw_jlab.core.errors import LeakFound, TaskSetInvalid
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.task import Check, CheckKind, Task
from metaclaw_jlab.core.task_set import TaskSet
from metaclaw_jlab.evaluation.task_sets import load_tasks
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.store.skills import Skills
from tests.store.samples import ended, skill

Load = Callable[..., TaskSet]
ONE: dict[str, Any] = {"task": "Add the rows", "checks": ["total == 12"]}


@pytest.fixture
def load(tmp_path: Path, workspace: Workspace) -> Load:
    """Loads a file of these lines, each a text or a value."""

    def loaded(*lines: object, n: int = 10, days: Days | None = None) -> TaskSet:
        path = tmp_path / "tasks.jsonl"
        path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines))
        return load_tasks(str(path), n, seed=1, workspace=workspace, days=days)

    return loaded


def numbered(count: int, **more: object) -> list[dict[str, object]]:
    return [
        {"task": f"Task {more.get('day', '')}{number}", "checks": ["True"], **more} for number in range(count)
    ]


def test_a_line_is_a_task(load: Load) -> None:
    (trial,) = load({**ONE, "setup": "rows = [5, 7]", "files": {"in.csv": "a"}, "group": "sums"}).test
    assert trial.task.text == "Add the rows"
    assert trial.task.checks == (Check(CheckKind.EXPRESSION, "total == 12"),)
    assert trial.setup == ("rows = [5, 7]",)
    assert dict(trial.start.files) == {"in.csv": b"a"}
    assert (trial.group, trial.day) == ("sums", None)


def test_checks_of_all_kinds_are_taken(load: Load) -> None:
    kinds = [
        "total == 12  # the sum is twelve",
        {"source": "total > 0", "feedback": "It is positive."},
        {"kind": "script", "source": "assert total"},
        {"kind": "command", "source": "test -f out.csv"},
        {"kind": "file", "source": "out.csv", "feedback": "Write it."},
    ]
    (trial,) = load({"prompt": "Add", "checks": kinds}).test
    assert trial.task.checks == (
        Check(CheckKind.EXPRESSION, "total == 12", "the sum is twelve"),
        Check(CheckKind.EXPRESSION, "total > 0", "It is positive."),
        Check(CheckKind.SCRIPT, "assert total"),
        Check(CheckKind.COMMAND, "test -f out.csv"),
        Check(CheckKind.FILE, "out.csv", "Write it."),
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "no JSON"),
        ([1], "a list ([1]), not an object"),
        ({"checks": ["True"]}, "`task` is missing"),
        ({"task": "Add"}, "`checks` is missing"),
        ({"task": "Add", "checks": []}, "`checks` is empty"),
        ({"task": " ", "checks": ["True"]}, "`task`"),
        ({"task": "Add", "checks": "True"}, "a list of expressions"),
        ({"task": "Add", "checks": ["total =="]}, "no Python expression"),
        (
            {"task": "Add", "checks": [{"kind": "loud", "source": "x"}]},
            "one of expression, script, command, file",
        ),
        ({"task": "Add", "checks": [{"kind": "script", "source": "assert ("}]}, "`checks[0]` is no Python"),
        ({"task": "Add", "checks": [{"source": "x", "says": "y"}]}, "`checks[0].says` is not known"),
        ({"task": "Add", "checks": [{"kind": "file", "source": "../out"}]}, "names '../out'"),
        ({**ONE, "setup": "%matplotlib inline"}, "`setup[0]` is no plain Python"),
        ({**ONE, "files": {"/etc/passwd": ""}}, "'/etc/passwd' is no file"),
        ({**ONE, "files_from": ["../secret"]}, "'../secret' is no file"),
        ({**ONE, "files_from": ["gone.csv"]}, "There is no file gone.csv"),
        ({**ONE, "day": 0}, "a whole number, 1 or more"),
        ({**ONE, "day": "1"}, "a whole number, 1 or more"),
        ({**ONE, "split": "tset"}, "train, validation or test"),
        ({**ONE, "id": "a/b"}, "`id`"),
        ({**ONE, "chekcs": []}, "`chekcs` is not known. Use task, checks"),
    ],
)
def test_a_fault_is_told_with_its_line_and_what_to_write(load: Load, line: object, said: str) -> None:
    with pytest.raises(TaskSetInvalid) as told:
        load(ONE, "", line)
    assert "1 fault in tasks.jsonl" in str(told.value)
    assert "line 3: " in str(told.value)
    assert said in str(told.value)


def test_all_faults_are_counted_and_the_first_told(load: Load) -> None:
    with pytest.raises(TaskSetInvalid) as told:
        load(*[{"task": "Add"}] * 7)
    said = str(told.value)
    assert "7 faults" in said
    assert "line 5:" in said
    assert "line 6:" not in said
    assert "and 2 more" in said


def test_files_come_from_the_folder_of_the_file(load: Load, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/in.csv").write_bytes(b"\x00a")
    (trial,) = load({**ONE, "files_from": ["data/in.csv"]}).test
    assert dict(trial.start.files) == {"data/in.csv": b"\x00a"}


def test_a_link_out_of_the_folder_is_not_followed(load: Load, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-secret"
    outside.write_text("secret")
    (tmp_path / "in.csv").symlink_to(outside)
    with pytest.raises(TaskSetInvalid, match=r"no file in\.csv"):
        load({**ONE, "files_from": ["in.csv"]})


def test_files_over_the_cap_are_refused(load: Load, workspace: Workspace) -> None:
    workspace.overrides["training.start_mb"] = 0.001
    with pytest.raises(TaskSetInvalid, match=r"line 1.*over 0\.001 MB"):
        load({**ONE, "files": {"in.csv": "a" * 2000}})


def test_a_task_keeps_its_id_wherever_it_stands(load: Load) -> None:
    first = load(ONE, {**ONE, "task": "Count"}).test
    second = load({**ONE, "task": "Count"}, ONE).test
    assert {one.task.text: one.id for one in first} == {one.task.text: one.id for one in second}
    assert len({one.id for one in first}) == 2


def test_the_same_task_twice_has_two_ids(load: Load) -> None:
    one, other = load(ONE, ONE).test
    assert one.id != other.id
    assert other.task.name == other.id


def test_two_tasks_of_one_id_are_refused(load: Load) -> None:
    with pytest.raises(TaskSetInvalid, match="another one of this id"):
        load({**ONE, "id": "sum"}, {"task": "Count", "checks": ["n"], "id": "sum"})


def test_at_most_n_test_tasks_are_used_and_that_is_said(load: Load) -> None:
    found = load(*numbered(5), n=3)
    assert [one.task.text for one in found.test] == ["Task 0", "Task 1", "Task 2"]
    assert found.notes == ("The first 3 of 5 test tasks are used.",)


def test_a_day_is_learnt_from_unless_it_says_otherwise(load: Load) -> None:
    lines = [*numbered(2, day=1), *numbered(2, day=2), {**ONE, "day": 1, "split": "test"}]
    found = load(*lines, days=Days(2))
    assert [[one.day for one in day] for day in found.days] == [[1, 1], [2, 2]]
    assert [(one.task.text, one.day) for one in found.test] == [("Add the rows", None)]


def test_training_tasks_without_a_day_fill_the_days(load: Load) -> None:
    found = load(ONE, *numbered(1, day=2), *numbered(5, split="train"), days=Days(2, tasks=3))
    assert [[one.task.text for one in day] for day in found.days] == [
        ["Task 0", "Task 1", "Task 2"],
        ["Task 20", "Task 3", "Task 4"],
    ]
    assert {one.day for one in found.days[1]} == {2}


def test_a_day_with_nothing_to_learn_from_is_told(load: Load) -> None:
    with pytest.raises(TaskSetInvalid, match=r"day 2 of 3.*ask for 1 days"):
        load(ONE, *numbered(3, day=1), days=Days(3))


def test_without_days_nothing_is_learnt_from_and_that_is_said(load: Load) -> None:
    found = load(ONE, *numbered(2, day=1))
    assert found.days == ()
    assert any("2 tasks to learn from" in note for note in found.notes)


def test_validation_tasks_are_apart(load: Load) -> None:
    found = load(ONE, {"task": "Try", "checks": ["True"], "split": "validation"})
    assert [one.task.text for one in found.validation] == ["Try"]
    assert [one.task.text for one in found.test] == ["Add the rows"]


def test_what_the_days_have_no_room_for_is_told(load: Load) -> None:
    lines = [ONE, *numbered(3, day=1), *numbered(2, day=7)]
    found = load(*lines, days=Days(1, tasks=2))
    assert [len(day) for day in found.days] == [2]
    assert found.notes == ("3 of 5 tasks to learn from are left out: the days have no room for them.",)


def test_a_file_without_test_tasks_is_refused(load: Load) -> None:
    with pytest.raises(TaskSetInvalid, match="no test task"):
        load(*numbered(2, day=1))


@pytest.mark.parametrize("part", [{"day": 1}, {"split": "validation"}])
@pytest.mark.parametrize("days", [None, Days(1)])
def test_a_test_task_that_is_learnt_from_too_is_a_leak(
    load: Load, part: dict[str, object], days: Days | None
) -> None:
    lines = [ONE, *numbered(1, split="train"), {"task": "  add THE rows ", "checks": ["True"], **part}]
    with pytest.raises(LeakFound, match=r"1 test task is known.*Add the rows"):
        load(*lines, days=days)


def test_a_test_task_that_this_home_learnt_from_is_a_leak(load: Load, workspace: Workspace) -> None:
    workspace.trajectories().record(ended("aa", task=Task("add the  rows")))
    Skills(workspace.database()).commit_generation(Cause.EVOLVER, [skill("sums")], evidence=["aa"])
    with pytest.raises(LeakFound, match="it evolved the skill library"):
        load(ONE)


def test_a_file_that_is_not_there_is_told(workspace: Workspace) -> None:
    with pytest.raises(TaskSetInvalid, match="cannot be read"):
        load_tasks("jsonl:nowhere.txt", 1, seed=1, workspace=workspace)


def test_a_task_starts_in_a_sandbox_with_its_files_and_setup(load: Load, arm_pool: SandboxPool) -> None:
    line = {"task": "Add", "checks": ["total == 12"], "setup": ["rows = open('in.csv').read().split()"]}
    (trial,) = load({**line, "files": {"in.csv": "5 7"}}).test
    room = SandboxRooms(arm_pool).open(trial.start, trial.task)
    try:
        for code in (*trial.setup, "total = sum(map(int, rows))"):
            assert room.execute(code).error is None
        assert [room.evaluate(check).passed for check in trial.task.checks] == [True]
    finally:
        room.close()
