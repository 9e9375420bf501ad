"""Which adapter serves, and which ones did."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, func, insert, or_, select, true

from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import adapters, trajectories
from metaclaw_jlab.store.training_schema import serving


class ServingCause(StrEnum):
    """Why another adapter serves."""

    PROMOTE = "promote"  # its gate passed
    FORCE = "force"  # a person wanted it
    ROLLBACK = "rollback"  # a person went back
    WATCH = "watch"  # the live pass rate had dropped


@dataclass(frozen=True, slots=True)
class Served:
    """A change of what serves. `version` is None for the base; `after` is the number of the newest trajectory then."""

    number: int
    version: int | None
    cause: ServingCause
    reason: str
    at: float
    after: int = 0


_NEWEST_FIRST = select(serving).order_by(serving.c.number.desc())
_CHANGES = (ServingCause.PROMOTE.value, ServingCause.FORCE.value)


class Serving:
    """What serves: the newest of its changes says so. None of them is ever changed or deleted."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def current(self, base: str | None = None) -> int | None:
        """The version that serves; None: the base. With `base` the newest one of that model, whatever came since of
        others."""
        newest = self._found(_NEWEST_FIRST.where(_of(base)).limit(1))
        return newest[0].version if newest else None

    def put(self, version: int | None, cause: ServingCause, reason: str) -> None:
        """Let a promoted or forced adapter serve, or the base. Raises InvariantViolation for any other."""
        newest = func.coalesce(select(func.max(trajectories.c.number)).scalar_subquery(), 0)
        number = func.coalesce(select(func.max(serving.c.number)).scalar_subquery(), 0) + 1
        new = insert(serving).values(
            number=number, version=version, cause=cause.value, reason=reason, after=newest, at=self._clock()
        )
        with self._database.write(durable=True) as connection:
            connection.execute(new)

    def history(self, limit: int) -> tuple[Served, ...]:
        """At most `limit` changes, the newest first."""
        return self._found(_NEWEST_FIRST.limit(limit))

    def of(self, version: int, limit: int) -> tuple[Served, ...]:
        """At most `limit` changes by which this version came to serve, the newest first."""
        return self._found(_NEWEST_FIRST.where(serving.c.version == version).limit(limit))

    def previous(self, base: str | None = None) -> int | None:
        """What served before the newest promotion or force; None: the base, or there was none. `base` as in current."""
        changes = select(func.max(serving.c.number)).where(serving.c.cause.in_(_CHANGES), _of(base))
        before = select(serving.c.version).where(serving.c.number < changes.scalar_subquery(), _of(base))
        before = before.order_by(serving.c.number.desc())
        with self._database.read() as connection:
            return connection.execute(before.limit(1)).scalar()

    def ever_promoted(self) -> tuple[int, ...]:
        """The versions that a gate ever let serve, the first first."""
        query = (
            select(serving.c.version)
            .where(serving.c.cause == ServingCause.PROMOTE.value)
            .group_by(serving.c.version)
            .order_by(func.min(serving.c.number))
        )
        with self._database.read() as connection:
            return tuple(connection.execute(query).scalars())

    def _found(self, query: Select[Any]) -> tuple[Served, ...]:
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Served(row.number, row.version, ServingCause(row.cause), row.reason, row.at, row.after)
            for row in rows
        )


def _of(base: str | None) -> ColumnElement[bool]:
    """Changes to a version of this model, or to no version."""
    if base is None:
        return true()
    own = select(adapters.c.version).where(adapters.c.base == base)
    return or_(serving.c.version.is_(None), serving.c.version.in_(own))
