"""What code leans on that it did not make itself: names and files that were there before."""

from __future__ import annotations

import ast
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_LONGEST_PATH = 400


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was in a session when a task began and is not in its start: names of objects; files that lay in `folder`,
    told by their age, but for those in `kept`."""

    names: frozenset[str]
    folder: Path
    started_at: float
    kept: frozenset[str] = frozenset()


def leans_on(codes: Sequence[str], around: Surroundings) -> str:
    """What the codes of a task, one after the other, used of its surroundings, in words; "" where nothing."""
    made: set[str] = set()
    for code in codes:
        try:
            tree = ast.parse(code)
        except (SyntaxError, ValueError, RecursionError):
            return "its code has a line that only a notebook understands"
        for statement in tree.body:
            for name in _loads(statement):
                if name in around.names and name not in made:
                    return f"its code used {name}, which the task does not refer to (@{name})"
            made |= _stores(statement)
        for path in _constants(tree):
            if _lay_there(path, around):
                return f"its code used {path}, which the task does not name"
    return ""


def names_loaded(source: str) -> tuple[str, ...]:
    """The names that Python source uses and does not make itself; none where it cannot be read."""
    try:
        tree = ast.parse(source.strip())
    except (SyntaxError, ValueError, RecursionError):
        return ()
    made: set[str] = set()
    found: dict[str, None] = {}
    for statement in tree.body:
        found |= dict.fromkeys(name for name in _loads(statement) if name not in made)
        made |= _stores(statement)
    return tuple(found)


def constants_in(source: str) -> tuple[str, ...]:
    """The short strings in Python source."""
    try:
        return tuple(dict.fromkeys(_constants(ast.parse(source.strip()))))
    except (SyntaxError, ValueError, RecursionError):
        return ()


def _loads(statement: ast.stmt) -> Iterator[str]:
    """Names that a statement needs from before it. In a statement with a body of its own the order is not known:
    there what it makes itself counts as made."""
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        yield statement.target.id
    plain = isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr)
    value = getattr(statement, "value", None) if plain else statement
    own = _stores(value) if isinstance(value, ast.AST) else set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in own:
            yield node.id


def _stores(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.ExceptHandler(name=str(name)):
                found.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                found |= {alias.asname or alias.name.partition(".")[0] for alias in aliases}
    return found


def _constants(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and len(node.value) <= _LONGEST_PATH
        ):
            yield node.value


def _lay_there(path: str, around: Surroundings) -> bool:
    """Whether a file of this name was there before the task and was not written by it."""
    if not path.strip("./ ") or _is_kept(path, around.kept):
        return False
    try:
        found = (around.folder / path).stat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_mtime < around.started_at


def _is_kept(path: str, kept: Iterable[str]) -> bool:
    return os.path.normpath(path) in kept
