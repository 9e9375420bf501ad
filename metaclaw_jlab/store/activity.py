"""What every kernel and server of this home is doing, so that one of them can see the others."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import activity

_NEW = insert(activity)
_TOUCH = _NEW.on_conflict_do_update(
    index_elements=["process"], set_={name: _NEW.excluded[name] for name in ("notebook", "state", "at")}
)


@dataclass(frozen=True, slots=True)
class Activity:
    """What a process said of itself last, and when (seconds since the epoch)."""

    process: str
    notebook: str | None
    state: str
    at: float


class Activities:
    """The activity of all processes."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def touch(self, kernel_id: str, notebook: str | None, state: str) -> None:
        """Say what a kernel or server is doing, in a word of its own such as `busy` or `idle`."""
        row = {"process": kernel_id, "notebook": notebook, "state": state, "at": self._clock()}
        with self._database.write() as connection:
            connection.execute(_TOUCH, row)

    def leave(self, kernel_id: str) -> None:
        """Forget a process that ends."""
        with self._database.write() as connection:
            connection.execute(
                delete(activity).where(activity.c.process == bindparam("key")), {"key": kernel_id}
            )

    def since(self, seconds_ago: float) -> tuple[Activity, ...]:
        """Who said something in the last seconds, the latest first."""
        query = (
            select(activity)
            .where(activity.c.at >= self._clock() - seconds_ago)
            .order_by(activity.c.at.desc(), activity.c.process)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(Activity(row.process, row.notebook, row.state, row.at) for row in rows)
