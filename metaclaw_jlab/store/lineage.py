"""Where skills came from: which failures, and which generations changed them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, select

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import generation_members, generations, lineage, trajectories


@dataclass(frozen=True, slots=True)
class Origin:
    """A failed trajectory that a skill, as generation `generation` had it, came from, and what was said of it."""

    generation: int
    sha256: str
    trajectory: str
    said: str


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """A generation that changed a skill, and the content hash that it got, None where it went."""

    generation: int
    sha256: str | None
    cause: Cause
    at: float


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

    def of_generation(self, number: int) -> tuple[tuple[str, str], ...]:
        """What generation `number` was learnt from: trajectories, each with what was said of it."""
        query = (
            select(lineage.c.trajectory, lineage.c.said)
            .where(lineage.c.generation == number)
            .order_by(lineage.c.position)
        )
        with self._database.read() as connection:
            return tuple((trajectory, said) for trajectory, said in connection.execute(query))

    def births(self, after: int, until: int) -> tuple[tuple[str, str | None], ...]:
        """The skills that generations over `after` and up to `until` learnt, in order, each with the notebook of the
        failed task."""
        query = (
            select(lineage.c.name, trajectories.c.notebook)
            .join(trajectories, trajectories.c.id == lineage.c.trajectory)
            .where(lineage.c.generation > after, lineage.c.generation <= until)
            .order_by(lineage.c.generation, lineage.c.position)
        )
        with self._database.read() as connection:
            return tuple((name, notebook) for name, notebook in connection.execute(query))

    def history(self, name: str) -> tuple[HistoryStep, ...]:
        """The generations that changed a skill, in order."""
        members = generation_members.c
        # One look at the primary key for each generation: by name alone all members of all of them would be read.
        query = (
            select(generations.c.number, members.sha256)
            .outerjoin(
                generation_members, and_(members.generation == generations.c.number, members.name == name)
            )
            .order_by(generations.c.number)
        )
        with self._database.read() as connection:
            changed: list[tuple[int, str | None]] = []
            for number, sha256 in connection.execute(query):
                if sha256 != (changed[-1][1] if changed else None):
                    changed.append((number, sha256))
            made = {
                row.number: row
                for row in connection.execute(
                    select(generations.c.number, generations.c.cause, generations.c.created_at).where(
                        generations.c.number.in_([number for number, _ in changed])
                    )
                )
            }
        return tuple(
            HistoryStep(number, sha256, Cause(made[number].cause), made[number].created_at)
            for number, sha256 in changed
        )
