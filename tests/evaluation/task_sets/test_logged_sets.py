"""The user's logged tasks as test tasks, and what can be chosen at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.ablation import Days
from metaclaw_jlab.core.errors import TaskSetInvalid
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.task import Check, CheckKind, Origin, Task
from metaclaw_jlab.evaluation.task_sets import describe_task_sets, load_tasks
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.start_states import StartStates
from tests.store.samples import START, begun, ended, queried, skill


def asked(text: str, *, checks: bool = True) -> Task:
    held = (Check(CheckKind.EXPRESSION, "total == 12"),) if checks else ()
    return Task(text, checks=held, origin=Origin("a.ipynb", text))


def log(workspace: Workspace, id_: str, task: Task) -> None:
    workspace.trajectories().record(ended(id_, task=task))
    StartStates(workspace.database()).keep(id_, START)


def test_logged_tasks_come_back_with_their_start_the_oldest_first(workspace: Workspace) -> None:
    for id_ in ("a1", "b1"):
        log(workspace, id_, asked(id_))
    found = load_tasks("log", 9, seed=1, workspace=workspace)
    assert [(one.id, one.task, one.start, one.group) for one in found.test] == [
        (id_, asked(id_), START, "a.ipynb") for id_ in ("a1", "b1")
    ]
    assert found.notes == ()


def test_the_newest_are_taken_and_that_is_said(workspace: Workspace) -> None:
    for number in range(4):
        log(workspace, f"a{number}", asked(f"Add {number}"))
    found = load_tasks("log", 2, seed=1, workspace=workspace)
    assert [one.id for one in found.test] == ["a2", "a3"]
    assert found.notes == ("The newest 2 of 4 logged tasks are used.",)
    assert [one.id for one in load_tasks("log:last-1", 9, seed=1, workspace=workspace).test] == ["a3"]


def test_what_was_learnt_from_is_left_out_and_counted(workspace: Workspace) -> None:
    database = workspace.database()
    for id_ in ("evolved", "kept"):
        log(workspace, id_, asked(id_))
    # The same words in another notebook are the same task to a skill.
    log(workspace, "again", replace(asked("evolved"), origin=Origin("b.ipynb", "c9")))
    Skills(database).commit_generation(Cause.EVOLVER, [skill("sums")], evidence=["evolved"])
    queried(database, ended("drained", task=asked("Draw"), stamp=replace(ended().stamp, skill_generation=1)))
    Query(database).drain(["drained"], begun(database, 1).number)
    found = load_tasks("log", 9, seed=1, workspace=workspace)
    assert [one.id for one in found.test] == ["kept"]
    assert found.notes == ("Of the logged tasks 3 were left out: they were learnt from.",)


def test_what_has_no_checks_or_no_start_is_counted(workspace: Workspace) -> None:
    log(workspace, "kept", asked("Add"))
    log(workspace, "unchecked", asked("Count", checks=False))
    workspace.trajectories().record(ended("startless", task=asked("Draw")))
    assert load_tasks("log", 9, seed=1, workspace=workspace).notes == (
        "Of the logged tasks 1 was left out: it has no checks.",
        "Of the logged tasks 1 was left out: what it started from was not kept.",
    )


def test_where_nothing_is_left_it_is_said_why_and_what_to_do(workspace: Workspace) -> None:
    log(workspace, "unchecked", asked("Count", checks=False))
    with pytest.raises(TaskSetInvalid) as told:
        load_tasks("log", 9, seed=1, workspace=workspace)
    assert "has no checks" in told.value.cause
    assert "--check" in told.value.next_step


def test_a_new_home_has_nothing_to_replay(workspace: Workspace) -> None:
    with pytest.raises(TaskSetInvalid, match="there are none that have ended"):
        load_tasks("log", 9, seed=1, workspace=workspace)


@pytest.mark.parametrize("spec", ["log:200", "log:last-", "log:last-0", "log:last-x", "log:first-3"])
def test_what_names_no_part_of_the_log_is_told(spec: str, workspace: Workspace) -> None:
    with pytest.raises(TaskSetInvalid, match="log:last-200"):
        load_tasks(spec, 9, seed=1, workspace=workspace)


def test_the_log_makes_no_days(workspace: Workspace) -> None:
    with pytest.raises(TaskSetInvalid, match="no days"):
        load_tasks("log", 9, seed=1, workspace=workspace, days=Days(1))


def test_the_public_benchmark_has_a_command_of_its_own(workspace: Workspace) -> None:
    with pytest.raises(TaskSetInvalid, match="metaclaw bench metaclaw-bench --data somewhere --arms"):
        load_tasks("metaclaw-bench:somewhere", 9, seed=1, workspace=workspace)


@pytest.mark.parametrize("spec", ["", "tasks.csv", "jsonl:", "logs"])
def test_another_spec_is_told_with_those_that_there_are(spec: str, workspace: Workspace) -> None:
    with pytest.raises(TaskSetInvalid, match=r"practice:held-out.*FILE\.jsonl.*log:last-200"):
        load_tasks(spec, 9, seed=1, workspace=workspace)


def test_no_task_at_all_cannot_be_asked_for(workspace: Workspace) -> None:
    with pytest.raises(TaskSetInvalid, match="too few"):
        load_tasks("practice:held-out", 0, seed=1, workspace=workspace)


def test_the_options_count_what_can_be_replayed(workspace: Workspace) -> None:
    before = {one.spec: one for one in describe_task_sets(workspace)}
    log(workspace, "a1", asked("Add"))
    after = {one.spec: one for one in describe_task_sets(workspace)}
    assert (before["log"].count, after["log"].count) == (0, 1)
    assert before["log"].why_not
    assert after["log"].why_not is None


def test_every_option_that_can_be_chosen_loads(workspace: Workspace) -> None:
    log(workspace, "a1", asked("Add"))
    chosen = [one.spec for one in describe_task_sets(workspace) if one.why_not is None]
    assert "practice:held-out" in chosen
    for spec in chosen:
        assert load_tasks(spec, 1, seed=1, workspace=workspace).test
