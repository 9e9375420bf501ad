"""Practice tasks done again, as they were or in other names, under exactly the skills that are to be tried."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Protocol

from metaclaw_jlab.agent.playing import play
from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.core.replay import Case, Replayed
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.trajectory import Purpose
from metaclaw_jlab.evaluation.other_names import in_other_names
from metaclaw_jlab.evaluation.practice_attempt import Conditions, attempt
from metaclaw_jlab.learning.wording import clauses
from metaclaw_jlab.practice import PracticeTask, check, solution
from metaclaw_jlab.practice.names import Style

REPLAYS_AT_ONCE = 16
_TRIES = 3


class Known(Protocol):
    """Practice tasks by the trajectories that attempted them."""

    def get(self, trajectory: str, /) -> PracticeTask | None:
        """The task of a trajectory; None where it is not known."""


class PracticeReplayer:
    """Replays the trajectories of practice tasks. Implements core.replay.Replayer.

    `tasks` are by trajectory id; it may grow while the replayer is in use. A replay has a fixed seed, so that one
    that was done is not done again. `names` are those of variations.
    """

    def __init__(
        self,
        tasks: Known,
        conditions: Conditions,
        *,
        names: Style = "random",
        concurrency: int = REPLAYS_AT_ONCE,
    ) -> None:
        self._tasks = tasks
        self._names = names
        self._concurrency = concurrency
        self._conditions = replace(conditions, purpose=Purpose.SKILL_REPLAY, notebook=None, generation=0)
        self._variations: dict[tuple[str, int], PracticeTask | None] = {}
        self._done: dict[tuple[str, int, tuple[str, ...]], Replayed] = {}

    @property
    def concurrency(self) -> int:
        """How many cases are worth doing at once."""
        return self._concurrency

    def replay(self, case: Case) -> Replayed | None:
        """One case, from any thread; None where the task is unknown, has no such variation, or could not be run."""
        task = self._tasks.get(case.trajectory)
        if task is None:
            return None
        key = (task.id, case.variation, tuple(skill.body for skill in case.skills))
        if key not in self._done:
            replayed = self._replayed(task, case)
            if replayed is None:
                return None
            self._done[key] = replayed
        return self._done[key]

    def _replayed(self, task: PracticeTask, case: Case) -> Replayed | None:
        varied = self._variation(task, case.variation) if case.variation else task
        if varied is None:
            return None
        done = attempt(varied, tuple(Match(skill, 1.0) for skill in case.skills), self._conditions)
        if done.failure is not None:
            return None
        return Replayed(done.verdict.strict, tuple(sorted(clauses([done.verdict.feedback]))))

    def _variation(self, task: PracticeTask, number: int) -> PracticeTask | None:
        key = (task.id, number)
        if key not in self._variations:
            self._variations[key] = self._drawn(task, number)
        return self._variations[key]

    def _drawn(self, task: PracticeTask, number: int) -> PracticeTask | None:
        """The task in other names, if its own solution still passes its own check.

        It keeps its id, on which the words of its feedback and its seed depend.
        """
        rng = Random(f"{task.id}/{number}")
        for _ in range(_TRIES):
            varied = in_other_names(task, rng, self._names)
            try:
                played = play(self._conditions.pool, varied, solution(varied, varied.options))
            except ExecutorError:
                return None
            if check(varied, played.outcome).strict:
                return varied
        return None
