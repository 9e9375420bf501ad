"""Attempts at tasks with a skill in the prompt and before there was one, as far as something told right from wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select, text

from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import trajectories
from metaclaw_jlab.store.trigger_sql import LEARNABLE

MOST = 500
_LOOKED = 3 * MOST  # some of them nobody judged

# The user's word counts first, then the checks. An exception alone tells nothing: where it does not come, nothing does.
_RIGHT = (
    "CASE WHEN json_extract(task.score, '$.source') = 'user' THEN json_extract(task.score, '$.value') > 0\n"
    "  WHEN task.checks <> '[]' THEN NOT EXISTS (\n"
    "    SELECT 1 FROM json_each(task.checks) WHERE json_extract(value, '$[3]') = 0) END"
)
_WITH = text(
    f"SELECT task.text_sha256, {_RIGHT} AS is_right\n"
    "FROM (SELECT number FROM uses WHERE name = :name AND outcome IN ('passed', 'failed')\n"
    "  UNION SELECT uses.number FROM feedback\n"
    "    JOIN trajectories ON trajectories.id = feedback.trajectory\n"
    "    JOIN uses ON uses.number = trajectories.number WHERE uses.name = :name AND uses.outcome IS NOT NULL\n"
    "  ORDER BY number DESC LIMIT :most) AS used\n"
    "JOIN trajectories AS task ON task.number = used.number WHERE is_right IS NOT NULL ORDER BY task.number"
)
# The newest are picked by number alone, from an index, before any row is read.
_BEFORE = text(
    f"SELECT task.text_sha256, {_RIGHT} AS is_right FROM (SELECT number FROM trajectories\n"
    "  WHERE text_sha256 IN :tasks AND number < coalesce((SELECT number FROM trajectories\n"
    "    WHERE skill_generation >= :came ORDER BY skill_generation, number LIMIT 1), 1 << 62)\n"
    "  ORDER BY number DESC LIMIT :looked) AS early\n"
    "JOIN trajectories AS task ON task.number = early.number\n"
    "WHERE task.skill_generation < :came AND task.stop IS NOT NULL AND task.learn = 1\n"
    f"  AND task.purpose IN {LEARNABLE} AND is_right IS NOT NULL AND NOT EXISTS (\n"
    "    SELECT 1 FROM uses WHERE uses.number = task.number AND uses.name = :name)\n"
    "ORDER BY task.number DESC LIMIT :most"
).bindparams(bindparam("tasks", expanding=True))
_LEARNT = text(
    "SELECT DISTINCT trajectories.text_sha256 FROM lineage\n"
    "JOIN trajectories ON trajectories.id = lineage.trajectory WHERE lineage.name = :name LIMIT :most"
)
_PLACE = tuple(trajectories.c[name] for name in ("id", "task", "notebook", "cell_id", "created_at"))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at the task of this text, and whether it was done right."""

    text_sha256: str
    right: bool


@dataclass(frozen=True, slots=True)
class Place:
    """What was asked, where, and when."""

    text: str
    notebook: str | None
    cell_id: str | None
    at: float


class Attempts:
    """The judged attempts of the user's tasks and other agents' turns that may teach; at most `MOST`, the newest."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def having(self, name: str) -> tuple[Attempt, ...]:
        """Those with a skill in the prompt, whatever its text was, the oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(_WITH, {"name": name, "most": MOST}).all()
        return tuple(Attempt(text_sha256, bool(right)) for text_sha256, right in rows)

    def before(self, name: str, came: int, tasks: Collection[str]) -> tuple[Attempt, ...]:
        """Those at tasks of these texts under generations before `came`, without the skill, the oldest first."""
        values = {"name": name, "came": came, "tasks": sorted(tasks), "most": MOST, "looked": _LOOKED}
        with self._database.read() as connection:
            rows = connection.execute(_BEFORE, values).all()
        return tuple(Attempt(text_sha256, bool(right)) for text_sha256, right in reversed(rows))

    def learnt_from(self, name: str) -> frozenset[str]:
        """The texts, by their hashes, of the tasks whose failures the skill came from."""
        with self._database.read() as connection:
            return frozenset(connection.execute(_LEARNT, {"name": name, "most": MOST}).scalars())

    def places(self, ids: Sequence[str]) -> Mapping[str, Place]:
        """Where these trajectories were asked, by id; those that are forgotten are left out."""
        query = select(*_PLACE).where(trajectories.c.id.in_(list(ids)))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return {
            row.id: Place(encoding.task_text(row.task), row.notebook, row.cell_id, row.created_at)
            for row in rows
        }
