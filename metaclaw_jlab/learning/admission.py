"""Takes tasks that have ended into the query set: what passed, and failures that no skill answered anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import func, select

from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.trajectory import Purpose, Role, StopReason, Trajectory
from metaclaw_jlab.store.admission import HELD_OUT_SHARE
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import generations, trajectories
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.trajectories import Trajectories

ADMISSIBLE = (Purpose.USER, Purpose.RETRY)
_AT_ONCE = 500  # ids in one query
_BROKEN_OFF = {
    StopReason.CANCELLED: "It was stopped, so nobody knows whether it was meant.",
    StopReason.EXPIRED: "Its proposal was never run, so nobody knows whether it was meant.",
    StopReason.POLICY_FAILED: "It broke off: the policy did not answer.",
    StopReason.EXECUTOR_FAILED: "It broke off: its code could not be run.",
    StopReason.INTERRUPTED: "It broke off: its process ended.",
}


def admit_settled(
    database: Database,
    ids: Sequence[str] | None = None,
    *,
    pending: bool = False,
    held_out_share: float = HELD_OUT_SHARE,
) -> int:
    """Admit those of `ids` (None: of all) that have ended, whose failure was decided on, and whose start is kept.

    `pending`: failures that wait are admitted as well, because nothing makes skills of them. Returns how many were
    admitted. Where one is refused its `role_reason` says why; one that has a reason is not looked at again.
    """
    store = Trajectories(database)
    admitted = 0
    for trajectory_id in _candidates(database, ids, pending=pending):
        if refusal := why_not(store.get(trajectory_id)):
            store.set_role_reason(trajectory_id, refusal)
        else:
            admitted += store.admit(trajectory_id, held_out_share=held_out_share)
    return admitted


def why_not(trajectory: Trajectory) -> str:
    """Why an ended task of a user is no task to train on, in a sentence; "" where it is one."""
    if not trajectory.steps:
        return "It broke off before its policy had answered."
    judged = isinstance(trajectory.score, Score) and trajectory.score.source is ScoreSource.USER
    if trajectory.stop is None or judged:
        return ""
    return _BROKEN_OFF.get(trajectory.stop, "")


def _candidates(database: Database, ids: Sequence[str] | None, *, pending: bool) -> list[str]:
    table = trajectories.c
    query = (
        select(table.id)
        .where(
            table.role == Role.NEITHER.value,
            table.skill_generation == select(func.max(generations.c.number)).scalar_subquery(),
            table.stop.is_not(None),
            table.learn == 1,
            table.role_reason == "",
            table.purpose.in_(ADMISSIBLE),
        )
        .order_by(table.number)
    )
    if not pending:
        query = query.where(table.unsettled == 0)
    with database.read() as connection:
        if ids is None:
            found = list(connection.execute(query).scalars())
        else:
            asked = [query.where(table.id.in_(some)) for some in _portions(ids)]
            found = [id_ for one in asked for id_ in connection.execute(one).scalars()]
    kept = StartStates(database).of(found)
    return [id_ for id_ in found if id_ in kept]


def _portions(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
