"""What a user says of a task, and takes back: it reaches the task's score, and a failure is learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.score import Score, ScoreSource, Scoring
from metaclaw_jlab.core.trajectory import Purpose, Role, StopReason, Trajectory
from metaclaw_jlab.inspection.lines import one_line

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace

COLUMNS = 110
SAID_SO = "The user said so."
WORDS = {
    FeedbackKind.GOOD: "good",
    FeedbackKind.BAD: "bad",
    FeedbackKind.REJECTED: "turned down",
    FeedbackKind.EDITED: "edited",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a word, or of taking one back. `told` says it in a sentence or two."""

    trajectory: str
    kind: FeedbackKind
    score: Scoring | None
    told: str


def say(workspace: Workspace, trajectory_id: str, kind: FeedbackKind, reason: str = "") -> Said:
    """Keep what the user says of a task: good, or bad with a reason. A proposal that was not run is turned down by bad.

    A task that is under way goes on; its score is the user's word then. Raises NotFound, UsageMistake, StoreError.
    """
    from metaclaw_jlab.store.feedback import Feedbacks

    store = workspace.trajectories()
    trajectory, reason = store.get(trajectory_id), reason.strip()
    if proposes(trajectory):
        if kind is FeedbackKind.GOOD:
            raise UsageMistake(
                f"The proposed cell of task {trajectory.id} has not been run yet.",
                "Run it first, or say what is bad about it.",
            )
        kind = FeedbackKind.REJECTED
    score = user_score(kind, reason)
    # Before the end, so that whoever learns from it has what was said too.
    Feedbacks(workspace.database()).add(Feedback(trajectory.id, kind, reason))
    if kind is FeedbackKind.REJECTED:
        store.close(trajectory.id, StopReason.REJECTED, detail=reason or SAID_SO, score=score)
    else:
        store.score(trajectory.id, score)
    return Said(
        trajectory.id, kind, score, f"Task {trajectory.id} is noted as {WORDS[kind]}.{_teaches(trajectory)}"
    )


def take_back(workspace: Workspace, trajectory_id: str) -> Said:
    """Take back the last word on a task: its score is what it was before. What was learnt from it stays.

    Raises NotFound, UsageMistake where nothing was said, StoreError.
    """
    from metaclaw_jlab.store.feedback import Feedbacks

    taken = Feedbacks(workspace.database()).withdraw(trajectory_id)
    if taken is None:
        raise UsageMistake(
            f"Nothing was said of task {trajectory_id} that could be taken back.",
            "%metaclaw why shows what was said.",
        )
    trajectory = workspace.trajectories().get(trajectory_id)
    said = [f"Taken back: task {trajectory_id} is no longer noted as {WORDS[taken.word.kind]}."]
    if taken.stands is not None:
        said.append(f"What you said before counts again: {_quoted(taken.stands)}.")
    if trajectory.role is Role.SUPPORT:
        said.append("The skill that came of it stays; %metaclaw generations rollback takes it out.")
    elif taken.word.kind is FeedbackKind.REJECTED:
        said.append("The proposal stays turned down.")
    return Said(trajectory_id, taken.word.kind, trajectory.score, " ".join(said))


def proposes(trajectory: Trajectory) -> bool:
    """Whether a proposed cell of a task waits to be run. Another agent's tools run elsewhere."""
    return (
        trajectory.stop is None
        and trajectory.purpose is not Purpose.PROXY
        and bool(trajectory.steps)
        and trajectory.steps[-1].observation is None
    )


def user_score(kind: FeedbackKind, reason: str) -> Score:
    """The score that a word is."""
    return Score(1.0 if kind is FeedbackKind.GOOD else -1.0, ScoreSource.USER, reason)


def _teaches(trajectory: Trajectory) -> str:
    if not trajectory.learn:
        return " It may not teach, so it changes its score only."
    if trajectory.role is Role.SUPPORT:
        return (
            " It was learnt from before, so this changes its score only; what its skill says can be edited."
        )
    return ""


def _quoted(said: Feedback) -> str:
    word = WORDS[said.kind]
    return f'{word} ("{one_line(said.text, COLUMNS)}")' if said.text.strip() else word
