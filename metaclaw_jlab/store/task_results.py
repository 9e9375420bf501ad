"""Whether the user's tasks were done right under each skill generation, where checks or the user's word tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, literal_column, select, text

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import TOLD, generations, trajectories
from metaclaw_jlab.store.task_pages import among

_GENERATION = trajectories.c.skill_generation
_RIGHT: Any = literal_column(
    "CASE WHEN json_extract(score, '$.source') = 'user' THEN json_extract(score, '$.value') > 0\n"
    "  ELSE NOT EXISTS (SELECT 1 FROM json_each(trajectories.checks) WHERE json_extract(value, '$[3]') = 0) END"
).label("right")
_KNOWN = select(generations.c.number, generations.c.cause, generations.c.created_at).order_by(
    generations.c.number
)
_RESULTS = (
    select(_GENERATION.label("generation"), _RIGHT).where(text(TOLD)).order_by(trajectories.c.number.desc())
)


@dataclass(frozen=True, slots=True)
class GenerationResults:
    """A skill generation, and whether its tasks were done right, in order of time."""

    number: int
    cause: Cause
    created_at: float
    right: tuple[bool, ...]


def results_by_generation(
    database: Database, newest: int, most: int, *, notebook: str | None = None, skill: str | None = None
) -> tuple[GenerationResults, ...]:
    """The newest `most` tasks of each of the `newest` generations that have any, in order. The user's word on a task
    counts, else all its checks.

    Of one notebook or with one skill, where given: then of the newest `newest * most` of those tasks.
    """
    with database.read() as connection:
        if notebook is None and skill is None:
            rows = _of_newest(connection, newest, most)
        else:
            query = among(_RESULTS, notebook=notebook, skill=skill).limit(newest * most)
            rows = connection.execute(query).all()
        found: dict[int, list[bool]] = {}
        for row in rows:
            found.setdefault(row.generation, []).append(bool(row.right))
        numbers = sorted(found)[-newest:]
        known = connection.execute(_KNOWN.where(generations.c.number.in_(numbers))).all()
    return tuple(
        GenerationResults(
            row.number, Cause(row.cause), row.created_at, tuple(reversed(found[row.number][:most]))
        )
        for row in known
    )


def _of_newest(connection: Connection, newest: int, most: int) -> Iterable[Row[Any]]:
    """Each generation is found by the one after it: what an index skips is not read."""
    latest = select(_GENERATION).where(text(TOLD)).order_by(_GENERATION.desc()).limit(1)
    number = connection.execute(latest).scalar()
    found: list[Row[Any]] = []
    for _ in range(newest):
        if number is None:
            break
        found += connection.execute(_RESULTS.where(number == _GENERATION).limit(most)).all()
        number = connection.execute(latest.where(number > _GENERATION)).scalar()
    return found
