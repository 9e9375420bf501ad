"""Tells which skills helped: a task is done again without one of its skills, and what changes is that skill's doing.

What is verified feeds the counts of a skill and its entry in the index: a text of a task that it helped comes in, one
that led it to tasks where it did nothing leaves.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from metaclaw_jlab.core.errors import InvariantViolation
from metaclaw_jlab.core.replay import Case, Replayed, Replayer
from metaclaw_jlab.core.trajectory import Trajectory
from metaclaw_jlab.learning.inner_loop import grow
from metaclaw_jlab.learning.support_set import injected
from metaclaw_jlab.learning.wording import clauses
from metaclaw_jlab.skills.masking import mask
from metaclaw_jlab.skills.retrieval import closest_text
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.index_texts import IndexTexts
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.trajectories import Trajectories
from metaclaw_jlab.store.uses import Effect, Uses

# A text leaves when it misled so many times more often than it led to help.
MISLED = 2


@dataclass(frozen=True, slots=True)
class Verified:
    """How many uses were looked at, by what came of them."""

    helped: int = 0
    hurt: int = 0
    none: int = 0


def verify_uses(
    database: Database,
    replayer: Replayer,
    *,
    limit: int,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Verified:
    """Look at the newest uses that were not looked at yet, at most `limit` of them and `seconds` long."""
    trajectories, uses, deadline = Trajectories(database), Uses(database), clock() + seconds
    counts = dict.fromkeys(Effect, 0)
    waiting = list(uses.unverified(limit))
    with ThreadPoolExecutor(replayer.concurrency, thread_name_prefix="metaclaw-replay") as threads:
        while waiting and clock() < deadline:
            batch, waiting = waiting[: replayer.concurrency], waiting[replayer.concurrency :]
            tasks = [trajectories.get(trajectory) for trajectory, _, _ in batch]
            found = threads.map(
                lambda pair: _without(pair[0], pair[1][1], replayer, database),
                zip(tasks, batch, strict=True),
            )
            for (trajectory_id, name, sha256), task, replayed in zip(batch, tasks, found, strict=True):
                effect = Effect.NONE if replayed is None else effect_of(task, replayed)
                try:
                    uses.record_effect(trajectory_id, name, sha256, effect)
                except InvariantViolation:
                    continue  # another process was faster
                if replayed is not None:
                    counts[effect] += 1
                    _tell_index(database, task, name, effect)
    return Verified(counts[Effect.HELPED], counts[Effect.HURT], counts[Effect.NONE])


def effect_of(trajectory: Trajectory, without: Replayed) -> Effect:
    """What a skill did: fewer things were wrong with it than without it, more, or as many."""
    with_it = len(clauses([result.feedback or "?" for result in trajectory.checks if not result.passed]))
    without_it = len(clauses([feedback or "?" for feedback in without.feedback]))
    if with_it == without_it:
        return Effect.NONE
    return Effect.HELPED if with_it < without_it else Effect.HURT


def _without(trajectory: Trajectory, name: str, replayer: Replayer, database: Database) -> Replayed | None:
    skills = tuple(skill for skill in injected(trajectory, Skills(database)) if skill.name != name)
    return replayer.replay(Case(trajectory.id, skills))


def _tell_index(database: Database, trajectory: Trajectory, name: str, effect: Effect) -> None:
    texts = IndexTexts(database)
    entries = {entry.text: entry for entry in texts.of_all().get(name, ())}
    closest = closest_text(trajectory.task.text, tuple(entries))
    if closest is not None:
        texts.tally(name, closest, effect is Effect.HELPED)
    if effect is Effect.HELPED:
        code = "\n".join(step.ran or step.action for step in trajectory.steps)
        grow(database, name, mask(trajectory.task.text, code), trajectory.id)
    elif closest is not None and entries[closest].misses + 1 - entries[closest].hits >= MISLED:
        texts.remove(name, closest)
