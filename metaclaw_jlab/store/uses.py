"""How often skills were in a prompt, how those tasks ended, and whether the skill was to thank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, case, func, select, text, update

from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import trajectories, uses


class Effect(StrEnum):
    """What a replay without the skill told."""

    HELPED = "helped"  # it fails without
    HURT = "hurt"  # it passes without
    NONE = "none"  # it ends as it did


@dataclass(frozen=True, slots=True)
class SkillUse:
    """In so many prompts of tasks that may teach; so many of those passed, failed (or raised), or were not checked.

    The open ones are in `uses` only. `helped` and `hurt` were verified by a replay.
    """

    uses: int = 0
    passed: int = 0
    failed: int = 0
    unchecked: int = 0
    helped: int = 0
    hurt: int = 0


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


_COLUMNS = (
    func.count(),
    _count(uses.c.outcome == "passed"),
    _count(uses.c.outcome.in_(("failed", "raised"))),
    _count(uses.c.outcome == "unchecked"),
    _count(uses.c.effect == Effect.HELPED.value),
    _count(uses.c.effect == Effect.HURT.value),
)
# The conditions of the index uses_unverified, word for word.
_UNVERIFIED = text("effect IS NULL AND outcome IN ('passed', 'failed')")


class Uses:
    """The uses of all skills, by name and content hash."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, name: str, sha256: str | None = None) -> SkillUse:
        """The uses of a skill, of one content where its hash is given."""
        query = select(*_COLUMNS).where(uses.c.name == name)
        if sha256 is not None:
            query = query.where(uses.c.sha256 == sha256)
        with self._database.read() as connection:
            return _use(connection.execute(query).one())

    def all(self) -> Mapping[str, SkillUse]:
        """The uses of every skill that was ever in a prompt, by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(*_COLUMNS, uses.c.name).group_by(uses.c.name)).all()
        return {row.name: _use(row) for row in rows}

    def record_effect(self, trajectory_id: str, name: str, sha256: str, effect: Effect) -> None:
        """Record what a replay told of a skill in a checked task, once. Raises InvariantViolation, NotFound."""
        number = select(trajectories.c.number).where(trajectories.c.id == trajectory_id).scalar_subquery()
        change = update(uses).where(uses.c.name == name, uses.c.sha256 == sha256, uses.c.number == number)
        with self._database.write() as connection:
            if connection.execute(change.values(effect=effect.value)).rowcount == 0:
                raise NotFound(
                    f"Skill {name!r} of this content was in no prompt of trajectory {trajectory_id!r} "
                    "that may teach."
                )

    def unverified(self, limit: int) -> tuple[tuple[str, str, str], ...]:
        """Trajectory, name and content hash of at most `limit` checked uses without an effect, the newest first."""
        query = (
            select(trajectories.c.id, uses.c.name, uses.c.sha256)
            .join(uses, uses.c.number == trajectories.c.number)
            .where(_UNVERIFIED)
            .order_by(uses.c.number.desc(), uses.c.name)
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple((row.id, row.name, row.sha256) for row in connection.execute(query))


def _use(row: Sequence[Any]) -> SkillUse:
    return SkillUse(*row[: len(_COLUMNS)])
