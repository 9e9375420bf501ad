"""Where skills came from: which failures, and which generations changed them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, func, select

from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import generation_members, generations, lineage


@dataclass(frozen=True, slots=True)
class Origin:
    """A failed trajectory that a skill, as generation `generation` had it, came from, and what was said of it."""

    generation: int
    sha256: str
    trajectory: str
    said: str


class Lineage:
    """The lineage of every skill there ever was, by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sources(self, name: str) -> tuple[Origin, ...]:
        """Where a skill came from, the oldest generation first; nothing for one that was not learnt."""
        members, table = generation_members.c, lineage.c
        query = (
            select(table.generation, members.sha256, table.trajectory, table.said)
            .join(
                generation_members,
                and_(members.generation == table.generation, members.name == table.name),
            )
            .where(table.name == name)
            .order_by(table.generation, table.position)
        )
        with self._database.read() as connection:
            return tuple(Origin(*row) for row in connection.execute(query))

    def history(self, name: str) -> tuple[tuple[int, str | None], ...]:
        """The generations that changed a skill, each with the content hash that it got, None where it went."""
        members = generation_members.c
        query = (
            select(members.generation, members.sha256)
            .where(members.name == name)
            .order_by(members.generation)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            current: int = connection.execute(select(func.max(generations.c.number))).scalar_one()
        found: list[tuple[int, str | None]] = []
        before: tuple[int, str] | None = None
        for number, sha256 in rows:
            if before is not None and number > before[0] + 1:
                found.append((before[0] + 1, None))
            if before is None or found[-1][1] != sha256:
                found.append((number, sha256))
            before = (number, sha256)
        if before is not None and before[0] < current:
            found.append((before[0] + 1, None))
        return tuple(found)
