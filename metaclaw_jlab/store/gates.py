"""What the gates said of every candidate."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, func, insert, select

from metaclaw_jlab.core.estimate import Interval
from metaclaw_jlab.core.gate import Comparison, GateReport, Verdict
from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.training_schema import gates


class Gates:
    """The reports of all gates, in order; none ever changes."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def record(self, adapter: int, report: GateReport) -> None:
        """Keep what a gate said of a candidate, before it is decided on. Raises InvariantViolation."""
        with self._database.write(durable=True) as connection:
            last = connection.execute(select(func.max(gates.c.number))).scalar_one()
            connection.execute(
                insert(gates).values(
                    number=(last or 0) + 1,
                    adapter=adapter,
                    verdict=report.verdict.value,
                    reason=report.reason,
                    comparisons=encoding.dump([asdict(comparison) for comparison in report.comparisons]),
                    look=report.look,
                    missing=report.missing,
                    at=self._clock(),
                )
            )

    def of(self, adapter: int) -> tuple[GateReport, ...]:
        """What the gates said of an adapter, in order."""
        query = select(gates).where(gates.c.adapter == adapter).order_by(gates.c.number)
        with self._database.read() as connection:
            return tuple(_report(row) for row in connection.execute(query))

    def latest(self, adapters: Sequence[int]) -> dict[int, GateReport]:
        """What the last gate of each of these adapters said, by version; those without one are left out."""
        last = select(func.max(gates.c.number)).where(gates.c.adapter.in_(adapters)).group_by(gates.c.adapter)
        with self._database.read() as connection:
            rows = connection.execute(select(gates).where(gates.c.number.in_(last))).all()
        return {row.adapter: _report(row) for row in rows}

    def looks_since_promotion(self) -> int:
        """How many gates there were since one last said that its candidate be promoted."""
        last = select(func.max(gates.c.number)).where(gates.c.verdict == Verdict.PROMOTE.value)
        after = func.coalesce(last.scalar_subquery(), 0)
        with self._database.read() as connection:
            return connection.execute(select(func.count()).where(gates.c.number > after)).scalar_one()


def _report(row: Row[Any]) -> GateReport:
    comparisons = [
        Comparison(**(value | {"difference": Interval(**value["difference"])}))
        for value in json.loads(row.comparisons)
    ]
    return GateReport(Verdict(row.verdict), row.reason, tuple(comparisons), row.look, row.missing)
