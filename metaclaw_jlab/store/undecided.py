"""Wordings of a skill that were not tried yet: it was made with its first wording, and another may prove better."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert

from metaclaw_jlab.core.evolution import Source
from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import undecided_wordings


@dataclass(frozen=True, slots=True)
class UndecidedWordings:
    """Bodies that the skill of this content might have instead, and the failures to try them on."""

    name: str
    sha256: str
    wordings: tuple[str, ...]
    sources: tuple[Source, ...]


class Undecided:
    """What waits to be tried, one entry a skill name."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def put(self, name: str, sha256: str, wordings: Sequence[str], sources: Sequence[Source]) -> None:
        """Keep the wordings of a skill for later, in place of those that waited for it."""
        values = {
            "sha256": sha256,
            "wordings": encoding.dump(list(wordings)),
            "sources": encoding.dump([[source.trajectory, source.said] for source in sources]),
            "at": self._clock(),
        }
        new = insert(undecided_wordings).values(name=name, **values)
        with self._database.write() as connection:
            connection.execute(new.on_conflict_do_update(index_elements=["name"], set_=values))

    def take(self) -> list[UndecidedWordings]:
        """What waits, the oldest first. It stays until it is dropped, so that a process that dies loses nothing."""
        query = select(undecided_wordings).order_by(undecided_wordings.c.at, undecided_wordings.c.name)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            UndecidedWordings(
                row.name,
                row.sha256,
                tuple(json.loads(row.wordings)),
                tuple(Source(*pair) for pair in json.loads(row.sources)),
            )
            for row in rows
        ]

    def drop(self, name: str) -> None:
        """Forget the wordings of a skill, where any waited."""
        with self._database.write() as connection:
            connection.execute(delete(undecided_wordings).where(undecided_wordings.c.name == name))
