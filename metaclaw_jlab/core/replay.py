"""What a replay is: a recorded task done again in a sandbox, under other skills, to see what they change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from metaclaw_jlab.core.skill import Skill


@dataclass(frozen=True, slots=True)
class Case:
    """The task of a trajectory, to be done with exactly these skills. `variation` 0 is the task itself, k the same
    task in its k-th other names. `unchecked`: also one that nothing checks; it passes where it comes to its end."""

    trajectory: str
    skills: tuple[Skill, ...]
    variation: int = 0
    unchecked: bool = False


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a replay ended: whether all checks passed, and the sentences of those that did not."""

    passed: bool
    feedback: tuple[str, ...] = ()


class Replayer(Protocol):
    """Does cases again: same seed, a fresh sandbox, nothing recorded (invariant 2: replays are neither, for ever)."""

    @property
    def concurrency(self) -> int:
        """How many cases are worth doing at once."""

    def replay(self, case: Case) -> Replayed | None:
        """One case, from any thread; None where it cannot be done again (its start is gone, nothing checks it)."""
