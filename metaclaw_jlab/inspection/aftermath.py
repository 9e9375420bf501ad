"""What became of a task once it had ended: what the user said of it, what was learnt from it, what it may train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.trajectory import Trajectory
from metaclaw_jlab.inspection.generations import describe_generation, in_words
from metaclaw_jlab.inspection.lines import local_time, one_line
from metaclaw_jlab.inspection.roles import role_reason

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace

COLUMNS = 110
KINDS = {
    FeedbackKind.GOOD: "you said that it was good",
    FeedbackKind.BAD: "you said that it was bad",
    FeedbackKind.EDITED: "you changed the proposed code before it ran",
    FeedbackKind.REJECTED: "you turned the proposal down",
}


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What became of a task, in sentences. `decision` is what its failure came to: pending, evolved, explained, kept;
    None where there is nothing to learn from. `said` is the feedback, the oldest first."""

    role_reason: str = ""
    decision: str | None = None
    became: str = ""
    said: tuple[str, ...] = ()


def aftermath(workspace: Workspace, trajectory: Trajectory) -> Aftermath:
    """What became of a trajectory."""
    decision, became = _learning(workspace, trajectory)
    return Aftermath(
        role_reason=role_reason(workspace, trajectory, pending=decision == "pending"),
        decision=decision,
        became=became,
        said=_all_said(workspace, trajectory.id),
    )


def _all_said(workspace: Workspace, trajectory_id: str) -> tuple[str, ...]:
    """What was said, the oldest first; what was taken back is marked."""
    from metaclaw_jlab.store.feedback import Feedbacks

    feedbacks = Feedbacks(workspace.database())
    left = list(feedbacks.of(trajectory_id))
    told = []
    for said in feedbacks.of(trajectory_id, withdrawn=True):
        stands = bool(left) and left[0] == said
        if stands:
            del left[0]
        told.append(_said(said) if stands else f"{_said(said)} (taken back)")
    return tuple(told)


def _learning(workspace: Workspace, trajectory: Trajectory) -> tuple[str | None, str]:
    from metaclaw_jlab.store.support import Decision, Support

    support = Support(workspace.database())
    settled = support.settlement(trajectory.id)
    # Feedback that came after a settlement opens the failure again.
    if support.waits(trajectory.id):
        return "pending", "it failed, and waits to be learnt from (`evolve` does it now)"
    if settled is None:
        return None, ""
    reason = one_line(settled.reason, COLUMNS)
    match settled.decision:
        case Decision.EVOLVED:
            return "evolved", _evolved(workspace, trajectory.id)
        case Decision.EXPLAINED:
            return "explained", f"no new skill: {reason}"
        case _:
            return "kept", f"nothing was learnt from it: {reason}"


def _evolved(workspace: Workspace, trajectory_id: str) -> str:
    from sqlalchemy import select

    from metaclaw_jlab.store.schema import generation_evidence
    from metaclaw_jlab.store.skills import Skills

    database = workspace.database()
    query = select(generation_evidence.c.generation).where(generation_evidence.c.trajectory == trajectory_id)
    with database.read() as connection:
        number = connection.execute(query).scalar_one()
    made = describe_generation(Skills(database), number)
    return f"it evolved into skill generation {number} ({in_words(made.changes)})"


def _said(feedback: Feedback) -> str:
    told = KINDS[feedback.kind]
    # The code of an edit is shown with its step.
    reason = feedback.text if feedback.kind is not FeedbackKind.EDITED else ""
    when = f"{local_time(feedback.at)}: " if feedback.at else ""
    return when + (f'{told}: "{one_line(reason, COLUMNS)}"' if reason.strip() else told)
