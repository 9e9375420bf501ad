"""Trajectories in the store: recorded as they happen, read back as they were."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, case, func, insert, select, update

from metaclaw_jlab.core.errors import InvariantViolation, NotFound
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.score import ScoreSource, Scoring
from metaclaw_jlab.core.task import CheckResult
from metaclaw_jlab.core.trajectory import Purpose, Role, Step, StopReason, Trajectory
from metaclaw_jlab.store import admission, encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import Exact, generations, steps, trajectories
from metaclaw_jlab.store.trajectory_rows import (
    columns,
    end_columns,
    load_steps,
    load_trajectory,
    step_columns,
)

REMEMBERED = 64  # open trajectories whose last messages are kept in memory

_INSERT = insert(trajectories)
_APPEND = insert(steps)
_SOURCE = "$.source"
_SAID = and_(
    func.json_extract(trajectories.c.score, _SOURCE) == ScoreSource.USER.value,
    func.coalesce(func.json_extract(bindparam("score"), _SOURCE), "") != ScoreSource.USER.value,
)
_CLOSE = (
    update(trajectories)
    .where(trajectories.c.id == bindparam("key"), trajectories.c.stop.is_(None))
    .values({name: bindparam(name) for name in ("stop", "stop_detail", "checks", "seconds")})
    # A score that was given while it was open is kept where its end brings none, a user's word always.
    .values(
        score=case(
            (_SAID, trajectories.c.score), else_=func.coalesce(bindparam("score"), trajectories.c.score)
        ),
        own_score=case((_SAID, bindparam("score")), else_=trajectories.c.own_score),
    )
)
_LAST = select(func.max(steps.c.position)).where(steps.c.trajectory == trajectories.c.id).scalar_subquery()
_PROPOSED = (
    select(steps.c.position)
    .where(
        steps.c.trajectory == trajectories.c.id,
        steps.c.position == _LAST.correlate(trajectories),
        steps.c.observation.is_(None),
        steps.c.action != "",
        trajectories.c.purpose != "proxy",  # another agent's tools run elsewhere: nothing is proposed here
    )
    .correlate(trajectories)
    .exists()
)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many trajectories there are. `current_query` are the query ones of the current generation."""

    trajectories: int
    open: int
    stopped: Mapping[StopReason, int]
    roles: Mapping[Role, int]
    current_query: int


class Trajectories:
    """Implements core.trajectory.Recorder. `process` marks whose trajectories these are; threads may share it."""

    def __init__(self, database: Database, *, process: str = "") -> None:
        self._database = database
        self._process = process
        self._last_messages: OrderedDict[str, tuple[int, tuple[Message, ...]]] = OrderedDict()

    def begin(self, trajectory: Trajectory) -> None:
        """Record an open trajectory with its stamp and no steps. Raises InvariantViolation."""
        if trajectory.steps or trajectory.stop is not None:
            raise InvariantViolation("A trajectory begins open and without steps.", "Use record().")
        with self._database.write() as connection:
            connection.execute(_INSERT, columns(trajectory, self._process))

    def append(self, trajectory_id: str, step: Step) -> None:
        """Record the next step of an open trajectory. Raises InvariantViolation."""
        with self._database.write() as connection:
            before = self._messages_before(connection, trajectory_id, step.index)
            connection.execute(_APPEND, step_columns(trajectory_id, step, before))
        self._remember(trajectory_id, step)

    def close(
        self,
        trajectory_id: str,
        stop: StopReason,
        *,
        detail: str = "",
        checks: tuple[CheckResult, ...] = (),
        score: Scoring | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Record why the trajectory ended. Raises InvariantViolation where it had ended before, NotFound."""
        with self._database.write() as connection:
            closed = connection.execute(
                _CLOSE, end_columns(trajectory_id, stop, detail, checks, score, seconds)
            )
            if closed.rowcount == 0:
                _require(connection, trajectory_id)
                raise InvariantViolation(
                    f"Trajectory {trajectory_id} has ended before.", "Nothing was written."
                )
        self._last_messages.pop(trajectory_id, None)

    def record(self, trajectory: Trajectory) -> None:
        """Record a whole trajectory at once; open where `stop` is None. A role is not recorded: query is admitted,
        support is caused. Raises InvariantViolation."""
        if trajectory.role is not Role.NEITHER:
            raise InvariantViolation(
                f"A trajectory is not recorded as {trajectory.role.value}.",
                "Keep its start and admit() it, or commit the generation that it causes.",
            )
        with self._database.write() as connection:
            connection.execute(_INSERT, columns(trajectory, self._process))
            before: tuple[Message, ...] = ()
            rows = []
            for step in trajectory.steps:
                rows.append(step_columns(trajectory.id, step, before))
                before = step.messages
            if rows:
                connection.execute(_APPEND, rows)
            if trajectory.stop is not None:
                end = (trajectory.stop, trajectory.stop_detail, trajectory.checks, trajectory.score)
                connection.execute(_CLOSE, end_columns(trajectory.id, *end, trajectory.seconds))

    def observe(self, trajectory_id: str, step: Step) -> None:
        """Record the observation and scores of a step that was only proposed, and what ran in its place.

        Raises InvariantViolation, NotFound.
        """
        with self._database.write() as connection:
            _change_step(
                connection,
                trajectory_id,
                step.index,
                observation=encoding.dump_observation(step.observation),
                scores=encoding.dump_scores(step.scores),
                ran=step.ran,
            )

    def score_step(self, trajectory_id: str, index: int, score: Scoring) -> None:
        """Add a score to a step, at any time. Raises NotFound."""
        with self._database.write() as connection:
            found = connection.execute(
                select(steps.c.scores).where(steps.c.trajectory == trajectory_id, steps.c.position == index)
            ).scalar()
            scores = encoding.load_scores(found) if found is not None else ()
            _change_step(connection, trajectory_id, index, scores=encoding.dump_scores((*scores, score)))

    def score(self, trajectory_id: str, score: Scoring) -> None:
        """Change the score of a trajectory, at any time: late feedback changes nothing else. Raises NotFound."""
        with self._database.write() as connection:
            _change(connection, trajectory_id, score=encoding.dump_score(score))

    def admit(self, trajectory_id: str, *, held_out_share: float = admission.HELD_OUT_SHARE) -> bool:
        """Make it query, where it may be; else False, and `role_reason` says why not. Raises NotFound.

        What it started from has to be kept before. That share of what is admitted is held out for gates.
        """
        with self._database.write(durable=True) as connection:
            return admission.admit(connection, trajectory_id, held_out_share)

    def set_role_reason(self, trajectory_id: str, reason: str) -> None:
        """Say in a sentence why a trajectory has the role that it has. Raises NotFound."""
        with self._database.write() as connection:
            _change(connection, trajectory_id, role_reason=reason)

    def role_reason(self, trajectory_id: str) -> str:
        """Why a trajectory has its role, "" where nobody said. Raises NotFound."""
        query = select(trajectories.c.role_reason).where(trajectories.c.id == trajectory_id)
        with self._database.read() as connection:
            found = connection.execute(query).scalar()
        if found is None:
            raise _missing(trajectory_id)
        return str(found)

    def waiting(self, notebook: str | None = None, limit: int = 20) -> tuple[Trajectory, ...]:
        """At most `limit` open ones whose last step is a proposal that was not run, the newest first."""
        query = select(trajectories).where(trajectories.c.stop.is_(None), _PROPOSED)
        query = query.order_by(trajectories.c.number.desc()).limit(limit)
        # The open ones are few, those of a notebook may be many: no index by notebook here.
        of = func.coalesce(trajectories.c.notebook, "", type_=Exact) == notebook
        return self._load(query if notebook is None else query.where(of))

    def expire(self, before: float) -> tuple[str, ...]:
        """Close the waiting ones begun before that time (seconds since the epoch), and return their ids."""
        table = trajectories.c
        late = (table.stop.is_(None), table.created_at < before, _PROPOSED)
        with self._database.read() as connection:
            if connection.execute(select(table.id).where(*late).limit(1)).first() is None:
                return ()
        with self._database.write() as connection:
            ids = connection.execute(select(table.id).where(*late).order_by(table.number)).scalars().all()
            _end(connection, ids, StopReason.EXPIRED, "Its proposed cell was never run.")
        return tuple(ids)

    def forget(self, trajectory_id: str) -> None:
        """Delete a trajectory and all that hangs on it. Raises InvariantViolation where it is support, NotFound."""
        with self._database.write() as connection:
            deleted = connection.execute(trajectories.delete().where(trajectories.c.id == trajectory_id))
            if deleted.rowcount == 0:
                raise _missing(trajectory_id)

    def get(self, trajectory_id: str) -> Trajectory:
        """The trajectory of this id. Raises NotFound."""
        found = self._load(select(trajectories).where(trajectories.c.id == trajectory_id))
        if not found:
            raise _missing(trajectory_id)
        return found[0]

    def recent(
        self, limit: int, notebook: str | None = None, purposes: Collection[Purpose] = ()
    ) -> tuple[Trajectory, ...]:
        """At most `limit` trajectories, the newest first, of one notebook and of these purposes where given."""
        query = select(trajectories).order_by(trajectories.c.number.desc()).limit(limit)
        if purposes:
            query = query.where(trajectories.c.purpose.in_([purpose.value for purpose in purposes]))
        return self._load(query if notebook is None else query.where(trajectories.c.notebook == notebook))

    def process_of(self, trajectory_id: str) -> str:
        """The mark of the process that began it, "" where it is not known. Raises NotFound."""
        query = select(trajectories.c.process).where(trajectories.c.id == trajectory_id)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise _missing(trajectory_id)
        return str(row.process)

    def steps_of(self, trajectory_id: str) -> int:
        """How many steps it has; 0 where it is not there."""
        with self._database.read() as connection:
            return connection.execute(
                select(func.count()).where(steps.c.trajectory == trajectory_id)
            ).scalar_one()

    def last(self, notebook: str | None = None) -> Trajectory | None:
        """The newest trajectory, of one notebook where it is given."""
        return next(iter(self.recent(1, notebook)), None)

    def counts(self) -> Counts:
        """How many there are, by how they ended and by role."""
        table = trajectories.c
        current = select(func.max(generations.c.number)).scalar_subquery()
        with self._database.read() as connection:
            stops = connection.execute(select(table.stop, func.count()).group_by(table.stop)).all()
            roles = connection.execute(select(table.role, func.count()).group_by(table.role)).all()
            query = connection.execute(
                select(func.count()).where(table.role == Role.QUERY.value, table.skill_generation == current)
            ).scalar_one()
        return Counts(
            trajectories=sum(count for _, count in stops),
            open=sum(count for stop, count in stops if stop is None),
            stopped={StopReason(stop): count for stop, count in stops if stop is not None},
            roles=dict.fromkeys(Role, 0) | {Role(role): count for role, count in roles},
            current_query=query,
        )

    def interrupt_orphans(self, alive: Callable[[str], bool]) -> tuple[str, ...]:
        """Close the open trajectories whose process is not alive, and return their ids.

        Those without a mark of a process, and those with a proposal that waits to be run, are left alone.
        """
        table = trajectories.c
        opened = select(table.id, table.process).where(table.stop.is_(None), table.process != "", ~_PROPOSED)
        with self._database.read() as connection:
            orphans = [row.id for row in connection.execute(opened) if not alive(row.process)]
        if orphans:
            with self._database.write() as connection:
                _end(connection, orphans, StopReason.INTERRUPTED, "Its process ended.")
        return tuple(orphans)

    def _messages_before(self, connection: Connection, trajectory_id: str, index: int) -> tuple[Message, ...]:
        """The messages of the step before; empty where there is none."""
        if index == 0:
            return ()
        known = self._last_messages.get(trajectory_id)
        if known is not None and known[0] == index - 1:
            return known[1]
        loaded = load_steps(connection, [trajectory_id]).get(trajectory_id, [])
        return loaded[-1].messages if loaded else ()

    def _remember(self, trajectory_id: str, step: Step) -> None:
        self._last_messages[trajectory_id] = (step.index, step.messages)
        while len(self._last_messages) > REMEMBERED:
            self._last_messages.popitem(last=False)

    def _load(self, query: Select[Any]) -> tuple[Trajectory, ...]:
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            of_id = load_steps(connection, [row.id for row in rows])
        return tuple(load_trajectory(row, tuple(of_id.get(row.id, ()))) for row in rows)


def _end(connection: Connection, ids: Sequence[str], stop: StopReason, detail: str) -> None:
    connection.execute(
        update(trajectories)
        .where(trajectories.c.id.in_(ids), trajectories.c.stop.is_(None))
        .values(stop=stop.value, stop_detail=detail)
    )


def _change(connection: Connection, trajectory_id: str, **values: object) -> None:
    changed = connection.execute(
        update(trajectories).where(trajectories.c.id == trajectory_id).values(**values)
    )
    if changed.rowcount == 0:
        raise _missing(trajectory_id)


def _change_step(connection: Connection, trajectory_id: str, index: int, **values: object) -> None:
    where = (steps.c.trajectory == trajectory_id, steps.c.position == index)
    if connection.execute(update(steps).where(*where).values(**values)).rowcount == 0:
        raise NotFound(f"Trajectory {trajectory_id} has no step {index}.")


def _require(connection: Connection, trajectory_id: str) -> None:
    if (
        connection.execute(select(trajectories.c.number).where(trajectories.c.id == trajectory_id)).first()
        is None
    ):
        raise _missing(trajectory_id)


def _missing(trajectory_id: str) -> NotFound:
    return NotFound(f"There is no trajectory {trajectory_id!r}.", "%metaclaw why names the last one.")
