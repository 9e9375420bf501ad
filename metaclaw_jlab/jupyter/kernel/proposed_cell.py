"""A proposed cell: the mark that it begins with, and whether what ran is still what was proposed."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

MARK = "# metaclaw:"
_LINE = re.compile(r"^[ \t]*#[ \t]*metaclaw:[ \t]*([0-9a-f]{6,40})(?:/([1-9]\d{0,3}))?[ \t]*$", re.MULTILINE)
# Cell magics that run their body as the cell would have run.
_AROUND = re.compile(r"\A\s*%%(?:time|capture|prun)\b[^\n]*(?:\n|\Z)")


@dataclass(frozen=True, slots=True)
class Mark:
    """Which step of which trajectory a cell was proposed for; `position` counts from 0."""

    trajectory: str
    position: int = 0

    def __str__(self) -> str:
        """The first step's mark is the bare id: a later cell of the same task must not be taken for it."""
        return f"{MARK}{self.trajectory}" + (f"/{self.position + 1}" if self.position else "")


def proposed_cell(mark: Mark, action: str) -> str:
    """The cell as it is put before the user."""
    return f"{mark}\n{action}"


def marks_in(source: str) -> tuple[Mark, ...]:
    """The marks in a cell, each once; a cell that hands on a task has none."""
    if source.lstrip().startswith("%%metaclaw"):
        return ()
    found = (Mark(trajectory, int(step or 1) - 1) for trajectory, step in _LINE.findall(source))
    return tuple(dict.fromkeys(found))


def code_of(source: str) -> str:
    """The code of a cell: without its marks, and without a magic around it that only watches."""
    code = _LINE.sub("", source)
    while around := _AROUND.match(code):
        code = code[around.end() :]
    return code.strip("\n")


def same_code(first: str, second: str, transform: Callable[[str], str]) -> bool:
    """Whether two codes are the same, comments and blanks aside. `transform` makes Python of magics."""
    if first.strip() == second.strip():
        return True
    trees = [_tree(code, transform) for code in (first, second)]
    return None not in trees and trees[0] == trees[1]


def parses(code: str, transform: Callable[[str], str]) -> bool:
    """Whether the code can be run at all."""
    return _tree(code, transform) is not None


def does_nothing(code: str, transform: Callable[[str], str]) -> bool:
    """Whether there is no code but comments and blanks."""
    return same_code(code, "", transform)


def _tree(code: str, transform: Callable[[str], str]) -> str | None:
    try:
        return ast.dump(ast.parse(transform(code)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
