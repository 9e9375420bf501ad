"""Trajectories in the store: recorded as they happen, read back as they were."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update

from metaclaw_jlab.core.errors import InvariantViolation, NotFound
from metaclaw_jlab.core.policy import Message, Usage
from metaclaw_jlab.core.score import Scoring
from metaclaw_jlab.core.task import CheckResult, Origin
from metaclaw_jlab.core.trajectory import Purpose, Role, Stamp, Step, StopReason, Trajectory
from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import generations, steps, trajectories

REMEMBERED = 64  # open trajectories whose last messages are kept in memory

_INSERT = insert(trajectories)
_APPEND = insert(steps)
_CLOSE = (
    update(trajectories)
    .where(trajectories.c.id == bindparam("key"), trajectories.c.stop.is_(None))
    .values({name: bindparam(name) for name in ("stop", "stop_detail", "checks", "seconds")})
    # A score that was given while it was open is kept where its end brings none.
    .values(score=func.coalesce(bindparam("score"), trajectories.c.score))
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
            connection.execute(_INSERT, self._columns(trajectory))

    def append(self, trajectory_id: str, step: Step) -> None:
        """Record the next step of an open trajectory. Raises InvariantViolation."""
        with self._database.write() as connection:
            before = self._messages_before(connection, trajectory_id, step.index)
            connection.execute(_APPEND, _step_columns(trajectory_id, step, before))
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
                _CLOSE, _end_columns(trajectory_id, stop, detail, checks, score, seconds)
            )
            if closed.rowcount == 0:
                _require(connection, trajectory_id)
                raise InvariantViolation(
                    f"Trajectory {trajectory_id} has ended before.", "Nothing was written."
                )
        self._last_messages.pop(trajectory_id, None)

    def record(self, trajectory: Trajectory) -> None:
        """Record a whole trajectory at once; open where `stop` is None. Support is not recorded, it is caused."""
        with self._database.write(durable=trajectory.role is not Role.NEITHER) as connection:
            connection.execute(_INSERT, self._columns(trajectory))
            before: tuple[Message, ...] = ()
            rows = []
            for step in trajectory.steps:
                rows.append(_step_columns(trajectory.id, step, before))
                before = step.messages
            if rows:
                connection.execute(_APPEND, rows)
            if trajectory.stop is not None:
                end = (trajectory.stop, trajectory.stop_detail, trajectory.checks, trajectory.score)
                connection.execute(_CLOSE, _end_columns(trajectory.id, *end, trajectory.seconds))
            if trajectory.role is not Role.NEITHER:
                _change(connection, trajectory.id, role=trajectory.role.value)

    def observe(self, trajectory_id: str, step: Step) -> None:
        """Record the observation and scores of a step that was only proposed. Raises InvariantViolation, NotFound."""
        with self._database.write() as connection:
            _change_step(
                connection,
                trajectory_id,
                step.index,
                observation=encoding.dump_observation(step.observation),
                scores=encoding.dump_scores(step.scores),
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

    def forget(self, trajectory_id: str) -> None:
        """Delete a trajectory and its steps. Raises InvariantViolation where it is support, NotFound."""
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

    def recent(self, limit: int, notebook: str | None = None) -> tuple[Trajectory, ...]:
        """At most `limit` trajectories, the newest first, of one notebook where it is given."""
        query = select(trajectories).order_by(trajectories.c.number.desc()).limit(limit)
        return self._load(query if notebook is None else query.where(trajectories.c.notebook == notebook))

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

        Those without a mark of a process are left alone.
        """
        table = trajectories.c
        opened = select(table.id, table.process).where(table.stop.is_(None), table.process != "")
        with self._database.read() as connection:
            orphans = [row.id for row in connection.execute(opened) if not alive(row.process)]
        if orphans:
            with self._database.write() as connection:
                connection.execute(
                    update(trajectories)
                    .where(table.id.in_(orphans), table.stop.is_(None))
                    .values(stop=StopReason.INTERRUPTED.value, stop_detail="Its process ended.")
                )
        return tuple(orphans)

    def _columns(self, trajectory: Trajectory) -> dict[str, object]:
        task, stamp = trajectory.task, trajectory.stamp
        return {
            "id": trajectory.id,
            "notebook": task.origin.notebook,
            "cell_id": task.origin.cell_id,
            "text_sha256": task.text_sha256,
            "task": encoding.dump_task(task),
            "skill_generation": stamp.skill_generation,
            "skills": encoding.dump_injected(stamp.skills),
            "model": stamp.model,
            "adapter": stamp.adapter,
            "seed": stamp.seed,
            "purpose": trajectory.purpose.value,
            "created_at": trajectory.created_at,
            "process": self._process,
            "role": Role.NEITHER.value,
            "role_reason": "",
            "stop_detail": trajectory.stop_detail,
            "checks": encoding.dump_checks(trajectory.checks),
            "seconds": trajectory.seconds,
            "score": encoding.dump_score(trajectory.score),
        }

    def _messages_before(self, connection: Connection, trajectory_id: str, index: int) -> tuple[Message, ...]:
        """The messages of the step before; empty where there is none."""
        if index == 0:
            return ()
        known = self._last_messages.get(trajectory_id)
        if known is not None and known[0] == index - 1:
            return known[1]
        loaded = _load_steps(connection, [trajectory_id]).get(trajectory_id, [])
        return loaded[-1].messages if loaded else ()

    def _remember(self, trajectory_id: str, step: Step) -> None:
        self._last_messages[trajectory_id] = (step.index, step.messages)
        while len(self._last_messages) > REMEMBERED:
            self._last_messages.popitem(last=False)

    def _load(self, query: Select[Any]) -> tuple[Trajectory, ...]:
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            of_id = _load_steps(connection, [row.id for row in rows])
        return tuple(_trajectory(row, tuple(of_id.get(row.id, ()))) for row in rows)


def _end_columns(
    trajectory_id: str,
    stop: StopReason,
    detail: str,
    checks: tuple[CheckResult, ...],
    score: Scoring | None,
    seconds: float,
) -> dict[str, object]:
    return {
        "key": trajectory_id,
        "stop": stop.value,
        "stop_detail": detail,
        "checks": encoding.dump_checks(checks),
        "score": encoding.dump_score(score),
        "seconds": seconds,
    }


def _step_columns(trajectory_id: str, step: Step, before: tuple[Message, ...]) -> dict[str, object]:
    shared = _shared(before, step.messages)
    return {
        "trajectory": trajectory_id,
        "position": step.index,
        "shared": shared,
        "messages": encoding.dump_messages(step.messages[shared:]),
        "reply": step.reply,
        "action": step.action,
        "observation": encoding.dump_observation(step.observation),
        "scores": encoding.dump_scores(step.scores),
        "prompt_tokens": step.usage.prompt_tokens,
        "completion_tokens": step.usage.completion_tokens,
        "policy_seconds": step.policy_seconds,
    }


def _shared(before: Sequence[Message], now: Sequence[Message]) -> int:
    """How many messages two prompts have in common at their beginning: a prompt repeats the one before it."""
    for count, (old, new) in enumerate(zip(before, now, strict=False)):
        if old != new:
            return count
    return min(len(before), len(now))


def _load_steps(connection: Connection, ids: Iterable[str]) -> dict[str, list[Step]]:
    query = (
        select(steps).where(steps.c.trajectory.in_(list(ids))).order_by(steps.c.trajectory, steps.c.position)
    )
    found: dict[str, list[Step]] = {}
    for row in connection.execute(query):
        of_trajectory = found.setdefault(row.trajectory, [])
        before = of_trajectory[-1].messages if of_trajectory else ()
        of_trajectory.append(
            Step(
                index=row.position,
                messages=before[: row.shared] + encoding.load_messages(row.messages),
                reply=row.reply,
                action=row.action,
                observation=encoding.load_observation(row.observation),
                scores=encoding.load_scores(row.scores),
                usage=Usage(row.prompt_tokens, row.completion_tokens),
                policy_seconds=row.policy_seconds,
            )
        )
    return found


def _trajectory(row: Row[Any], of_row: tuple[Step, ...]) -> Trajectory:
    return Trajectory(
        id=row.id,
        task=encoding.load_task(row.task, Origin(row.notebook, row.cell_id)),
        stamp=Stamp(
            row.skill_generation, encoding.load_injected(row.skills), row.model, row.adapter, row.seed
        ),
        purpose=Purpose(row.purpose),
        steps=of_row,
        stop=None if row.stop is None else StopReason(row.stop),
        stop_detail=row.stop_detail,
        checks=encoding.load_checks(row.checks),
        score=encoding.load_score(row.score),
        role=Role(row.role),
        created_at=row.created_at,
        seconds=row.seconds,
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
