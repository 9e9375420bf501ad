"""An append-only log of what happened: kinds, ids and numbers, never a prompt, code or output."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, insert, select

from metaclaw_jlab.core.errors import InvariantViolation
from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import events

KIND = re.compile(r"[a-z][a-z0-9_.]{0,63}\Z")
ID = re.compile(r"[A-Za-z0-9_.:@-]{1,128}\Z")  # no spaces: text does not fit through


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. Numbers grow in the order in which events were committed."""

    number: int
    kind: str
    fields: Mapping[str, str | int | float]
    at: float


class Events:
    """The log of the store."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def append(self, kind: str, **fields: str | int | float) -> int:
        """Log an event and return its number. Raises InvariantViolation for what is neither id nor number."""
        if not KIND.match(kind):
            raise InvariantViolation(f"{kind!r} is no kind of event.", "Use lower-case words joined by dots.")
        for name, value in fields.items():
            if not isinstance(value, int | float) and not ID.match(value):
                raise InvariantViolation(
                    f"The field {name!r} of event {kind!r} is neither an id nor a number.",
                    "Log an id of it instead.",
                )
        row = {"kind": kind, "fields": encoding.dump(fields), "at": self._clock()}
        with self._database.write() as connection:
            number: int = connection.execute(insert(events).returning(events.c.number), row).scalar_one()
        return number

    def after(self, number: int, limit: int) -> tuple[Event, ...]:
        """At most `limit` events that came after event `number` (0: from the first on), the oldest first."""
        query = select(events).where(events.c.number > number).order_by(events.c.number).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(Event(row.number, row.kind, json.loads(row.fields), row.at) for row in rows)

    def seen(self, kind: str) -> bool:
        """Whether an event of this kind was ever logged."""
        query = select(events.c.number).where(events.c.kind == kind).limit(1)
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def latest(self) -> int:
        """The number of the newest event, 0 where there is none."""
        with self._database.read() as connection:
            newest = connection.execute(select(func.max(events.c.number))).scalar_one()
        return newest or 0
