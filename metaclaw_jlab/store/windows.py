"""The windows in which training might run, and the user's wishes that it does not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, insert, or_, select, update

from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.window import Pause, Window
from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.events import Events
from metaclaw_jlab.store.host_schema import pauses, windows

CRASH = "crash"
_IN_FORCE = (
    select(pauses)
    .where(pauses.c.ended_at.is_(None), or_(pauses.c.until.is_(None), pauses.c.until > bindparam("now")))
    .order_by(pauses.c.number.desc())
)


class Windows:
    """The log of windows. At most one is open. That it opened, or was closed, is an event too."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def open(self, at: float, opened_by: Sequence[str]) -> Window:
        """Begin a window. Raises InvariantViolation where one is open."""
        with self._database.write() as connection:
            last = connection.execute(select(func.max(windows.c.number))).scalar_one()
            row = connection.execute(
                insert(windows)
                .values(
                    number=(last or 0) + 1,
                    opened_at=at,
                    opened_by=encoding.dump(list(opened_by)),
                    closed_by="",
                    used_seconds=0.0,
                )
                .returning(windows)
            ).one()
        found = _window(row)
        self._log("window.opened", window=found.number, by=":".join(found.opened_by))
        return found

    def use(self, number: int, used_seconds: float, run: int | None) -> Window:
        """Say how long was trained in the open window so far, and by which run. Raises NotFound, InvariantViolation."""
        return self._change(number, used_seconds=used_seconds, run=run)

    def close(
        self,
        number: int,
        at: float,
        by: str,
        *,
        used_seconds: float | None = None,
        run: int | None = None,
        yield_seconds: float | None = None,
    ) -> Window:
        """Close a window, once; what is None stays as it was said last. Raises NotFound, InvariantViolation."""
        given = {"used_seconds": used_seconds, "run": run, "yield_seconds": yield_seconds}
        values = {name: value for name, value in given.items() if value is not None}
        found = self._change(number, closed_at=at, closed_by=by, **values)
        told: dict[str, str | int | float] = {"window": number, "by": by}
        told["used_seconds"] = round(found.used_seconds, 3)
        if found.run is not None:
            told["run"] = found.run
        if found.yield_seconds is not None:
            told["yield_seconds"] = round(found.yield_seconds, 3)
        self._log("window.closed", **told)
        return found

    def close_left_open(self) -> Window | None:
        """Close the window that a host left open when it died: it lasted at least as long as was trained in it."""
        found = self.current()
        if found is None:
            return None
        return self.close(found.number, found.opened_at + found.used_seconds, CRASH)

    def current(self) -> Window | None:
        """The window that is open."""
        return next(iter(self._found(select(windows).where(windows.c.closed_at.is_(None)))), None)

    def recent(self, limit: int, before: int | None = None) -> tuple[Window, ...]:
        """At most `limit` windows, the newest first, of numbers under `before`."""
        query = select(windows).order_by(windows.c.number.desc()).limit(limit)
        return self._found(query if before is None else query.where(windows.c.number < before))

    def used_since(self, at: float) -> float:
        """Seconds of training in windows since `at`: of one that began before, at most what lies after it."""
        lasted = or_(windows.c.closed_at.is_(None), windows.c.closed_at > at)
        now = self._clock()
        return sum(
            found.used_seconds
            if found.opened_at >= at
            else min(found.used_seconds, max(0.0, (now if found.closed_at is None else found.closed_at) - at))
            for found in self._found(select(windows).where(lasted))
        )

    def _change(self, number: int, **values: object) -> Window:
        change = update(windows).where(windows.c.number == number).values(**values).returning(windows)
        with self._database.write() as connection:
            row = connection.execute(change).first()
            if row is None:
                raise NotFound(f"There is no window {number}.")
        return _window(row)

    def _found(self, query: Select[Any]) -> tuple[Window, ...]:
        with self._database.read() as connection:
            return tuple(_window(row) for row in connection.execute(query))

    def _log(self, kind: str, **fields: str | int | float) -> None:
        Events(self._database, clock=self._clock).append(kind, **fields)


class Pauses:
    """The pauses that the user asked for. At most one is in force: a new one takes the place of the one before."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def begin(self, until: float | None = None) -> Pause:
        """Pause until then (seconds since the epoch), or until it is taken back."""
        now = self._clock()
        with self._database.write() as connection:
            connection.execute(update(pauses).where(pauses.c.ended_at.is_(None)).values(ended_at=now))
            last = connection.execute(select(func.max(pauses.c.number))).scalar_one()
            connection.execute(insert(pauses).values(number=(last or 0) + 1, at=now, until=until))
        return Pause(now, until)

    def end(self) -> Pause | None:
        """Take the pause back; the one that was in force."""
        with self._database.write() as connection:
            row = connection.execute(_IN_FORCE, {"now": self._clock()}).first()
            connection.execute(
                update(pauses).where(pauses.c.ended_at.is_(None)).values(ended_at=self._clock())
            )
        return None if row is None else Pause(row.at, row.until)

    def current(self) -> Pause | None:
        """The pause that is in force."""
        with self._database.read() as connection:
            row = connection.execute(_IN_FORCE, {"now": self._clock()}).first()
        return None if row is None else Pause(row.at, row.until)


def _window(row: Row[Any]) -> Window:
    return Window(**(dict(row._mapping) | {"opened_by": tuple(json.loads(row.opened_by))}))
