"""Failures that wait for a decision, and what was decided about the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, insert, select, text, update

from metaclaw_jlab.core.errors import InvariantViolation, NotFound
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import settlements, trajectories
from metaclaw_jlab.store.trigger_sql import CURRENT, heard, last_word, passed_since

LATE_AT_ONCE = 25
PASSED_SINCE = "The same task has passed since."

# The conditions of the index trajectories_unsettled: SQLite uses it only where they are there word for word.
_PENDING = text("unsettled = 1 AND drained_at IS NULL AND role <> 'support'")
_HEARD = text(f"SELECT {heard(':key')}")
_NAMED = text(f"{last_word('trajectories.id')} IN ('bad', 'rejected')")
_SUPERSEDED = f"(trajectories.skill_generation < {CURRENT} AND {passed_since('trajectories')})"


class Decision(StrEnum):
    """What became of a failure."""

    EVOLVED = "evolved"  # it caused a generation
    EXPLAINED = "explained"  # a skill of the library answers it already
    KEPT = "kept"  # it teaches no skill; weights may mend it


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was decided about the failure of a trajectory, why in a sentence, and when."""

    trajectory: str
    decision: Decision
    reason: str
    at: float


class Support:
    """The failures of the store. A failure is decided on once; further bad feedback opens it again."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def pending(self, limit: int) -> tuple[str, ...]:
        """At most `limit` failures that wait for a decision, the oldest first.

        Those of older generations whose task has passed since are settled as kept on the way.
        """
        waiting = select(trajectories.c.id).where(_PENDING).order_by(trajectories.c.number)
        late = waiting.where(text(_SUPERSEDED)).limit(LATE_AT_ONCE)
        with self._database.read() as connection:
            found = tuple(
                connection.execute(waiting.where(text(f"NOT {_SUPERSEDED}")).limit(limit)).scalars()
            )
            superseded = connection.execute(late.limit(1)).first() is not None
        if superseded and self._database.writable:
            with self._database.write(durable=True) as connection:
                ids = connection.execute(late).scalars().all()
                self._settle(connection, ids, Decision.KEPT, PASSED_SINCE)
        return found

    def named(self) -> bool:
        """Whether a failure waits that the user named: their last word on it is that it was bad."""
        query = select(trajectories.c.id).where(_PENDING, _NAMED, text(f"NOT {_SUPERSEDED}")).limit(1)
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def waits(self, trajectory_id: str) -> bool:
        """Whether the failure of a trajectory waits for a decision."""
        query = select(trajectories.c.id).where(_PENDING, text(f"NOT {_SUPERSEDED}"))
        with self._database.read() as connection:
            return connection.execute(query.where(trajectories.c.id == trajectory_id)).first() is not None

    def settle(
        self, trajectory_id: str, decision: Decision, reason: str, *, heard: int | None = None
    ) -> bool:
        """Record a decision. `heard`: so much feedback it was made on; where there is more by now nothing is written.

        Returns whether it was written. Raises NotFound, and InvariantViolation for what is evolved (only a generation
        says so), is open, or may not teach.
        """
        if decision is Decision.EVOLVED:
            raise InvariantViolation(
                "Only the generation that it causes settles a failure as evolved.", "Use commit_generation()."
            )
        with self._database.write(durable=True) as connection:
            known = select(trajectories.c.number).where(trajectories.c.id == trajectory_id)
            if connection.execute(known).first() is None:
                raise NotFound(
                    f"There is no trajectory {trajectory_id!r}.", "%metaclaw why names the last one."
                )
            if heard is not None and _heard(connection, trajectory_id) > heard:
                return False
            self._settle(connection, [trajectory_id], decision, reason)
        return True

    def settlement(self, trajectory_id: str) -> Settlement | None:
        """What was decided last about a trajectory."""
        query = select(settlements).where(settlements.c.trajectory == trajectory_id)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        return Settlement(row.trajectory, Decision(row.decision), row.reason, row.at)

    def _settle(self, connection: Connection, ids: Sequence[str], decision: Decision, reason: str) -> None:
        for id_ in ids:
            values = {
                "decision": decision.value,
                "reason": reason,
                "heard": _heard(connection, id_),
                "at": self._clock(),
            }
            again = connection.execute(
                update(settlements).where(settlements.c.trajectory == id_).values(**values)
            )
            if again.rowcount == 0:
                connection.execute(insert(settlements).values(trajectory=id_, **values))


def _heard(connection: Connection, trajectory_id: str) -> int:
    return int(connection.execute(_HEARD, {"key": trajectory_id}).scalar_one())
