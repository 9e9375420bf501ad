"""What a task family is, and what its reader sees of an outcome."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from metaclaw_jlab.practice.names import Names

Params = Mapping[str, Any]
Options = Mapping[str, str]
Table = list[list[str]]


@dataclass(frozen=True, slots=True)
class Variant:
    """A kind of sub-task in a family, and the rules that apply to every task of it."""

    name: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A drawn sub-task: JSON parameters, start files, and the words that its wordings fill in."""

    params: dict[str, Any]
    files: dict[str, str]
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read an outcome as this sub-task done: under these options, with these files touched."""

    options: dict[str, str]
    claims: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class View:
    """What a reader sees: start files, files afterwards, changed paths, its lines of output, its probe."""

    start: Mapping[str, str]
    files: Mapping[str, bytes]
    changed: frozenset[str]
    lines: Sequence[str] = ()
    probe: Any = None

    def text(self, path: str) -> str | None:
        """A file afterwards as text, None where it is missing or not text."""
        data = self.files.get(path)
        if data is None:
            return None
        try:
            return data.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            return None


@dataclass(frozen=True, slots=True)
class Family:
    """A task family.

    `draw` makes a sub-task of a variant, `code` solves it under options, `read` lists the options under which the
    outcome would be that of a right solution (none: the task is wrong), `shown` is the text that a right solution
    prints, `goal` says in words what was expected.
    """

    name: str
    variants: tuple[Variant, ...]
    wordings: tuple[str, ...]
    draw: Callable[[Random, Names, Variant], Draft]
    code: Callable[[Params, Options], str]
    read: Callable[[Params, View], Iterable[Reading]]
    goal: Callable[[Params], str]
    shown: Callable[[Params, Mapping[str, str], Options], str] = field(
        default=lambda _params, _files, _options: ""
    )
    probe: Callable[[Params], str] | None = None


def table_text(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Comma-separated text of a small table; None is an empty cell."""
    lines = [",".join(header)]
    lines += [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    return "\n".join(lines) + "\n"


def parse(text: str, separator: str = ",") -> Table:
    """The rows of a separated text, header first; none where it cannot be read."""
    try:
        return [row for row in csv.reader(io.StringIO(text), delimiter=separator) if row]
    except csv.Error:
        return []


def column(text: str, name: str) -> list[float | None]:
    """A column of numbers, None for an empty cell."""
    header, *rows = parse(text)
    place = header.index(name)
    return [float(row[place]) if row[place] else None for row in rows]


def as_number(text: str) -> float | None:
    """The number that a text spells, if it does."""
    try:
        return float(text)
    except ValueError:
        return None


def same_cell(left: str, right: str) -> bool:
    """Whether two cells hold the same value: as numbers where both are, else as text."""
    if left == right:
        return True
    a, b = as_number(left), as_number(right)
    return a is not None and b is not None and abs(a - b) <= 1e-9 * max(1.0, abs(a))


def same_rows(left: Table, right: Table) -> bool:
    """Whether two tables hold the same cells in the same order."""
    return len(left) == len(right) and all(
        len(a) == len(b) and all(map(same_cell, a, b)) for a, b in zip(left, right, strict=True)
    )


def column_texts(text: str, name: str) -> list[str]:
    """A column of a table as text."""
    header, *rows = parse(text)
    place = header.index(name)
    return [row[place] for row in rows]
