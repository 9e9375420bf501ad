"""What a user or a curator says of a skill without changing it: no generation is made for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from enum import StrEnum

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.sqlite import insert

from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import marks


class Mark(StrEnum):
    """What can be said of a skill."""

    PINNED = "pinned"  # nothing but the user changes it
    DISABLED = "disabled"  # it is put in no prompt
    QUARANTINED = "quarantined"  # it is put in no prompt until somebody has looked at it


class Marks:
    """The marks of all skills, by name."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def mark(self, name: str, mark: Mark, sha256: str | None = None) -> None:
        """Mark a skill, as it is now where its content hash is given, else whatever it says."""
        values = {"sha256": sha256, "at": self._clock()}
        new = insert(marks).values(name=name, mark=mark.value, **values)
        with self._database.write(durable=True) as connection:
            connection.execute(new.on_conflict_do_update(index_elements=["name", "mark"], set_=values))

    def renew(self, name: str, mark: Mark, before: str | None, after: str) -> bool:
        """Have a mark be of another content, unless it is of another than `before` by now; whether it is so."""
        is_so = (
            marks.c.name == name,
            marks.c.mark == mark.value,
            marks.c.sha256.is_not_distinct_from(before),
        )
        with self._database.write(durable=True) as connection:
            changed = connection.execute(update(marks).where(*is_so).values(sha256=after, at=self._clock()))
            return changed.rowcount > 0

    def unmark(self, name: str, mark: Mark) -> bool:
        """Take a mark away; whether it was there."""
        gone = delete(marks).where(marks.c.name == name, marks.c.mark == mark.value)
        with self._database.write(durable=True) as connection:
            return connection.execute(gone).rowcount > 0

    def all(self) -> Mapping[str, Mapping[Mark, str | None]]:
        """The marks of every marked skill, each with the content hash that it is of, None for any."""
        found: dict[str, dict[Mark, str | None]] = {}
        with self._database.read() as connection:
            for row in connection.execute(select(marks).order_by(marks.c.name, marks.c.mark)):
                found.setdefault(row.name, {})[Mark(row.mark)] = row.sha256
        return found
