"""How often skills were in a prompt, how those tasks ended, and whether the skill was to thank."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import Row, func, select, text, update

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


# In the order of the index uses_by_outcome, so that nothing is sorted and no row is read twice.
_KINDS = (uses.c.name, uses.c.outcome, uses.c.effect)
_COUNTED = select(*_KINDS, func.count().label("times")).group_by(*_KINDS)
# The conditions of the index uses_unverified, word for word.
_UNVERIFIED = text("effect IS NULL AND outcome IN ('passed', 'failed')")


class Uses:
    """The uses of all skills, by name and content hash."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, name: str, sha256: str | None = None) -> SkillUse:
        """The uses of a skill, of one content where its hash is given."""
        query = _COUNTED.where(uses.c.name == name)
        if sha256 is not None:
            query = query.where(uses.c.sha256 == sha256)
        with self._database.read() as connection:
            return _use(connection.execute(query).all())

    def all(self) -> Mapping[str, SkillUse]:
        """The uses of every skill that was ever in a prompt, by name."""
        with self._database.read() as connection:
            rows = connection.execute(_COUNTED).all()
        return {name: _use(list(of_name)) for name, of_name in groupby(rows, key=lambda row: row.name)}

    def of_each(self, names: Collection[str]) -> Mapping[str, SkillUse]:
        """The uses of these skills, of those that were ever in a prompt."""
        with self._database.read() as connection:
            rows = connection.execute(_COUNTED.where(uses.c.name.in_(sorted(names)))).all()
        return {name: _use(list(of_name)) for name, of_name in groupby(rows, key=lambda row: row.name)}

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


def _use(rows: Sequence[Row[Any]]) -> SkillUse:
    """What the counts of a skill, by outcome and effect, make together."""
    outcomes: Counter[str | None] = Counter()
    effects: Counter[str | None] = Counter()
    for row in rows:
        outcomes[row.outcome] += row.times
        effects[row.effect] += row.times
    return SkillUse(
        uses=outcomes.total(),
        passed=outcomes["passed"],
        failed=outcomes["failed"] + outcomes["raised"],
        unchecked=outcomes["unchecked"],
        helped=effects[Effect.HELPED.value],
        hurt=effects[Effect.HURT.value],
    )
