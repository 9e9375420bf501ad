"""What a reward model is: something that scores a step of a trajectory."""

from __future__ import annotations

from typing import Protocol

from metaclaw_jlab.core.score import Scoring
from metaclaw_jlab.core.task import CheckResult, Task
from metaclaw_jlab.core.trajectory import Observation


class RewardModel(Protocol):
    """Scores what an action did for a task."""

    def score(
        self, task: Task, action: str, observation: Observation, checks: tuple[CheckResult, ...]
    ) -> Scoring:
        """A score in [-1, 1], or Unscored where nothing is known."""
