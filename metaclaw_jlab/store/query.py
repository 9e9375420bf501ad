"""The query set: what may train the policy under the current skill generation, and what is held out for gates."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, text

from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.store import admission, encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import trajectories
from metaclaw_jlab.store.training_schema import drained
from metaclaw_jlab.store.trigger_sql import CURRENT, LIVE_RUN, may_teach, trainable

# Hashes of the injected skills; their relevance does not matter.
_SKILLS = "(SELECT group_concat(json_extract(value, '$[1]')) FROM json_each(skills))"
# A run that failed changed no weights: what it took may be taken again.
_TAKEN = (
    "EXISTS (SELECT 1 FROM drained JOIN training_runs ON training_runs.number = drained.run\n"
    "  WHERE drained.trajectory = trajectories.id AND training_runs.state <> 'failed')"
)
_ALIKE = "text_sha256, starts.sha256, " + _SKILLS
_QUERY = (
    f"SELECT id, number, {_TAKEN} AS taken, row_number() OVER (PARTITION BY {_ALIKE} ORDER BY number DESC) AS place\n"
    "  FROM trajectories CROSS JOIN starts ON starts.trajectory = trajectories.id\n"
    f"  WHERE role = 'query' AND skill_generation = {CURRENT} AND held_out = :held_out"
)
_OF_SHARE = text(f"SELECT id FROM ({_QUERY}) WHERE place = 1 AND NOT taken ORDER BY number")

_OLDER = text(
    "SELECT id FROM (SELECT id, number,\n"
    "    row_number() OVER (PARTITION BY notebook, cell_id, text_sha256 ORDER BY number DESC) AS place\n"
    "  FROM trajectories WHERE EXISTS (SELECT 1 FROM starts WHERE trajectory = trajectories.id)\n"
    "    AND learn = 1 AND purpose IN ('user', 'retry') AND stop IS NOT NULL\n"
    f"    AND skill_generation < {CURRENT} AND NOT EXISTS (SELECT 1 FROM trajectories now\n"
    "      WHERE now.text_sha256 = trajectories.text_sha256 AND now.notebook IS trajectories.notebook\n"
    "        AND now.cell_id IS trajectories.cell_id AND now.purpose IN ('user', 'retry')\n"
    f"        AND now.skill_generation = {CURRENT})\n"
    ") WHERE place = 1 ORDER BY number DESC LIMIT :limit"
)

_DRAIN = text(
    "INSERT INTO drained (run, trajectory, at) SELECT :run, id, :at FROM trajectories\n"
    f"WHERE id IN (SELECT value FROM json_each(:ids)) AND {trainable('trajectories')} AND NOT {_TAKEN}\n"
    f"  AND EXISTS (SELECT 1 FROM training_runs WHERE number = :run AND {LIVE_RUN})\n"
    "  AND NOT EXISTS (SELECT 1 FROM drained WHERE drained.run = :run AND drained.trajectory = trajectories.id)\n"
    "RETURNING trajectory"
)
_TRAINABLE = text(
    "SELECT trajectory FROM drained CROSS JOIN trajectories ON trajectories.id = drained.trajectory\n"
    f"WHERE drained.run = :run AND {trainable('trajectories')}\n"
    f"  AND EXISTS (SELECT 1 FROM training_runs WHERE number = :run AND {LIVE_RUN})"
)
_GENERATION = text(f"SELECT skill_generation = {CURRENT} FROM training_runs WHERE number = :run")

_DRAINED = text("SELECT count(DISTINCT trajectory) FROM drained")
_OUTDATED = text(
    f"SELECT count(*) FROM trajectories WHERE role = 'query' AND skill_generation < {CURRENT} AND drained_at IS NULL"
)
_WITHOUT_START = text(
    f"SELECT count(*) FROM trajectories WHERE role IN ('neither', 'query') AND skill_generation = {CURRENT}\n"
    f"  AND stop IS NOT NULL AND {may_teach('trajectories')}\n"
    "  AND purpose <> 'proxy' AND NOT EXISTS (SELECT 1 FROM starts WHERE trajectory = trajectories.id)"
)


@dataclass(frozen=True, slots=True)
class QueryCounts:
    """`waiting` and `held_out` are of the current skill generation, `drained` were ever taken by a run, `outdated` are
    of older generations and were never taken; `without_start` could be query, had their start been kept."""

    waiting: int
    held_out: int
    drained: int
    outdated: int
    without_start: int


class Query:
    """The query trajectories of the store. The current skill generation is looked up whenever something is asked."""

    def __init__(
        self,
        database: Database,
        *,
        held_out_share: float = admission.HELD_OUT_SHARE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._held_out_share = held_out_share
        self._clock = clock

    def admit(self, trajectory_id: str) -> bool:
        """Make a trajectory query, held out or not; else False, and `role_reason` says why. Raises NotFound."""
        with self._database.write(durable=True) as connection:
            return admission.admit(connection, trajectory_id, self._held_out_share)

    def waiting(self) -> tuple[str, ...]:
        """What may train the policy now, the oldest first; of those alike in text, start and skills the newest."""
        with self._database.read() as connection:
            return _of_share(connection, 0)

    def held_out(self) -> tuple[str, ...]:
        """What a gate may use now, the oldest first; of those alike in text, start and skills the newest."""
        with self._database.read() as connection:
            return _of_share(connection, 1)

    def is_held_out(self, trajectory_id: str) -> bool:
        """Whether it is kept for gates: decided when it became query, False for what never did. Raises NotFound."""
        query = select(trajectories.c.held_out).where(trajectories.c.id == trajectory_id)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFound(f"There is no trajectory {trajectory_id!r}.", "%metaclaw why names the last one.")
        return bool(row.held_out)

    def drain(self, ids: Iterable[str], run: int) -> tuple[str, ...]:
        """Take these for a training run, in one transaction, and return those taken, in the order given.

        Those that do not qualify (any more) are left out; all of them where the run is over or superseded. Raises
        NotFound where there is no such run.
        """
        wanted = tuple(dict.fromkeys(ids))
        values = {"run": run, "ids": encoding.dump(wanted), "at": self._clock()}
        with self._database.write(durable=True) as connection:
            _current(connection, run)
            taken = set(connection.execute(_DRAIN, values).scalars())
        return tuple(id_ for id_ in wanted if id_ in taken)

    def drained(self, run: int) -> tuple[str, ...]:
        """What a run has taken, the oldest first."""
        query = (
            select(drained.c.trajectory)
            .join(trajectories, trajectories.c.id == drained.c.trajectory)
            .where(drained.c.run == run)
            .order_by(trajectories.c.number)
        )
        with self._database.read() as connection:
            return tuple(connection.execute(query).scalars())

    def trainable(self, run: int) -> frozenset[str]:
        """What a run has taken and may still train on: nothing once it is over or its generation superseded."""
        with self._database.read() as connection:
            return frozenset(connection.execute(_TRAINABLE, {"run": run}).scalars())

    def still_current(self, run: int) -> bool:
        """Whether the skill generation of a run is the current one. Raises NotFound."""
        with self._database.read() as connection:
            return _current(connection, run)

    def older(self, limit: int) -> tuple[str, ...]:
        """At most `limit` trajectories of older generations whose task was not attempted under the current one.

        One a task, with a start state, the newest first.
        """
        with self._database.read() as connection:
            return tuple(connection.execute(_OLDER, {"limit": limit}).scalars())

    def counts(self) -> QueryCounts:
        """How many there are, at one moment."""
        with self._database.read() as connection:
            return QueryCounts(
                waiting=len(_of_share(connection, 0)),
                held_out=len(_of_share(connection, 1)),
                drained=_count(connection, _DRAINED),
                outdated=_count(connection, _OUTDATED),
                without_start=_count(connection, _WITHOUT_START),
            )


def _of_share(connection: Connection, held_out: int) -> tuple[str, ...]:
    return tuple(connection.execute(_OF_SHARE, {"held_out": held_out}).scalars())


def _count(connection: Connection, query: Any) -> int:
    return int(connection.execute(query).scalar_one())


def _current(connection: Connection, run: int) -> bool:
    row = connection.execute(_GENERATION, {"run": run}).first()
    if row is None:
        raise NotFound(f"There is no training run {run}.")
    return bool(row[0])
