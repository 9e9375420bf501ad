"""What a task may be used for: to evolve skills, to train the policy, to gate a training, or for nothing, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclaw_jlab.core.trajectory import Purpose, Role, Trajectory
from metaclaw_jlab.inspection import turns
from metaclaw_jlab.inspection.lines import one_line

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace

COLUMNS = 160
NOT_KEPT = "what it started from was not kept, so it could not be done again to train on"
OLDER = "it ran under skill generation {ran} and {current} is current; its task may be attempted again in training"
PENDING = "it failed, and waits to be learnt from first"
MEASURES = "it was run to compare, not to learn from"
HELD_OUT = "held out: it only measures what a training made of the policy"
DRAINED = "training run {run} took it"
UNCHECKED = "no check tells whether an attempt is right, so it waits for a judge (training.judged)"
NOT_LOOKED_AT = "it is taken in when there is time beside your work (`evolve` does it now)"
ROLES = {
    Role.NEITHER: "neither support nor query",
    Role.SUPPORT: "support: a skill came from it, so it never trains the policy",
    Role.QUERY: "query: it may train the policy while its skill generation is the current one",
}


def role_in_words(trajectory: Trajectory, reason: str) -> str:
    """What the task may be used for, and why."""
    if not trajectory.learn and trajectory.purpose is Purpose.PROXY:
        return turns.NO_LESSON
    if not trajectory.learn:
        return "neither: learning was off when it was asked"
    judged = trajectory.role is Role.QUERY and trajectory.purpose is Purpose.PROXY
    told = turns.QUERY if judged else ROLES[trajectory.role]
    return f"{told} ({one_line(reason, COLUMNS)})" if reason else told


def role_reason(workspace: Workspace, trajectory: Trajectory, *, pending: bool = False) -> str:
    """Why a trajectory has its role, or what became of it in that role, in a sentence. `pending`: its failure waits."""
    said = workspace.trajectories().role_reason(trajectory.id)
    if trajectory.role is Role.QUERY:
        return _of_query(workspace, trajectory)
    if said or trajectory.role is Role.SUPPORT or trajectory.stop is None:
        return said
    return _of_neither(workspace, trajectory, pending=pending)


def _of_query(workspace: Workspace, trajectory: Trajectory) -> str:
    from metaclaw_jlab.store.query import Query

    if (run := _run_that_took(workspace, trajectory.id)) is not None:
        return DRAINED.format(run=run)
    if older := _older(workspace, trajectory):
        return older
    if Query(workspace.database()).is_held_out(trajectory.id):
        return HELD_OUT
    if trajectory.purpose is Purpose.PROXY:
        return turns.why_query(workspace)
    checked = bool(trajectory.task.checks) or workspace.settings().training.judged
    return "" if checked else UNCHECKED


def _of_neither(workspace: Workspace, trajectory: Trajectory, *, pending: bool) -> str:
    from metaclaw_jlab.learning.admission import ADMISSIBLE, why_not
    from metaclaw_jlab.store.start_states import StartStates

    if trajectory.purpose is Purpose.PROXY:
        return turns.why_no_role(workspace, trajectory, pending=pending)
    if trajectory.purpose not in ADMISSIBLE:
        return MEASURES
    if not StartStates(workspace.database()).of([trajectory.id]):
        return NOT_KEPT
    if pending:
        return PENDING
    return _older(workspace, trajectory) or why_not(trajectory) or NOT_LOOKED_AT


def _older(workspace: Workspace, trajectory: Trajectory) -> str:
    from metaclaw_jlab.store.skills import Skills

    current = Skills(workspace.database()).current_generation().number
    ran = trajectory.stamp.skill_generation
    return OLDER.format(ran=ran, current=current) if ran != current else ""


def _run_that_took(workspace: Workspace, trajectory_id: str) -> int | None:
    from sqlalchemy import func, select

    from metaclaw_jlab.store.training_schema import drained

    query = select(func.max(drained.c.run)).where(drained.c.trajectory == trajectory_id)
    with workspace.database().read() as connection:
        found: int | None = connection.execute(query).scalar_one()
    return found
