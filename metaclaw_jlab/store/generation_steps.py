"""What each generation changed against the one before it, read off their members without taking them apart."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from sqlalchemy import select

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import generations


@dataclass(frozen=True, slots=True)
class GenerationStep:
    """A generation as a change: `before` and `after` have the content hashes of the skills that differ, by name.

    `skills` counts its members.
    """

    number: int
    parent: int | None
    cause: Cause
    created_at: float
    evidence: tuple[str, ...]
    skills: int
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)


# Generations never change, so neither do their steps.
_kept: WeakKeyDictionary[Database, OrderedDict[int, GenerationStep]] = WeakKeyDictionary()
_kept_lock = threading.Lock()
_KEPT = 256


def generation_steps(database: Database, first: int, last: int) -> tuple[GenerationStep, ...]:
    """The generations `first` to `last`, in order, those that there are. The time grows with their size, and hardly
    with what they hold: a library of 10,000 skills is megabytes of members, of which a generation changes a few."""
    numbers = range(first, last + 1)
    with _kept_lock:
        kept = _kept.setdefault(database, OrderedDict())
        if all(number in kept for number in numbers):
            return tuple(kept[number] for number in numbers)
    found = tuple(_read(database, first, last))
    with _kept_lock:
        kept.update((step.number, step) for step in found[-_KEPT:])
        while len(kept) > _KEPT:
            kept.popitem(last=False)
    return found


def _read(database: Database, first: int, last: int) -> Iterator[GenerationStep]:
    query = (
        select(generations)
        .where(generations.c.number.between(first - 1, last))
        .order_by(generations.c.number)
    )
    text = "{}"
    with database.read() as connection:
        for row in connection.execute(query):
            if row.number >= first:
                before, after = _differing(text, row.members)
                yield GenerationStep(
                    number=row.number,
                    parent=row.parent,
                    cause=Cause(row.cause),
                    created_at=row.created_at,
                    evidence=tuple(json.loads(row.evidence)),
                    skills=row.members.count(":"),
                    before=before,
                    after=after,
                )
            text = row.members


def _differing(before: str, after: str) -> tuple[dict[str, str], dict[str, str]]:
    """The pairs that only one of two JSON objects of names and hashes has. Neither holds a comma, colon or quote."""
    start = _common_start(before, after)
    end = _common_end(before, after, min(len(before), len(after)) - start)
    old, new = (_pairs(text, start, len(text) - end) for text in (before, after))
    return dict(pair.split(":") for pair in old - new), dict(pair.split(":") for pair in new - old)


def _pairs(text: str, start: int, end: int) -> set[str]:
    """The pairs that a part of the object touches, as `name:hash`."""
    begin = text.rfind(",", 0, start) + 1
    stop = text.find(",", end)
    part = text[begin : stop if stop >= 0 else len(text)]
    return {pair for pair in part.translate(_BARE).split(",") if pair}


_BARE = str.maketrans("", "", '{}" ')


def _common_start(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_end(one: str, other: str, most: int) -> int:
    """How many characters, `most` at most, two texts end with alike."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]:
            low = middle
        else:
            high = middle - 1
    return low
