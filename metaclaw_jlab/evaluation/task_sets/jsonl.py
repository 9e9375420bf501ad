"""Tasks in a JSONL file, an object a line: `{"task": ..., "checks": ["total == 12"]}`."""

from __future__ import annotations

import json
from pathlib import Path

from metaclaw_jlab.core.ablation import Days
from metaclaw_jlab.core.errors import TaskSetInvalid
from metaclaw_jlab.core.task_set import TaskSet
from metaclaw_jlab.evaluation.task_sets.attached import Attachments
from metaclaw_jlab.evaluation.task_sets.records import Faults, read_record
from metaclaw_jlab.evaluation.task_sets.written import Written, task_set_of, written_task

MOST_BYTES = 64_000_000  # of a file of tasks


def load_jsonl(spec: str, path: Path, n: int, days: Days | None, cap: int) -> TaskSet:
    """The tasks of a file; `cap` is the most bytes of files that a task may start from.

    Raises TaskSetInvalid, with the line of each fault.
    """
    faults, attachments = Faults(path.name), Attachments(path.parent, cap)
    written: list[Written] = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            value = json.loads(line)
        except ValueError as error:
            faults.add(place, f"This is no JSON ({error}).", "Write one object on a line, nothing else.")
            continue
        record = read_record(value, place, faults)
        if record is None:
            continue
        try:
            written.append(written_task(record, path.name, attachments))
        except TaskSetInvalid as error:
            faults.add(place, str(error))
    faults.refuse()
    return task_set_of(spec, path.name, written, n, days)


def read_text(path: Path) -> str:
    """The text of a file of tasks. Raises TaskSetInvalid where it cannot be read, or is too large."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise TaskSetInvalid(
                f"{path.name} is over {MOST_BYTES / 1e6:g} MB.",
                "Split it, and put data into files of its own.",
            )
        return content.decode("utf-8-sig")
    except OSError as error:
        raise TaskSetInvalid(
            f"{path} cannot be read: {error.strerror}.", "Name a file that is there."
        ) from error
    except UnicodeDecodeError as error:
        raise TaskSetInvalid(f"{path.name} is no UTF-8 text.", "Save it as UTF-8.") from error
