"""What a user's edit of proposed code wants, where it changes one plain value or adds or drops one call."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

_SIMPLE = (str, int, float, bool)
_Call = tuple[str, tuple[tuple[str, str], ...]]


def edit_sentence(code: str, instead: str) -> str | None:
    """`use sep=';' in to_csv`: what `instead` has that `code` has not; None where the change is no single clear one."""
    try:
        before, after = Counter(_calls(code)), Counter(_calls(instead))
    except (SyntaxError, ValueError, RecursionError):
        return None
    gone, came = before - after, after - before
    if gone.total() == 1 and came.total() == 1:
        return _changed(next(iter(gone)), next(iter(came)))
    if not gone and came.total() == 1:
        (name, arguments) = next(iter(came))
        return (
            None if any(value.startswith(("'", '"')) for _, value in arguments) else f"always call `{name}`"
        )
    if not came and gone.total() == 1:
        return f"do not call `{next(iter(gone))[0]}`"
    return None


def _changed(gone: _Call, came: _Call) -> str | None:
    """One keyword of one call that was set, changed or dropped."""
    if gone[0] != came[0]:
        return None
    before, after = dict(gone[1]), dict(came[1])
    added = {key: value for key, value in after.items() if before.get(key) != value}
    dropped = [key for key in before if key not in after]
    if len(added) == 1 and not dropped:
        key, value = next(iter(added.items()))
        if key.isidentifier() and value:
            return f"use `{key}={value}` in {came[0]}"
    if not added and len(dropped) == 1 and dropped[0].isidentifier():
        return f"do not use `{dropped[0]}` in {came[0]}"
    return None


def _calls(code: str) -> Iterator[_Call]:
    """Every call by its last name, with its arguments: positional ones by place, others by keyword."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if not name:
            continue
        given = [(str(place), _value(argument)) for place, argument in enumerate(node.args)]
        given += [(keyword.arg or "**", _value(keyword.value)) for keyword in node.keywords]
        yield name, tuple(given)


def _value(node: ast.expr) -> str:
    return repr(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, _SIMPLE) else ""
