"""Reading what a client sent: each function returns what a field holds, or says which field is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metaclaw_jlab.core.errors import RequestInvalid


def wrong(where: str, problem: str, next_step: str) -> RequestInvalid:
    """The error for a field, such as `messages.0.content`."""
    return RequestInvalid(f"{where}: {problem}", next_step, param=where)


def text(value: object, where: str) -> str:
    """A text. Raises RequestInvalid."""
    if not isinstance(value, str):
        raise wrong(where, "it is missing or no text.", "Send a string.")
    return value


def kind_in(value: Mapping[str, Any], name: str = "type") -> str:
    """What kind of thing an object is, as it says itself; "" where it says nothing of use."""
    kind = value.get(name)
    return kind[:60] if isinstance(kind, str) else ""


def record(value: object, where: str) -> dict[str, Any]:
    """An object. Raises RequestInvalid."""
    if not isinstance(value, dict):
        raise wrong(where, "it is missing or no object.", "Send an object.")
    return value


def several(value: object, where: str) -> list[Any]:
    """A list, empty where there is none. Raises RequestInvalid."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise wrong(where, "it is no list.", "Send a list.")
    return value


def flag(value: object, where: str) -> bool:
    """True or false, false where there is none. Raises RequestInvalid."""
    if value is not None and not isinstance(value, bool):
        raise wrong(where, "it is neither true nor false.", "Send true or false.")
    return bool(value)


def count(value: object, where: str) -> int | None:
    """A whole number from 1 on, None where there is none. Raises RequestInvalid."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise wrong(where, "it is no whole number from 1 on.", "Send a number such as 1024.")
    return value


def copied(source: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The fields that are there and not null, under the names that chat completions give them."""
    return {new: source[old] for old, new in names.items() if source.get(old) is not None}
