"""What a score is: a process reward for a step, or the honest absence of one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class ScoreSource(StrEnum):
    """Who gave a score."""

    OUTCOME = "outcome"
    JUDGE = "judge"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Score:
    """A process reward in [-1, 1]."""

    value: float
    source: ScoreSource
    reason: str = ""

    def __post_init__(self) -> None:
        if not -1.0 <= self.value <= 1.0:
            raise ValueError(f"A score lies in [-1, 1], not at {self.value}.")


@dataclass(frozen=True, slots=True)
class Unscored:
    """Nothing is known. A value of its own, never 0: it enters no mean and no gradient."""

    reason: str


Scoring: TypeAlias = Score | Unscored
