"""The tasks of a run, kept in its folder: whatever becomes of the files that they came from, they stay the same."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Origin
from metaclaw_jlab.core.task_set import TaskSet, TrialTask
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
from metaclaw_jlab.runtime.home import replace_private
from metaclaw_jlab.store.encoding import dump_task, load_task

_TEST, _VALIDATION, _DAY = "test", "validation", "day"


def tasks_path(run: RunFolder, seed: int | None = None) -> Path:
    """Where the tasks lie: one file for all seeds, or one for each where each draws tasks of its own."""
    return run.path / ("tasks.jsonl" if seed is None else f"tasks-{seed}.jsonl")


def write_tasks(path: Path, tasks: TaskSet) -> None:
    """Write a task set: its spec and notes in the first line, then a task a line."""
    head = {"spec": tasks.spec, "notes": list(tasks.notes), "days": len(tasks.days)}
    lines = [head, *({"part": part, "day": day, **trial_record(one)} for part, day, one in _parts(tasks))]
    replace_private(path, "".join(json.dumps(line) + "\n" for line in lines))


def read_tasks(path: Path) -> TaskSet:
    """Inverse of write_tasks. Raises AblationError where the file is gone or damaged."""
    try:
        head, *lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        found = [(line["part"], line["day"], trial_of(line)) for line in lines]
        return TaskSet(
            spec=head["spec"],
            test=tuple(one for part, _, one in found if part == _TEST),
            days=tuple(
                tuple(one for part, day, one in found if part == _DAY and day == number)
                for number in range(head["days"])
            ),
            validation=tuple(one for part, _, one in found if part == _VALIDATION),
            notes=tuple(head["notes"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AblationError(
            f"The tasks in {path} cannot be read ({error}).", "Plan the ablation anew."
        ) from error


def trial_record(trial: TrialTask) -> dict[str, Any]:
    """The task in JSON's own types."""
    return {
        "id": trial.id,
        "task": dump_task(trial.task),
        "origin": asdict(trial.task.origin),
        "files": _texts(trial.start.files),
        "objects": _texts(trial.start.objects),
        "practice": trial.start.practice,
        "setup": list(trial.setup),
        "of_day": trial.day,
        "group": trial.group,
    }


def trial_of(record: Mapping[str, Any]) -> TrialTask:
    """Inverse of trial_record. Raises KeyError, TypeError, ValueError for anything else."""
    return TrialTask(
        id=record["id"],
        task=load_task(record["task"], Origin(**record["origin"])),
        start=StartState(_contents(record["files"]), _contents(record["objects"]), record["practice"]),
        setup=tuple(record["setup"]),
        day=record["of_day"],
        group=record["group"],
    )


def _parts(tasks: TaskSet) -> Iterator[tuple[str, int | None, TrialTask]]:
    yield from ((_TEST, None, one) for one in tasks.test)
    yield from ((_VALIDATION, None, one) for one in tasks.validation)
    for number, day in enumerate(tasks.days):
        yield from ((_DAY, number, one) for one in day)


def _texts(contents: Mapping[str, bytes]) -> dict[str, str]:
    return {name: b64encode(data).decode("ascii") for name, data in contents.items()}


def _contents(texts: Mapping[str, str]) -> dict[str, bytes]:
    return {name: b64decode(text) for name, text in texts.items()}
