"""What is learnt from the turns of other agents: they are scored, failures become skills, some may train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import EvolverError, LeaseHeld, PolicyError

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace
    from metaclaw_jlab.core.config import Settings
    from metaclaw_jlab.learning.turn_scoring import Scored, TurnJudging

MOST_PASSES = 20


@dataclass(frozen=True, slots=True)
class TurnLearning:
    """What one look came to. `generations` are those that it made; `admitted` turns may train the policy now;
    `trouble` says why failures still wait, "" where none do because of that."""

    scored: Scored
    generations: tuple[int, ...] = ()
    admitted: int = 0
    trouble: str = ""


def learn_from_turns(workspace: Workspace) -> TurnLearning:
    """Score what has ended, learn from the failures that wait, and admit what may be trained on.

    It may ask the judge and the evolver, so it takes its time: call it on a thread. Raises StoreError, ConfigError.
    """
    from metaclaw_jlab.learning.turn_scoring import score_turns

    scored = score_turns(turn_judging(workspace))
    generations, trouble = _evolve(workspace)
    return TurnLearning(scored, generations, admit(workspace, workspace.settings()), trouble)


def turn_judging(workspace: Workspace) -> TurnJudging:
    """The configured judge, for turns."""
    from metaclaw_jlab.learning.judging import JudgeUse
    from metaclaw_jlab.learning.turn_scoring import TurnJudging

    settings = workspace.settings()
    return TurnJudging(
        use=JudgeUse(
            database=workspace.database(),
            settings=settings.judge,
            trains=settings.training.judged,
            open=workspace.judge,
            secret_names=workspace.secret_names(),
            trains_turns=settings.proxy.train_judged,
        )
    )


def admit(workspace: Workspace, settings: Settings) -> int:
    """Take judged turns into the query set, where the user allows that (proxy.train_judged); how many."""
    if not settings.proxy.train_judged:
        return 0
    from metaclaw_jlab.learning.turn_scoring import admit_turns

    return admit_turns(workspace.database())


def _evolve(workspace: Workspace) -> tuple[tuple[int, ...], str]:
    """Let the fast loop look at what waits, while there are turns among it or tasks that the user called bad, which no
    kernel may hear of; the generations it made, and what kept it from going on. Other failures of a kernel are left to
    the kernel, which can try the wordings of a skill."""
    from metaclaw_jlab.learning.inner_loop import evolve_once
    from metaclaw_jlab.store.support import Support
    from metaclaw_jlab.store.turns import Turns

    made: list[int] = []
    database = workspace.database()
    try:
        for _ in range(MOST_PASSES):
            if not (Turns(database).pending() or Support(database).named()):
                break
            evolution = evolve_once(workspace.inner_loop())
            made += [evolution.generation] if evolution.generation is not None else []
            if evolution.idle:
                break
    except (PolicyError, EvolverError, LeaseHeld) as error:
        return tuple(made), error.cause
    return tuple(made), ""
