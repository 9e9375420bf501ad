"""Runs source as a notebook cell does: in a namespace that stays, the last expression's value shown."""

from __future__ import annotations

import ast
import asyncio
import inspect
import linecache
import traceback
from dataclasses import dataclass
from types import CodeType
from typing import Any


@dataclass(frozen=True, slots=True)
class CellOutcome:
    """The text of the last expression's value, and what was raised: class name, message, traceback."""

    result: str | None = None
    error: tuple[str, str, str] | None = None


def run_cell(source: str, namespace: dict[str, Any], filename: str) -> CellOutcome:
    """Run one cell. Whatever it raises is in the outcome, SystemExit and KeyboardInterrupt too."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    try:
        body, last = _compile(source, filename)
        if body is not None:
            _run(body, namespace)
        value = _run(last, namespace) if last is not None else None
        if value is None:
            return CellOutcome()
        namespace["_"] = value
        return CellOutcome(result=repr(value))
    except SystemExit as stop:
        # `exit()` at the end of a script is how many say that all is well.
        return CellOutcome() if stop.code in (None, 0) else CellOutcome(error=describe(stop, filename))
    except BaseException as error:  # noqa: BLE001
        return CellOutcome(error=describe(error, filename))


def describe(error: BaseException, filename: str) -> tuple[str, str, str]:
    """Class name, message and traceback of an error; of the traceback only what lies in the cell and below."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != filename:
        frame = frame.tb_next
    try:
        message = str(error)
        text = "".join(traceback.format_exception(type(error), error, frame))
    except BaseException as second:  # noqa: BLE001
        message = f"(its message could not be made: {type(second).__name__})"
        text = f"{type(error).__name__}: {message}\n"
    return type(error).__name__, message, text


def _compile(source: str, filename: str) -> tuple[CodeType | None, CodeType | None]:
    tree = ast.parse(source, filename)
    last: ast.Expression | None = None
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not _hushed(source):
        last = ast.Expression(tree.body[-1].value)
        tree.body.pop()
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    return (
        compile(tree, filename, "exec", flags=flags, dont_inherit=True) if tree.body else None,
        compile(last, filename, "eval", flags=flags, dont_inherit=True) if last is not None else None,
    )


def _hushed(source: str) -> bool:
    return source.rstrip().endswith(";")


def _run(code: CodeType, namespace: dict[str, Any]) -> Any:
    value = eval(code, namespace)
    if code.co_flags & inspect.CO_COROUTINE:
        return asyncio.run(value)
    return value
