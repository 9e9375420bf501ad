"""What an arm's home learns of a run: the pipeline's own lessons become failures with feedback, and those skills.

The text of a lesson is data of another program's making: secrets are taken out of it, and what a model makes of it is
screened like every skill.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.evaluation.research.stages import Lesson, name_of

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace
    from metaclaw_jlab.evaluation.research.turns import StageTurn

SEVERE = frozenset({"warning", "error"})
LESSON_CHARS = 1_000
CLIENT = "AutoResearchClaw"


@dataclass(frozen=True, slots=True)
class Learnt:
    """What was made of a run's lessons: how many were handed over, the generations before and after, the skills that
    are new or other, and why failures still wait ("" where none do)."""

    lessons: int
    before: int
    after: int
    skills: tuple[str, ...] = ()
    trouble: str = ""


def learn(
    workspace: Workspace, lessons: Sequence[Lesson], turns: Sequence[StageTurn], session: str
) -> Learnt:
    """Hand the severe lessons over, each as feedback on a turn of its stage, and let the fast loop look. The same
    lesson is handed over once, however often this is called. Raises StoreError, ConfigError."""
    from metaclaw_jlab.assembly.turns import learn_from_turns
    from metaclaw_jlab.store.skills import Skills

    skills = Skills(workspace.database())
    before = workspace.synchronised()
    count = hand_over(workspace, lessons, turns, session)
    trouble = learn_from_turns(workspace).trouble
    after = skills.current_generation().number
    known = {skill.name: skill.sha256 for skill in before.skills}
    changed = tuple(one.name for one in skills.members(after) if known.get(one.name) != one.sha256)
    return Learnt(count, before.generation.number, after, changed, trouble)


def hand_over(
    workspace: Workspace, lessons: Iterable[Lesson], turns: Sequence[StageTurn], session: str
) -> int:
    """Note each severe lesson as bad feedback on a turn of its stage: the last that no other lesson has, else the last;
    where its stage asked nobody, on a turn that is made for it. How many there are."""
    from metaclaw_jlab.redaction import redact

    known, taken, count = workspace.known_secrets(), set[str](), 0
    for lesson in lessons:
        if lesson.severity not in SEVERE:
            continue
        stage = lesson.stage or name_of(lesson.number)
        of_stage = [one.id for one in turns if one.stage == stage]
        free = [one for one in of_stage if one not in taken]
        turn = (free or of_stage or [""])[-1] or _made(workspace, stage, session)
        taken.add(turn)
        _say(workspace, turn, redact(lesson.text, known).text[:LESSON_CHARS])
        count += 1
    return count


def _say(workspace: Workspace, turn: str, reason: str) -> None:
    from metaclaw_jlab.store.feedback import Feedbacks

    store = Feedbacks(workspace.database())
    if reason not in {said.text for said in store.of(turn)}:
        store.add(Feedback(turn, FeedbackKind.BAD, reason))
        workspace.trajectories().score(turn, Score(-1.0, ScoreSource.USER, reason))


def _made(workspace: Workspace, stage: str, session: str) -> str:
    """The turn that stands for a stage which asked nobody, made once."""
    import hashlib

    from metaclaw_jlab.core.task import Origin, Reference, Task
    from metaclaw_jlab.core.trajectory import Purpose, Stamp, StopReason, Trajectory
    from metaclaw_jlab.learning.turn_keeping import STAGE
    from metaclaw_jlab.store.turns import Turn, Turns

    turns = Turns(workspace.database())
    name = hashlib.sha256(f"{session}\n{stage}".encode()).hexdigest()[:12]
    if turns.of(name) is None:
        words = stage.replace("_", " ") or "one stage"
        task = Task(
            f"Carry out the stage {words} of a research pipeline.",
            references=(Reference(STAGE, stage),) if stage else (),
            origin=Origin(None, session),
        )
        made = Trajectory(
            name,
            task,
            Stamp(workspace.synchronised().generation.number, (), CLIENT),
            purpose=Purpose.PROXY,
            stop=StopReason.DONE,
        )
        turns.begin(made, Turn(name, session))
    return name
