"""How the user's tasks ended under each adapter, for the watch over a promotion."""

from __future__ import annotations

from sqlalchemy import text

from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.trigger_sql import outcome

_SINCE = "(SELECT coalesce(max(after), 0) FROM serving WHERE cause IN ('promote', 'force'))"
_OUTCOMES = text(
    f"SELECT adapter, {outcome('trajectories')} AS outcome FROM trajectories\n"
    f"WHERE number > coalesce(:since, {_SINCE}) AND purpose = 'user' AND learn = 1 AND stop IS NOT NULL\n"
    "  AND checks <> '[]' AND (:base IS NULL OR adapter IS NOT NULL OR model = :base) ORDER BY number"
)


class Outcomes:
    """The outcomes of checked tasks of the user's in notebooks with learning on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_adapter(
        self, since: int | None = None, *, base: str | None = None
    ) -> tuple[tuple[int | None, bool], ...]:
        """The adapter of each task that has ended (None: the base), and whether all its checks passed, in order.

        Of those begun after trajectory number `since`, or else after the newest promotion or force. With `base` what
        other models answered without an adapter is left out.
        """
        wanted = {"since": since, "base": base}
        with self._database.read() as connection:
            return tuple((adapter, how == "passed") for adapter, how in connection.execute(_OUTCOMES, wanted))
