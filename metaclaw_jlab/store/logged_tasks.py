"""The user's tasks that can be done again: with checks, with what they started from, and never learnt from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, func, select

from metaclaw_jlab.core.task import Origin, Task
from metaclaw_jlab.core.trajectory import Purpose
from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import trajectories
from metaclaw_jlab.store.training_schema import starts

LOOKED = 5000  # the newest trajectories

_TABLE = trajectories.c
_AT_ONCE = 500  # ids in one statement
_NEWEST = (
    select(
        _TABLE.id,
        _TABLE.notebook,
        _TABLE.cell_id,
        _TABLE.text_sha256,
        (func.json_array_length(_TABLE.task, "$.checks") > 0).label("checked"),
        exists().where(starts.c.trajectory == _TABLE.id).label("has_start"),
    )
    .where(_TABLE.purpose.in_([Purpose.USER.value, Purpose.RETRY.value]), _TABLE.stop.is_not(None))
    .order_by(_TABLE.number.desc())
)


@dataclass(frozen=True, slots=True)
class Replayable:
    """Of the newest trajectories, a task each: the ids of those that can be done again, the newest first, and how many
    others were left out, by the first reason that holds."""

    ids: tuple[str, ...]
    learnt_from: int = 0
    without_checks: int = 0
    without_start: int = 0


def replayable(database: Database, learnt: Collection[str], last: int = LOOKED) -> Replayable:
    """What can be done again of the `last` trajectories, of each task the newest attempt. `learnt` are texts of tasks
    that were learnt from, by their hashes."""
    with database.read() as connection:
        rows = connection.execute(_NEWEST.limit(last)).all()
    found: dict[tuple[str | None, str | None, str], str] = {}
    reasons: dict[tuple[str | None, str | None, str], str] = {}
    for row in rows:
        place = (row.notebook, row.cell_id, row.text_sha256)
        if row.text_sha256 in learnt:
            reasons.setdefault(place, "learnt_from")
        elif not row.checked:
            reasons.setdefault(place, "without_checks")
        elif not row.has_start:
            reasons.setdefault(place, "without_start")
        else:
            found.setdefault(place, row.id)
    left = [reason for place, reason in reasons.items() if place not in found]
    return Replayable(
        tuple(found.values()),
        learnt_from=left.count("learnt_from"),
        without_checks=left.count("without_checks"),
        without_start=left.count("without_start"),
    )


def tasks_of(database: Database, ids: Sequence[str]) -> dict[str, Task]:
    """The tasks of these trajectories, by id."""
    found: dict[str, Task] = {}
    for begin in range(0, len(ids), _AT_ONCE):
        query = select(_TABLE.id, _TABLE.task, _TABLE.notebook, _TABLE.cell_id).where(
            _TABLE.id.in_(list(ids[begin : begin + _AT_ONCE]))
        )
        with database.read() as connection:
            for row in connection.execute(query):
                found[row.id] = encoding.load_task(row.task, Origin(row.notebook, row.cell_id))
    return found
