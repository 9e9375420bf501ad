"""What trajectories started from, so that their tasks can be done again; content that several share is kept once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from types import MappingProxyType

from sqlalchemy import Connection, func, insert, select

from metaclaw_jlab.core.errors import InvariantViolation, NotFound, StoreDamaged
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import trajectories
from metaclaw_jlab.store.training_schema import start_blobs, start_parts, start_states, starts

AT_ONCE = 500  # ids in one statement


class StartStates:
    """The start states of all trajectories. Each goes with the last trajectory that needs it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, trajectory_id: str, start: StartState) -> None:
        """Keep what a trajectory started from, once; the same one again is no harm.

        Raises InvariantViolation for another one, or where the trajectory may not teach, and NotFound.
        """
        state = start.sha256
        with self._database.write() as connection:
            kept = connection.execute(
                select(trajectories.c.id, starts.c.sha256)
                .outerjoin(starts, starts.c.trajectory == trajectories.c.id)
                .where(trajectories.c.id == trajectory_id)
            ).first()
            if kept is None:
                raise NotFound(f"There is no trajectory {trajectory_id!r}.")
            if kept.sha256 == state:
                return
            if kept.sha256 is not None:
                raise InvariantViolation(
                    f"Trajectory {trajectory_id} has another start state.", "Nothing was written."
                )
            _keep_state(connection, state, start)
            connection.execute(insert(starts).values(trajectory=trajectory_id, sha256=state))

    def get(self, trajectory_id: str) -> StartState | None:
        """What a trajectory started from; None where that was not kept. Raises StoreDamaged."""
        with self._database.read() as connection:
            found = connection.execute(
                select(start_states)
                .join(starts, starts.c.sha256 == start_states.c.sha256)
                .where(starts.c.trajectory == trajectory_id)
            ).first()
            if found is None:
                return None
            parts = connection.execute(
                select(start_parts.c.kind, start_parts.c.name, start_blobs.c.content)
                .join(start_blobs, start_blobs.c.sha256 == start_parts.c.blob)
                .where(start_parts.c.state == found.sha256)
            ).all()
        loaded = StartState(
            files=MappingProxyType({name: content for kind, name, content in parts if kind == "file"}),
            objects=MappingProxyType({name: content for kind, name, content in parts if kind == "object"}),
            practice=found.practice,
        )
        if loaded.sha256 != found.sha256:
            raise StoreDamaged(
                f"What trajectory {trajectory_id} started from is not what its hash {found.sha256} says.",
                "Look at the database with: metaclaw doctor.",
            )
        return loaded

    def of(self, trajectory_ids: Iterable[str]) -> dict[str, str]:
        """The hash of the start state of each of these trajectories that has one."""
        ids = list(trajectory_ids)
        found: dict[str, str] = {}
        with self._database.read() as connection:
            for begin in range(0, len(ids), AT_ONCE):
                query = select(starts).where(starts.c.trajectory.in_(ids[begin : begin + AT_ONCE]))
                found |= {row.trajectory: row.sha256 for row in connection.execute(query)}
        return found

    def total_bytes(self) -> int:
        """Bytes of all that is kept."""
        with self._database.read() as connection:
            return sum(
                connection.execute(select(func.coalesce(func.sum(func.length(column)), 0))).scalar_one()
                for column in (start_blobs.c.content, start_states.c.practice)
            )


def _keep_state(connection: Connection, state: str, start: StartState) -> None:
    known = select(start_states.c.sha256).where(start_states.c.sha256 == state)
    if connection.execute(known).first() is not None:
        return
    connection.execute(insert(start_states).values(sha256=state, practice=start.practice))
    for kind, name, content in _parts(start):
        blob = hashlib.sha256(content).hexdigest()
        has = select(start_blobs.c.sha256).where(start_blobs.c.sha256 == blob)
        if connection.execute(has).first() is None:
            connection.execute(insert(start_blobs).values(sha256=blob, content=content))
        connection.execute(insert(start_parts).values(state=state, kind=kind, name=name, blob=blob))


def _parts(start: StartState) -> Iterator[tuple[str, str, bytes]]:
    for kind, entries in (("file", start.files), ("object", start.objects)):
        for name, content in entries.items():
            yield kind, name, bytes(content)
