"""Tasks of the practice world: a seed draws a house, tasks to test on, and a stream to learn from."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from random import Random

from metaclaw_jlab.agent.graded_sandbox import asked
from metaclaw_jlab.agent.rooms import practice_start
from metaclaw_jlab.core.ablation import Days
from metaclaw_jlab.core.errors import TaskSetInvalid, UsageMistake
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task_set import TaskSet, TrialTask
from metaclaw_jlab.evaluation.practice_arms import COMPOUND_SHARE, Household, draw_households
from metaclaw_jlab.practice import House, PracticeTask, from_dict, task_set, validation_tasks

HELD_OUT, VALIDATION = "practice:held-out", "practice:validation"
VALIDATION_TASKS = 40
_SPLITS = {HELD_OUT: "test", VALIDATION: "validation"}
_SEEDS = 2**31
_ID = re.compile(r"(?P<split>test|validation)-(?P<seed>-?\d+)-")


def load_practice(spec: str, n: int, *, seed: int, days: Days | None) -> TaskSet:
    """The house and tasks of a seed; the days are those of the stream that the demonstration learns from.

    Raises TaskSetInvalid where there is no such set.
    """
    if spec not in _SPLITS:
        raise TaskSetInvalid(f"There are no tasks {spec!r}.", f"Use {' or '.join(_SPLITS)}.")
    split = _SPLITS[spec]
    if split == "test":
        (household,) = draw_households(seed, n, houses=1)
        drawn = household.tasks
    else:
        household = _household(split, seed)
        drawn = validation_tasks(household.house, _draw(f"validation/{seed}/test"), n)
    house, head = household.house, f"{split}-{seed}"
    stream = _stream(house, seed, days)
    learnt = {one.text for day in stream for one in day}
    test = [task for task in drawn if task.text not in learnt]
    known = learnt | {task.text for task in test}
    chosen = [
        task
        for task in validation_tasks(house, _draw(f"validation/{seed}/choice"), VALIDATION_TASKS)
        if task.text not in known
    ]
    left = len(drawn) - len(test)
    return TaskSet(
        spec,
        tuple(_trial(f"{head}-0-{i:04d}", task, house) for i, task in enumerate(test)),
        tuple(
            tuple(_trial(f"{head}-day{d:02d}-{i:03d}", task, house, d) for i, task in enumerate(day))
            for d, day in enumerate(stream, 1)
        ),
        tuple(_trial(f"{head}-choice-{i:03d}", task, house) for i, task in enumerate(chosen)),
        (f"{left} test tasks were left out: the stream has their text too.",) if left else (),
    )


def practice_task(start: StartState) -> PracticeTask | None:
    """The practice task that starts there, where one does."""
    return None if start.practice is None else from_dict(json.loads(start.practice))


def household_of(trial: TrialTask) -> Household:
    """The house that a practice task belongs to, with the skills that state its rules; its tasks are left out.

    Raises UsageMistake for tasks of other sets.
    """
    found = _ID.match(trial.id)
    if trial.start.practice is not None and found is not None:
        household = _household(found["split"], int(found["seed"]))
        if household.house.name == trial.group:
            return household
    raise UsageMistake(
        f"Nobody wrote skills for the task {trial.id}: it is none of a practice house.",
        f"Use the arm on {' or '.join(_SPLITS)}, or another arm.",
    )


@lru_cache(64)
def _household(split: str, seed: int) -> Household:
    (household,) = draw_households(seed, 1, houses=1, split=split)
    return Household(household.house, household.skills, ())


def _stream(house: House, seed: int, days: Days | None) -> list[tuple[PracticeTask, ...]]:
    if days is None:
        return []
    length = days.number * days.tasks
    tasks = task_set("train", _draw(f"stream/{seed}/0"), length, house=house, compound_share=COMPOUND_SHARE)
    return [tasks[begin : begin + days.tasks] for begin in range(0, length, days.tasks)]


def _trial(id_: str, task: PracticeTask, house: House, day: int | None = None) -> TrialTask:
    # Each in a notebook of its house and a cell of its own: so it is the same task when it is attempted again.
    return TrialTask(id_, asked(task, f"{house.name}.ipynb"), practice_start(task), day=day, group=house.name)


def _draw(name: str) -> int:
    return Random(name).randrange(_SEEDS)
