"""Feedback in the store: every word of it is kept, in order; one that is taken back no longer counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Row, func, insert, select, text, update

from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import feedback, trajectories, withdrawals
from metaclaw_jlab.store.trigger_sql import heard

VALUES = {FeedbackKind.GOOD: 1.0, FeedbackKind.BAD: -1.0, FeedbackKind.REJECTED: -1.0}

_STANDS = ~(
    select(withdrawals.c.position)
    .where(withdrawals.c.trajectory == feedback.c.trajectory, withdrawals.c.position == feedback.c.position)
    .correlate(feedback)
    .exists()
)
_HEARD = text(f"SELECT {heard(':key')}")


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A word that was taken back, and the one that counts since, None where there is none."""

    word: Feedback
    stands: Feedback | None = None


class Feedbacks:
    """The feedback on all trajectories. It never changes, and goes with its trajectory."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, said: Feedback) -> Feedback:
        """Keep it, with the time of now where it has none. Raises NotFound where its trajectory is not there."""
        said = said if said.at else replace(said, at=self._clock())
        table = feedback.c
        with self._database.write() as connection:
            _require(connection, said.trajectory)
            position = connection.execute(
                select(func.count()).where(table.trajectory == said.trajectory)
            ).scalar_one()
            connection.execute(
                insert(feedback).values(
                    trajectory=said.trajectory,
                    position=position,
                    kind=said.kind.value,
                    text=said.text,
                    at=said.at,
                )
            )
        return said

    def of(self, trajectory_id: str, *, withdrawn: bool = False) -> tuple[Feedback, ...]:
        """The feedback on a trajectory, the oldest first; with `withdrawn` also what was taken back."""
        query = select(feedback).where(feedback.c.trajectory == trajectory_id).order_by(feedback.c.position)
        with self._database.read() as connection:
            rows = connection.execute(query if withdrawn else query.where(_STANDS)).all()
        return tuple(map(_loaded, rows))

    def heard(self, trajectory_id: str) -> int:
        """How much was said about a trajectory, taking back included: it only grows."""
        with self._database.read() as connection:
            return int(connection.execute(_HEARD, {"key": trajectory_id}).scalar_one())

    def withdraw(self, trajectory_id: str) -> Withdrawal | None:
        """Take back the last word that still counts (good, bad or rejected), in one transaction with the score.

        The score is then what the word before it says, else what it was without any. Support stays support. None where
        there is no such word. Raises NotFound.
        """
        table = feedback.c
        query = (
            select(feedback)
            .where(
                table.trajectory == trajectory_id, table.kind.in_([kind.value for kind in VALUES]), _STANDS
            )
            .order_by(table.position.desc())
            .limit(2)
        )
        with self._database.write() as connection:
            _require(connection, trajectory_id)
            rows = connection.execute(query).all()
            if not rows:
                return None
            before = _loaded(rows[1]) if len(rows) > 1 else None
            # The score first: whether it is still a failure depends on it.
            score = trajectories.c.own_score if before is None else encoding.dump_score(_score(before))
            connection.execute(
                update(trajectories).where(trajectories.c.id == trajectory_id).values(score=score)
            )
            connection.execute(
                insert(withdrawals).values(
                    trajectory=trajectory_id, position=rows[0].position, at=self._clock()
                )
            )
        return Withdrawal(_loaded(rows[0]), before)


def _score(said: Feedback) -> Score:
    return Score(VALUES[said.kind], ScoreSource.USER, said.text)


def _loaded(row: Row[tuple[object, ...]]) -> Feedback:
    return Feedback(row.trajectory, FeedbackKind(row.kind), row.text, row.at)


def _require(connection: Connection, trajectory_id: str) -> None:
    known = select(trajectories.c.number).where(trajectories.c.id == trajectory_id)
    if connection.execute(known).first() is None:
        raise NotFound(f"There is no trajectory {trajectory_id!r}.", "%metaclaw why names the last one.")
