"""A task set of tasks that people wrote down: test tasks, days to learn from, and tasks for choices."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from metaclaw_jlab.core.ablation import Days
from metaclaw_jlab.core.errors import TaskSetInvalid
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Origin, Task
from metaclaw_jlab.core.task_set import TaskSet, TrialTask
from metaclaw_jlab.evaluation.task_sets.attached import Attachments
from metaclaw_jlab.evaluation.task_sets.leaks import refuse_known
from metaclaw_jlab.evaluation.task_sets.records import Faults, Split, TaskRecord, checks_of

_ID_CHARS = 12
_APART = {"train": "it is there to be learnt from too", "validation": "choices are made on it"}


@dataclass(frozen=True, slots=True)
class Written:
    """A task as it was written, in its split; `day` is None where any day will do."""

    trial: TrialTask
    part: Split
    day: int | None


def written_task(
    record: TaskRecord, notebook: str, attachments: Attachments, setup: Sequence[str] = ()
) -> Written:
    """The task of a record, with code that runs before its own. Its id, where it has none, is a hash of what it is.

    Raises TaskSetInvalid where its files are missing or too large.
    """
    files = {name: text.encode() for name, text in record.files.items()}
    files |= attachments.read(record.files_from)
    attachments.require_small(files.values())
    trial = TrialTask(
        record.id or "",
        Task(record.task.strip(), checks=checks_of(record)),
        StartState(files=files),
        (*setup, *record.setup),
        record.day if record.part == "train" else None,
        record.group or notebook,
    )
    id_ = trial.id or _digest(trial)
    task = replace(trial.task, origin=Origin(notebook, id_), name=id_)
    return Written(replace(trial, id=id_, task=task), record.part, trial.day)


def task_set_of(
    spec: str, name: str, written: Sequence[Written], n: int, days: Days | None, notes: Sequence[str] = ()
) -> TaskSet:
    """The first n test tasks, and the days. Raises TaskSetInvalid where there are none, or two of one id; LeakFound."""
    own = _unique(written, name)
    test = tuple(one.trial for one in own if one.part == "test")
    if not test:
        raise TaskSetInvalid(
            f"{name} has no test task.", 'Add tasks, or leave "day" and "split" out of some that it has.'
        )
    # Those too that this ablation leaves out: a file that mixes the two is mistaken, whatever is asked of it.
    refuse_known(test, {one.trial.task.text_sha256: _APART[one.part] for one in own if one.part != "test"})
    said = [*notes]
    if len(test) > n:
        said.append(f"The first {n} of {len(test)} test tasks are used.")
    learnt = [one for one in own if one.part == "train"]
    if learnt and days is None:
        said.append(f"{len(learnt)} tasks to learn from are left out: without days nothing is learnt.")
    cut = cut_days(name, learnt, days) if days is not None else ()
    if days is not None and (left := len(learnt) - sum(map(len, cut))):
        said.append(
            f"{left} of {len(learnt)} tasks to learn from are left out: the days have no room for them."
        )
    return TaskSet(
        spec,
        test[:n],
        cut,
        tuple(one.trial for one in own if one.part == "validation"),
        tuple(said),
    )


def cut_days(name: str, learnt: Sequence[Written], days: Days) -> tuple[tuple[TrialTask, ...], ...]:
    """So many tasks for each day: first those that name it, then in order those that name none.

    Raises TaskSetInvalid where a day stays empty.
    """
    undated = [one.trial for one in learnt if one.day is None]
    found: list[tuple[TrialTask, ...]] = []
    for day in range(1, days.number + 1):
        own = [one.trial for one in learnt if one.day == day][: days.tasks]
        room = days.tasks - len(own)
        own += [replace(trial, day=day) for trial in undated[:room]]
        undated = undated[room:]
        if not own:
            raise TaskSetInvalid(
                f"{name} has nothing to learn from on day {day} of {days.number}.",
                f'Add tasks with "day": {day} or "split": "train"'
                + (f", or ask for {day - 1} days." if day > 1 else "."),
            )
        found.append(tuple(own))
    return tuple(found)


def _unique(written: Sequence[Written], name: str) -> list[Written]:
    """The same task written down again gets an id of its own; two tasks of one id are a fault."""
    faults = Faults(name)
    found: dict[str, Written] = {}
    for one in written:
        id_, number = one.trial.id, 1
        given = id_ != _digest(one.trial)
        while id_ in found and not given:
            number += 1
            id_ = f"{one.trial.id}-{number}"
        if id_ in found:
            faults.add(
                f"task {id_}", "There is another one of this id.", "Give each an id of its own, or none."
            )
        task = replace(one.trial.task, origin=Origin(one.trial.task.origin.notebook, id_), name=id_)
        found[id_] = replace(one, trial=replace(one.trial, id=id_, task=task))
    faults.refuse()
    return list(found.values())


def _digest(trial: TrialTask) -> str:
    """Of all that makes the task, so that it keeps its id wherever it stands in its file."""
    task = trial.task
    checks = [[check.kind.value, check.source, check.feedback] for check in task.checks]
    parts = [task.text, checks, list(trial.setup), trial.start.sha256]
    text = json.dumps(parts, ensure_ascii=True)
    return f"task-{hashlib.sha256(text.encode()).hexdigest()[:_ID_CHARS]}"
