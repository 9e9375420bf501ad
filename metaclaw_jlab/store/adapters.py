"""Adapters in the store: their versions never repeat, and each is decided on once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from metaclaw_jlab.core.adapter import Adapter, AdapterStatus
from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import adapters, counters


class Adapters:
    """The adapters that were ever made."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, base: str, sha256: str, skill_generation: int, reason: str = "") -> Adapter:
        """Record a new candidate under the next version. Raises InvariantViolation."""
        with self._database.write(durable=True) as connection:
            last = connection.execute(
                select(counters.c.value).where(counters.c.name == "adapter")
            ).scalar_one()
            made = Adapter(
                last + 1, base, sha256, AdapterStatus.CANDIDATE, skill_generation, self._clock(), reason
            )
            connection.execute(
                insert(adapters).values(
                    version=made.version,
                    base=base,
                    sha256=sha256,
                    status=made.status.value,
                    skill_generation=skill_generation,
                    created_at=made.created_at,
                    reason=reason,
                )
            )
        return made

    def decide(self, version: int, status: AdapterStatus, reason: str) -> Adapter:
        """Record what became of a candidate, or that a rejected one is forced. Raises InvariantViolation, NotFound.

        Promoted is only what its last gate lets be promoted (see gates).
        """
        with self._database.write(durable=True) as connection:
            changed = connection.execute(
                update(adapters)
                .where(adapters.c.version == version)
                .values(status=status.value, reason=reason)
            )
            if changed.rowcount == 0:
                raise _missing(version)
        return self.get(version)

    def explain(self, version: int, reason: str) -> Adapter:
        """Say why a candidate is one still. Raises InvariantViolation for what is decided, NotFound."""
        change = update(adapters).where(adapters.c.version == version).values(reason=reason)
        with self._database.write(durable=True) as connection:
            if connection.execute(change).rowcount == 0:
                raise _missing(version)
        return self.get(version)

    def remove(self, version: int) -> None:
        """Delete a candidate or a rejected one; its version is not given again, its gates stay.

        Raises InvariantViolation for what may have served or is in training, NotFound.
        """
        with self._database.write(durable=True) as connection:
            if connection.execute(delete(adapters).where(adapters.c.version == version)).rowcount == 0:
                raise _missing(version)

    def candidates(self) -> tuple[Adapter, ...]:
        """Those that are not decided on, the newest first."""
        waiting = adapters.c.status == AdapterStatus.CANDIDATE.value
        query = select(adapters).where(waiting).order_by(adapters.c.version.desc())
        with self._database.read() as connection:
            return tuple(_adapter(row) for row in connection.execute(query))

    def get(self, version: int) -> Adapter:
        """An adapter by version. Raises NotFound."""
        with self._database.read() as connection:
            row = connection.execute(select(adapters).where(adapters.c.version == version)).first()
        if row is None:
            raise _missing(version)
        return _adapter(row)

    def recent(self, limit: int, before: int | None = None) -> tuple[Adapter, ...]:
        """At most `limit` adapters, the newest first, of versions under `before`."""
        query = select(adapters).order_by(adapters.c.version.desc()).limit(limit)
        if before is not None:
            query = query.where(adapters.c.version < before)
        with self._database.read() as connection:
            return tuple(_adapter(row) for row in connection.execute(query))

    def count(self) -> int:
        """How many there are."""
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(adapters)).scalar_one()


def _adapter(row: Row[Any]) -> Adapter:
    return Adapter(
        version=row.version,
        base=row.base,
        sha256=row.sha256,
        status=AdapterStatus(row.status),
        skill_generation=row.skill_generation,
        created_at=row.created_at,
        reason=row.reason,
    )


def _missing(version: int) -> NotFound:
    return NotFound(f"There is no adapter version {version}.")
