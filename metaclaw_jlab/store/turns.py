"""The turns of other agents in the store: each is a trajectory, of a session, by a client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Row, bindparam, func, insert, select, update

from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.score import Score, ScoreSource, Scoring
from metaclaw_jlab.core.trajectory import Purpose, Role, StopReason, Trajectory
from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.host_schema import turns
from metaclaw_jlab.store.schema import generations, steps, trajectories
from metaclaw_jlab.store.trajectory_rows import columns, step_columns

MAIN = "main"


_BEGIN, _TURN, _STEP = insert(trajectories), insert(turns), insert(steps)
_HEARD = select(turns.c.at).where(turns.c.trajectory == bindparam("key")).scalar_subquery()
_CREATED = trajectories.c.created_at
_CLOSE = (
    update(trajectories)
    .where(
        trajectories.c.id == bindparam("key"),
        trajectories.c.purpose == Purpose.PROXY.value,
        trajectories.c.stop.is_(None),
    )
    .values(
        stop=bindparam("end"),
        stop_detail=bindparam("detail"),
        seconds=func.max(0.0, func.coalesce(_HEARD, _CREATED) - _CREATED),
    )
)


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn a trajectory is. `kind` is main or side; `client` the id of a key, "" for Jupyter's own token;
    `conversation` the hash of the conversation up to its last reply; `at` when it was last heard of."""

    trajectory: str
    session: str
    kind: str = MAIN
    client: str = ""
    conversation: str = ""
    at: float = 0.0


class Turns:
    """The turns of a home. Their steps are in store.trajectories."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, trajectory: Trajectory, turn: Turn) -> None:
        """Record a turn, with the steps that it has so far; over where `stop` says so. All of it, or nothing.

        No process owns it: it is over when its conversation is. Raises InvariantViolation.
        """
        with self._database.write() as connection:
            connection.execute(_BEGIN, columns(trajectory, ""))
            connection.execute(
                _TURN,
                {
                    "trajectory": turn.trajectory,
                    "session": turn.session,
                    "kind": turn.kind,
                    "client": turn.client,
                    "conversation": turn.conversation,
                    "at": turn.at,
                },
            )
            before: tuple[Message, ...] = ()
            for step in trajectory.steps:
                connection.execute(_STEP, step_columns(trajectory.id, step, before))
                before = step.messages
            if trajectory.stop is not None:
                connection.execute(_CLOSE, _end(trajectory.id, trajectory.stop, trajectory.stop_detail))

    def went_on(self, trajectory_id: str, conversation: str, at: float) -> None:
        """Remember the last reply of a turn, and when it came."""
        change = update(turns).where(turns.c.trajectory == trajectory_id)
        with self._database.write() as connection:
            connection.execute(change.values(conversation=conversation, at=at))

    def close(self, trajectory_id: str, stop: StopReason, detail: str = "") -> bool:
        """Record why a turn is over, with the seconds from its first request to its last reply; false where that was
        recorded before, or there is no such turn."""
        with self._database.write() as connection:
            return bool(connection.execute(_CLOSE, _end(trajectory_id, stop, detail)).rowcount)

    def of(self, trajectory_id: str) -> Turn | None:
        """Whose turn a trajectory is, None where it is none."""
        with self._database.read() as connection:
            row = connection.execute(select(turns).where(turns.c.trajectory == trajectory_id)).first()
        return None if row is None else _loaded(row)

    def of_session(self, session: str, client: str = "") -> tuple[Turn, ...]:
        """The turns of a session, the oldest first."""
        query = (
            select(turns)
            .join(trajectories, trajectories.c.id == turns.c.trajectory)
            .where(turns.c.session == session, turns.c.client == client)
            .order_by(trajectories.c.number)
        )
        with self._database.read() as connection:
            return tuple(map(_loaded, connection.execute(query)))

    def session_of(self, conversations: Sequence[str], client: str) -> str | None:
        """The session of the first of these conversations (hashes) that is known, as a client had it."""
        query = select(turns.c.conversation, turns.c.session).where(
            turns.c.conversation.in_(conversations), turns.c.client == client
        )
        with self._database.read() as connection:
            known = {row.conversation: str(row.session) for row in connection.execute(query)}
        return next((known[one] for one in conversations if one in known), None)

    def silent(self, before: float) -> tuple[str, ...]:
        """The open turns that nothing was heard of since that time, the oldest first."""
        return self._ids(trajectories.c.stop.is_(None), turns.c.at < before)

    def unscored(self, limit: int) -> tuple[str, ...]:
        """At most `limit` main turns that came to their end, may teach and have no score, the newest first."""
        table = trajectories.c
        return self._ids(
            turns.c.kind == MAIN,
            table.stop == StopReason.DONE.value,
            table.learn == 1,
            table.score.is_(None),
            newest=limit,
        )

    def pending(self) -> tuple[str, ...]:
        """The turns that failed and wait to be learnt from, the oldest first."""
        table = trajectories.c
        return self._ids(table.unsettled == 1, table.drained_at.is_(None), table.role != Role.SUPPORT.value)

    def admissible(self) -> tuple[str, ...]:
        """Main turns of the current skill generation that ended well, may teach, were scored by a judge, and whose
        failure was decided on: what may be query where the user allows it."""
        table = trajectories.c
        current = select(func.max(generations.c.number)).scalar_subquery()
        return self._ids(
            turns.c.kind == MAIN,
            table.role == Role.NEITHER.value,
            table.skill_generation == current,
            table.stop == StopReason.DONE.value,
            table.learn == 1,
            table.unsettled == 0,
            table.role_reason == "",
            func.json_extract(func.coalesce(table.own_score, table.score), "$.source") == "judge",
        )

    def score(self, trajectory_id: str, score: Scoring) -> bool:
        """What a judge says of a turn; where the user has said something, their word stays. Whether it was new.

        Where it says that the turn went wrong, the failure waits from then on to be learnt from.
        """
        table = trajectories.c
        where = (table.id == trajectory_id, table.purpose == Purpose.PROXY.value, table.own_score.is_(None))
        with self._database.write() as connection:
            found = connection.execute(select(table.score).where(*where)).first()
            if found is None:
                return False
            known = encoding.load_score(found.score)
            # A user's word is kept, and what it took the place of is known to whoever takes it back.
            by_user = isinstance(known, Score) and known.source is ScoreSource.USER
            if isinstance(known, Score) and not by_user:
                return False
            column = "own_score" if by_user else "score"
            change = update(trajectories).where(*where)
            connection.execute(change.values({column: encoding.dump_score(score)}))
        return True

    def counts(self) -> dict[str, int]:
        """How many turns there are, by kind."""
        with self._database.read() as connection:
            rows = connection.execute(select(turns.c.kind, func.count()).group_by(turns.c.kind)).all()
        return {str(kind): int(count) for kind, count in rows}

    def _ids(self, *where: ColumnElement[bool], newest: int | None = None) -> tuple[str, ...]:
        number = trajectories.c.number
        query = select(trajectories.c.id).join(turns, turns.c.trajectory == trajectories.c.id).where(*where)
        query = query.order_by(number) if newest is None else query.order_by(number.desc()).limit(newest)
        with self._database.read() as connection:
            return tuple(connection.execute(query).scalars())


def _end(trajectory_id: str, stop: StopReason, detail: str) -> dict[str, str]:
    return {"key": trajectory_id, "end": stop.value, "detail": detail}


def _loaded(row: Row[tuple[object, ...]]) -> Turn:
    return Turn(row.trajectory, row.session, row.kind, row.client, row.conversation, row.at)
