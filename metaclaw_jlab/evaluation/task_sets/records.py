"""A task as people write it down, in a line of JSON or in a cell's metadata, read strictly."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator

from metaclaw_jlab.core.check_text import expression_check
from metaclaw_jlab.core.errors import TaskSetInvalid, UsageMistake
from metaclaw_jlab.core.task import Check, CheckKind

Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Split = Literal["train", "validation", "test"]
_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$"
_SHOWN = 5  # faults in one message
_INSTEAD: Mapping[str, str] = {
    "task": "the text of the task",
    "prompt": "the text of the task",
    "checks": 'a list of expressions such as ["total == 12"], or of objects with kind, source and feedback',
    "kind": "one of " + ", ".join(CheckKind),
    "source": "the expression, script, command or path",
    "feedback": "a sentence that says what is wrong where the check fails",
    "id": "at most 80 letters, digits, dots, hyphens and underscores",
    "setup": "code that runs before the task, or a list of it",
    "files": 'an object of file names and their text: {"data.csv": "a,b\\n1,2"}',
    "files_from": "a list of paths, relative to the folder of this file and inside it",
    "day": "a whole number, 1 or more",
    "group": "a text",
    "split": "train, validation or test",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class CheckRecord(_Strict):
    """A check; an expression alone may be written as a text."""

    kind: Literal["expression", "script", "command", "file"] = "expression"
    source: Text
    feedback: str = ""


class TaskRecord(_Strict):
    """A task with its checks and what it starts from."""

    task: Text = Field(validation_alias=AliasChoices("task", "prompt"))
    checks: list[CheckRecord] = Field(min_length=1)
    id: str | None = Field(None, pattern=_ID)
    setup: list[str] = []
    files: dict[str, str] = {}
    files_from: list[Text] = []
    day: int | None = Field(None, ge=1)
    group: str = ""
    split: Split | None = None

    @field_validator("checks", mode="before")
    @classmethod
    def _expressions(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        return [{"source": one} if isinstance(one, str) else one for one in value]

    @field_validator("setup", mode="before")
    @classmethod
    def _one_cell(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @property
    def part(self) -> Split:
        """The split that it is in: what belongs to a day is learnt from, unless it says otherwise."""
        return self.split or ("test" if self.day is None else "train")


class Faults:
    """What is wrong with a file, each fault with its place."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._said: list[str] = []

    def add(self, place: str, cause: str, instead: str = "") -> None:
        """Note a fault."""
        self._said.append(f"{place}: {cause} {instead}".strip())

    def refuse(self) -> None:
        """Raises TaskSetInvalid with the first faults where there are any."""
        if not self._said:
            return
        count = "1 fault" if len(self._said) == 1 else f"{len(self._said)} faults"
        lines = [f"{count} in {self.name}:", *(f"- {said}" for said in self._said[:_SHOWN])]
        if len(self._said) > _SHOWN:
            lines.append(f"- and {len(self._said) - _SHOWN} more.")
        raise TaskSetInvalid("\n".join(lines), "\nMend them and try again.")


def read_record(value: object, place: str, faults: Faults) -> TaskRecord | None:
    """The record of a JSON value; None where it is none, and why is noted."""
    if not isinstance(value, dict):
        faults.add(place, f"This is {_kind(value)}, not an object.", 'Write {"task": ..., "checks": [...]}.')
        return None
    try:
        record = TaskRecord.model_validate(value)
    except ValidationError as error:
        for cause, instead in _told(error):
            faults.add(place, cause, instead)
        return None
    return record if _sound(record, place, faults) else None


def checks_of(record: TaskRecord) -> tuple[Check, ...]:
    """The checks of a record that was read. An expression may say in a comment what is wrong where it fails."""
    return tuple(map(_check, record.checks))


def inside(name: str) -> bool:
    """Whether a path is relative and leads nowhere else."""
    path = PurePosixPath(name.replace("\\", "/"))
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and ":" not in path.parts[0]


def compile_setup(code: str) -> None:
    """Raises SyntaxError where a sandbox could not run this cell, ValueError for null bytes."""
    compile(code, "<setup>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def _check(record: CheckRecord) -> Check:
    kind = CheckKind(record.kind)
    if kind is not CheckKind.EXPRESSION:
        return Check(kind, record.source, record.feedback)
    found = expression_check(record.source)
    return Check(kind, found.source, record.feedback or found.feedback)


def _sound(record: TaskRecord, place: str, faults: Faults) -> bool:
    """Whether all code can be compiled and all names lie inside the folder."""
    said = [
        *(cause for number, one in enumerate(record.checks) for cause in _unsound_check(number, one)),
        *(
            f"`{_numbered('setup', number)}` is no plain Python ({error}). Leave magics and shell lines out."
            for number, code in enumerate(record.setup)
            if (error := _refusal(compile_setup, code)) is not None
        ),
        *(
            f"{name!r} is no file in the task's folder. Use a relative path without `..`."
            for name in (*record.files, *record.files_from)
            if not inside(name)
        ),
    ]
    for cause in said:
        faults.add(place, cause)
    return not said


def _unsound_check(number: int, record: CheckRecord) -> Iterator[str]:
    name = _numbered("checks", number)
    match CheckKind(record.kind):
        case CheckKind.EXPRESSION:
            try:
                expression_check(record.source)
            except UsageMistake as mistake:
                yield f"`{name}`: {mistake}"
        case CheckKind.SCRIPT:
            error = _refusal(lambda code: compile(code, "<check>", "exec"), record.source)
            if error is not None:
                yield f"`{name}` is no Python ({error}). Write code that raises where the task was not done."
        case CheckKind.FILE:
            if not inside(record.source):
                yield f"`{name}` names {record.source!r}. Use a path in the task's folder."
        case CheckKind.COMMAND:
            return


def _refusal(compile_: Callable[[str], object], code: str) -> str | None:
    try:
        compile_(code)
    except (SyntaxError, ValueError) as error:
        return error.msg if isinstance(error, SyntaxError) else str(error)
    return None


def _told(error: ValidationError) -> Iterator[tuple[str, str]]:
    """What is wrong, and what to write instead, of each fault that pydantic found."""
    for fault in error.errors(include_url=False):
        path = [part for part in fault["loc"] if part != "[key]"]
        name = _path(path)
        last = next((part for part in reversed(path) if isinstance(part, str) and part in _INSTEAD), "")
        if fault["type"] == "extra_forbidden":
            yield f"`{name}` is not known.", f"Use {', '.join(_known(path))}."
        elif fault["type"] == "missing":
            yield f"`{name}` is missing.", f"Write {_INSTEAD.get(last, 'it')}."
        elif fault["loc"] == ("checks",) and fault["type"] == "too_short":
            yield "`checks` is empty.", "A task without checks tells nothing: write at least one."
        else:
            yield (
                f"`{name}` is {_kind(fault['input'])} that cannot be.",
                f"Write {_INSTEAD.get(last, 'a text')}.",
            )


def _known(path: Sequence[str | int]) -> list[str]:
    return list(CheckRecord.model_fields if path[0] == "checks" else TaskRecord.model_fields)


def _path(parts: Sequence[str | int]) -> str:
    joined = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return joined.lstrip(".")


def _numbered(name: str, number: int) -> str:
    return f"{name}[{number}]"


def _kind(value: Any) -> str:
    if isinstance(value, str):
        short = re.sub(r"\s+", " ", value)
        return f"the text {short[:40]!r}"
    names = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return "null" if value is None else f"{names.get(type(value), type(value).__name__)} ({str(value)[:40]})"
