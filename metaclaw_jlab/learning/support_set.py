"""The support set: failed trajectories as the evolver may see them, redacted, oldest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.evolution import Failure, FailureKind
from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.score import Score
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.trajectory import Observation, Purpose, Step, Trajectory
from metaclaw_jlab.redaction import redact
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.feedback import Feedbacks
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.support import Support
from metaclaw_jlab.store.trajectories import Trajectories

_SAID = {
    FeedbackKind.REJECTED: FailureKind.REJECTED,
    FeedbackKind.BAD: FailureKind.BAD,
    FeedbackKind.EDITED: FailureKind.EDITED,
}


@dataclass(frozen=True, slots=True)
class Pending:
    """A failure that nothing was made of yet, and how much feedback was heard about it."""

    failure: Failure
    heard: int


def pending_failures(database: Database, limit: int, known: Sequence[str] = ()) -> tuple[Pending, ...]:
    """At most `limit` failures that wait, the oldest first."""
    trajectories, feedbacks, skills = Trajectories(database), Feedbacks(database), Skills(database)
    found = []
    for trajectory_id in Support(database).pending(limit):
        trajectory = trajectories.get(trajectory_id)
        # Before what was said is read: what comes meanwhile opens the failure again.
        heard = feedbacks.heard(trajectory_id)
        said = feedbacks.of(trajectory_id)
        found.append(Pending(describe(trajectory, said, injected(trajectory, skills), known), heard))
    return tuple(found)


def injected(trajectory: Trajectory, skills: Skills) -> tuple[Skill, ...]:
    """The skills that were in a trajectory's prompt, as they were then."""
    found = []
    for skill in trajectory.stamp.skills:
        try:
            found.append(skills.get_skill(skill.sha256))
        except NotFound:
            continue
    return tuple(found)


def describe(
    trajectory: Trajectory,
    feedback: Sequence[Feedback],
    skills: tuple[Skill, ...],
    known: Sequence[str] = (),
) -> Failure:
    """What failed, redacted (invariant 6). What the user did outweighs a check, and a check an exception."""
    told = next((entry for entry in reversed(feedback) if entry.kind in _SAID), None)
    failed_checks = [result for result in trajectory.checks if not result.passed]
    unsaid = FailureKind.CHECK if failed_checks else _unsaid(trajectory)
    kind = unsaid if told is None else _SAID[told.kind]
    sentences = [entry.text for entry in feedback if entry.kind in (FeedbackKind.BAD, FeedbackKind.REJECTED)]
    sentences += [result.feedback for result in failed_checks]
    if kind is FailureKind.EXCEPTION:
        sentences += [_exception(trajectory.steps)]
    if kind is FailureKind.JUDGED:
        sentences += [_judged(trajectory)]

    def clean(text: str) -> str:
        return redact(text, known).text

    edits = [entry.text for entry in feedback if entry.kind is FeedbackKind.EDITED]
    return Failure(
        trajectory=trajectory.id,
        kind=kind,
        task=clean(trajectory.task.text),
        code=clean(_joined(_done(trajectory, step) for step in trajectory.steps)),
        observation=clean(_joined(_shown(step.observation) for step in trajectory.steps)),
        feedback=tuple(dict.fromkeys(clean(text.strip()) for text in sentences if text.strip())),
        instead=clean(_joined(edits)),
        skills=skills,
        skill_generation=trajectory.stamp.skill_generation,
    )


def _done(trajectory: Trajectory, step: Step) -> str:
    """What a step did; of another agent's turn the whole reply, which is often all there is."""
    return step.reply if trajectory.purpose is Purpose.PROXY else step.action


def _unsaid(trajectory: Trajectory) -> FailureKind:
    """Why a trajectory that nobody said anything about and no check failed is a failure."""
    return FailureKind.JUDGED if trajectory.purpose is Purpose.PROXY else FailureKind.EXCEPTION


def _judged(trajectory: Trajectory) -> str:
    """The judge's sentence, without the count of its votes."""
    reason = trajectory.score.reason if isinstance(trajectory.score, Score) else ""
    return reason.partition(": ")[2] or reason


def _joined(texts: Iterable[str]) -> str:
    return "\n".join(text for text in texts if text)


def _shown(observation: Observation | None) -> str:
    if observation is None:
        return ""
    error = observation.error
    raised = f"{error.name}: {error.message}" if error is not None else ""
    return _joined((observation.stdout, observation.stderr, observation.result or "", raised))


def _exception(steps: Sequence[Step]) -> str:
    """What the last code raised."""
    for step in reversed(steps):
        if step.observation is not None:
            error = step.observation.error
            return f"{error.name}: {error.message}" if error is not None else ""
    return ""
