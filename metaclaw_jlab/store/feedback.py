"""Feedback in the store: every word of it is kept, in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import func, insert, select

from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import feedback, trajectories


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
            known = select(trajectories.c.number).where(trajectories.c.id == said.trajectory)
            if connection.execute(known).first() is None:
                raise NotFound(
                    f"There is no trajectory {said.trajectory!r}.", "%metaclaw why names the last one."
                )
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

    def of(self, trajectory_id: str) -> tuple[Feedback, ...]:
        """All feedback on a trajectory, the oldest first."""
        query = select(feedback).where(feedback.c.trajectory == trajectory_id).order_by(feedback.c.position)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(Feedback(row.trajectory, FeedbackKind(row.kind), row.text, row.at) for row in rows)
