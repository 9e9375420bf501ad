"""What a task refers to: `@df`, `@In[3]`, `@Out[3]`, `@Err` in its text, described in words for the policy."""

from __future__ import annotations

import itertools
import re
import reprlib
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from metaclaw_jlab.core.task import Reference

_REFERENCE = re.compile(r"(?<![\w@.+%/\\])@((?:In|Out)\[\d+\]|[^\W\d]\w*)(?!\w*@)")
_FENCED = re.compile(r"^(?P<ticks>`{3,}|~{3,}).*?(?:^(?P=ticks)[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_DECORATORS = re.compile(
    r"^[ \t]*@[^\n]*\n(?=(?:[ \t]*@[^\n]*\n|[ \t]*\n)*[ \t]*(?:async[ \t]+def|def|class)\b)", re.M
)
_SIZED = (list, tuple, dict, set, frozenset, bytes, bytearray)
_SHOWN_ROWS = 5
_SHOWN_COLUMNS = 40


@dataclass(frozen=True, slots=True)
class Found:
    """The references of a text in their order, and a sentence about each that was left as text."""

    references: tuple[Reference, ...] = ()
    notes: tuple[str, ...] = ()


def find_references(text: str, lookup: Callable[[str], object | None], limit: int = 4000) -> Found:
    """Describe what `text` refers to, each in at most `limit` characters.

    `lookup` gets the name without `@` ("df", "In[3]", "Out[3]", "Err") and gives None where there is nothing.
    Addresses, fenced code and decorators hold no references.
    """
    names = dict.fromkeys(match[1] for match in _REFERENCE.finditer(_without_code(text)))
    references, notes = [], []
    for name in names:
        value = lookup(name)
        if value is None:
            notes.append(f"There is no {name} in this session: @{name} was left as text.")
        else:
            references.append(Reference(f"@{name}", describe(value, limit)))
    return Found(tuple(references), tuple(notes))


def describe(value: object, limit: int = 4000) -> str:
    """A value in at most `limit` characters: text as it is, tables by shape, dtypes and first rows, others by repr."""
    if isinstance(value, str):
        return cut(value, limit)
    if isinstance(value, BaseException):
        lines = traceback.format_exception(value)
        return cut("".join(lines).strip(), limit, keep_end=True)
    try:
        return cut(_described(value, limit), limit)
    except Exception as error:  # noqa: BLE001 - the code of a user's class ends here
        return f"{_type_name(value)}, whose repr raised {type(error).__name__}"


def cut(text: str, limit: int, *, keep_end: bool = False) -> str:
    """The first (or last) `limit` characters, with a mark where some are left out."""
    if len(text) <= limit:
        return text
    mark = f"[... {len(text) - limit} more characters]"
    kept = max(0, limit - len(mark) - 1)
    return f"{mark}\n{text[len(text) - kept :]}" if keep_end else f"{text[:kept]}\n{mark}"


def _without_code(text: str) -> str:
    return _DECORATORS.sub("", _FENCED.sub("", text))


def _described(value: object, limit: int) -> str:
    kind = (type(value).__module__.partition(".")[0], type(value).__name__)
    if kind == ("pandas", "DataFrame"):
        return _described_frame(value)
    if kind == ("pandas", "Series"):
        return _described_series(value)
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"{_type_name(value)}, shape {shape}, dtype {getattr(value, 'dtype', '?')}\n{value!r}"
    size = f" of {len(value)}" if isinstance(value, _SIZED) else ""
    return f"{_type_name(value)}{size}\n{_short_repr(limit).repr(_beginning(value, limit))}"


def _described_frame(frame: Any) -> str:
    rows, columns = frame.shape
    shown = frame.iloc[:_SHOWN_ROWS, :_SHOWN_COLUMNS]
    dtypes = "\n".join(f"{name}: {dtype}" for name, dtype in shown.dtypes.items())
    rest = f"\n... {columns - _SHOWN_COLUMNS} more columns" if columns > _SHOWN_COLUMNS else ""
    head = shown.to_string(max_colwidth=60)
    return f"DataFrame, {rows} rows x {columns} columns\n{dtypes}{rest}\nFirst rows:\n{head}"


def _described_series(series: Any) -> str:
    head = series.iloc[:_SHOWN_ROWS].to_string()
    return f"Series {series.name!r}, {len(series)} values, dtype {series.dtype}\nFirst values:\n{head}"


def _beginning(value: object, limit: int) -> object:
    """Enough of a large value: reprlib sorts all keys of a mapping and writes out all of a bytes object."""
    if type(value) is dict and len(value) > limit:
        return dict(itertools.islice(value.items(), limit))
    if type(value) is bytes or type(value) is bytearray:
        return value[:limit]
    return value


def _type_name(value: object) -> str:
    return type(value).__qualname__


def _short_repr(limit: int) -> reprlib.Repr:
    """A repr that never builds more than about `limit` characters of a large container."""
    short = reprlib.Repr()
    items = max(6, limit // 8)
    short.maxlist = short.maxtuple = short.maxset = short.maxfrozenset = short.maxdict = items
    short.maxdeque = short.maxarray = items
    short.maxstring = short.maxlong = short.maxother = limit
    short.maxlevel = 6
    return short
