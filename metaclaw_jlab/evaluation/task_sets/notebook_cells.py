"""Tasks in a notebook: cells tagged `metaclaw-task`, begun by the code of earlier cells tagged `metaclaw-setup`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaclaw_jlab.agent.references import find_references
from metaclaw_jlab.core.ablation import Days
from metaclaw_jlab.core.errors import TaskSetInvalid
from metaclaw_jlab.core.task_set import TaskSet
from metaclaw_jlab.evaluation.task_sets.attached import Attachments
from metaclaw_jlab.evaluation.task_sets.jsonl import read_text
from metaclaw_jlab.evaluation.task_sets.magic_line import MAGIC, record_of_magic
from metaclaw_jlab.evaluation.task_sets.records import Faults, TaskRecord, compile_setup, read_record
from metaclaw_jlab.evaluation.task_sets.written import Written, task_set_of, written_task

TASK_TAG, SETUP_TAG = "metaclaw-task", "metaclaw-setup"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its number from 1 on, and what was tagged."""

    number: int
    kind: str
    source: str
    tags: frozenset[str]
    metadata: Mapping[str, Any]

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return f"cell {self.number}"


def load_notebook(spec: str, path: Path, n: int, days: Days | None, cap: int) -> TaskSet:
    """The tasks of a notebook, with the files of its folder that text or setup name; nothing of it is run.

    Raises TaskSetInvalid, with the cell of each fault.
    """
    faults, attachments = Faults(path.name), Attachments(path.parent, cap)
    setup: list[str] = []
    written: list[Written] = []
    cells = read_cells(path)
    for cell in cells:
        if SETUP_TAG in cell.tags:
            setup += _setup(cell, faults)
        if TASK_TAG not in cell.tags:
            continue
        record = _record(cell, attachments, faults)
        if record is None:
            continue
        names = attachments.named_in([record.task, *setup, *record.setup])
        files = dict.fromkeys([*record.files_from, *(one for one in names if one != path.name)])
        try:
            record = record.model_copy(update={"files_from": list(files)})
            written.append(written_task(record, path.name, attachments, setup))
        except TaskSetInvalid as error:
            faults.add(cell.place, str(error))
    faults.refuse()
    if not written:
        raise TaskSetInvalid(
            f"{path.name} has no cell tagged {TASK_TAG}.",
            f"Tag the cells that hold tasks, and those that prepare them {SETUP_TAG}.",
        )
    return task_set_of(spec, path.name, written, n, days, _notes(written))


def read_cells(path: Path) -> tuple[Cell, ...]:
    """The cells of a notebook. Raises TaskSetInvalid where it is none of format 4."""
    try:
        notebook = json.loads(read_text(path))
    except ValueError as error:
        raise TaskSetInvalid(
            f"{path.name} is no notebook ({error}).", "Save it again from Jupyter."
        ) from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or notebook.get("nbformat") != 4:
        raise TaskSetInvalid(
            f"{path.name} is no notebook of format 4.", "Open it in JupyterLab and save it again."
        )
    return tuple(_cell(number, cell) for number, cell in enumerate(cells, 1) if isinstance(cell, dict))


def _cell(number: int, cell: Mapping[str, Any]) -> Cell:
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    tags = metadata.get("tags")
    source = cell.get("source", "")
    return Cell(
        number,
        str(cell.get("cell_type", "")),
        "".join(map(str, source)) if isinstance(source, list) else str(source),
        frozenset(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else frozenset(),
        metadata,
    )


def _setup(cell: Cell, faults: Faults) -> Sequence[str]:
    """The code of a cell that prepares tasks."""
    if cell.kind != "code":
        faults.add(cell.place, f"It is tagged {SETUP_TAG} and is no code cell.", "Take the tag off.")
        return ()
    try:
        compile_setup(cell.source)
    except (SyntaxError, ValueError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        faults.add(
            cell.place,
            f"It is tagged {SETUP_TAG} and is no plain Python ({reason}).",
            "Move magics and shell lines into a cell without the tag.",
        )
    return (cell.source,) if cell.source.strip() else ()


def _record(cell: Cell, attachments: Attachments, faults: Faults) -> TaskRecord | None:
    """What a cell asks: its text, what its magic says, and what its metadata says under `metaclaw`."""
    own = cell.metadata.get("metaclaw", {})
    if not isinstance(own, dict):
        faults.add(
            cell.place, "`metaclaw` in its metadata is no object.", 'Write {"checks": ["total == 12"]}.'
        )
        return None
    if {"task", "prompt"} & own.keys():
        faults.add(cell.place, "Its metadata has a task.", "The text of the cell is the task.")
        return None
    said: dict[str, Any] = {"task": cell.source}
    if cell.kind == "code" and cell.source.startswith(MAGIC):
        try:
            said = record_of_magic(cell.source, attachments)
        except TaskSetInvalid as error:
            faults.add(cell.place, str(error))
            return None
    listed = own.get("checks", [])
    if isinstance(listed, list):
        said["checks"] = [*said.get("checks", []), *listed]
    return read_record({**own, **said}, cell.place, faults)


def _notes(written: Sequence[Written]) -> tuple[str, ...]:
    """What of the tasks is not as it would be in their notebook."""
    names: dict[str, None] = {}
    count = 0
    for one in written:
        found: list[str] = []
        find_references(one.trial.task.text, found.append)
        names.update(dict.fromkeys(found))
        count += bool(found)
    if not count:
        return ()
    shown = ", ".join(f"@{name}" for name in names)
    tasks = "1 task refers" if count == 1 else f"{count} tasks refer"
    return (
        f"{tasks} to objects ({shown}): their text stays as it is, nothing of the objects is shown with it.",
    )
