"""Tasks of the practice world."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.ablation import Days
from metaclaw_jlab.core.errors import TaskSetInvalid, UsageMistake
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.task_set import TaskSet, TrialTask
from metaclaw_jlab.evaluation.practice_arms import draw_households
from metaclaw_jlab.evaluation.practice_stream import draw_stream
from metaclaw_jlab.evaluation.task_sets import load_tasks
from metaclaw_jlab.evaluation.task_sets.practice_tasks import household_of, load_practice, practice_task
from metaclaw_jlab.practice import PracticeTask

SPECS = ("practice:held-out", "practice:validation")


def behind(trials: tuple[TrialTask, ...]) -> tuple[PracticeTask, ...]:
    return tuple(task for one in trials if (task := practice_task(one.start)) is not None)


def every(found: TaskSet) -> list[TrialTask]:
    return [*found.test, *found.validation, *(one for day in found.days for one in day)]


def test_a_seed_draws_the_house_and_the_tasks_of_the_demonstration(tmp_path: Path) -> None:
    found = load_practice("practice:held-out", 6, seed=5, days=Days(3, tasks=4))
    (household,) = draw_households(5, 6, houses=1)
    stream = draw_stream(household, tmp_path / "home", seed=5, length=12)
    with closing(stream.workspace):
        assert behind(found.test) == household.tasks
        assert tuple(task for day in found.days for task in behind(day)) == stream.tasks
    assert {one.group for one in every(found)} == {household.house.name}


@pytest.mark.parametrize("spec", SPECS)
def test_days_are_numbered_and_test_tasks_have_none(spec: str) -> None:
    found = load_practice(spec, 2, seed=1, days=Days(3, tasks=4))
    assert [[one.day for one in day] for day in found.days] == [[1] * 4, [2] * 4, [3] * 4]
    assert {one.day for one in (*found.test, *found.validation)} == {None}


@pytest.mark.parametrize("spec", SPECS)
def test_no_id_comes_twice_whatever_the_seed(spec: str) -> None:
    ids = [
        one.id for seed in (1, 2) for one in every(load_practice(spec, 5, seed=seed, days=Days(2, tasks=3)))
    ]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("spec", SPECS)
def test_test_validation_and_stream_share_no_text(spec: str, workspace: Workspace) -> None:
    found = load_tasks(spec, 60, seed=3, workspace=workspace, days=Days(5))
    texts = [{one.task.text_sha256 for one in part} for part in (found.test, found.validation)]
    texts.append({one.task.text_sha256 for day in found.days for one in day})
    assert sum(map(len, texts)) == len(set().union(*texts))


@pytest.mark.parametrize(("spec", "split"), [(SPECS[0], "test"), (SPECS[1], "validation")])
def test_each_part_is_of_its_split(spec: str, split: str) -> None:
    found = load_practice(spec, 5, seed=1, days=Days(1))
    assert {task.split for task in behind(found.test)} == {split}
    assert {task.split for task in behind(found.validation)} == {"validation"}
    assert {task.split for task in behind(found.days[0])} == {"train"}


@pytest.mark.parametrize("spec", SPECS)
def test_all_tasks_are_of_the_house_that_can_be_drawn_again(spec: str) -> None:
    for one in every(load_practice(spec, 4, seed=7, days=Days(1, tasks=4))):
        household = household_of(one)
        (task,) = behind((one,))
        assert household.house.name == one.group
        assert {rule: household.house.options[rule] for rule in task.rules} == task.options
        assert {skill.name for skill in household.skills} == set(household.house.options)


def test_a_longer_set_begins_with_the_shorter_one() -> None:
    short, long = (load_practice("practice:held-out", n, seed=2, days=None) for n in (3, 9))
    assert long.test[:3] == short.test


@pytest.mark.parametrize(
    "trial",
    [
        TrialTask("test-1-0-0000", Task("Add")),
        TrialTask(
            "elsewhere", *((one := load_practice(SPECS[0], 1, seed=1, days=None).test[0]).task, one.start)
        ),
    ],
)
def test_a_task_of_no_drawn_house_has_no_household(trial: TrialTask) -> None:
    with pytest.raises(UsageMistake, match="none of a practice house"):
        household_of(trial)


def test_another_set_is_not_known(workspace: Workspace) -> None:
    with pytest.raises(TaskSetInvalid, match="practice:held-out or practice:validation"):
        load_tasks("practice:train", 1, seed=1, workspace=workspace)
