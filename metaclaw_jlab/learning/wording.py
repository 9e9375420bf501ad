"""Chooses the wording of a skill by trying it: the policy that will read it does failed tasks again with each one.

A small policy obeys some sentences and not others that say the same, and nothing but a trial tells which.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from metaclaw_jlab.core.replay import Case, Replayed, Replayer
from metaclaw_jlab.core.skill import Skill

CASES = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """A failed task on which wordings are tried: the other skills in its prompt, what was wrong with it (every
    sentence), and the sentence that the new skill answers."""

    trajectory: str
    skills: tuple[Skill, ...]
    feedback: tuple[str, ...]
    said: str
    variation: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen skill, on how many of the trials that count it was obeyed, and the wordings left untried in time."""

    skill: Skill
    obeyed: int
    trials: int
    untried: tuple[str, ...] = ()


def obeyed(replayed: Replayed, trial: Trial) -> bool:
    """Whether the sentence no longer holds, and nothing is wrong that was right before."""
    wrong = clauses(replayed.feedback)
    return replayed.passed or (not _says(replayed, trial.said) and wrong <= clauses(trial.feedback))


def clauses(feedback: Sequence[str]) -> frozenset[str]:
    """What is wrong, one by one: a check may name several things, parted by semicolons."""
    return frozenset(part.strip() for text in feedback for part in text.split("; ") if part.strip())


def _says(replayed: Replayed, said: str) -> bool:
    return any(said in text for text in replayed.feedback)


def choose_wording(
    wordings: Sequence[Skill],
    trials: Sequence[Trial],
    replayer: Replayer,
    *,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Choice:
    """The wording that is obeyed in most trials, the earlier one where two are equal; the first where none was tried.

    A trial counts only if the task still fails in the same way without the skill. Wordings are dropped as soon as
    another is ahead, and the search ends with one that is obeyed in every trial, or when the time is over.
    """
    with _Tries(replayer, clock() + seconds, clock) as tries:
        counting = _failing(tries, trials)
        best, most = wordings[0], 0
        if not counting:
            return Choice(best, 0, 0, () if not tries.late else _bodies(wordings[1:]))
        for start in range(0, len(wordings), replayer.concurrency):
            batch = wordings[start : start + replayer.concurrency]
            leader, count, complete = _race(tries, batch, counting)
            if count > most:
                best, most = leader, count
            if most == len(counting):
                break
            if not complete:
                return Choice(best, most, len(counting), _bodies(wordings[start:], but=best))
    return Choice(best, most, len(counting))


class _Tries:
    """Replays at once, until the time is over; what still runs then ends by itself and is not waited for."""

    def __init__(self, replayer: Replayer, deadline: float, clock: Callable[[], float]) -> None:
        self._replayer = replayer
        self._deadline = deadline
        self._clock = clock
        self._threads = ThreadPoolExecutor(replayer.concurrency, thread_name_prefix="metaclaw-replay")
        self.late = False

    def __enter__(self) -> _Tries:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def run(self, cases: Sequence[Case]) -> list[Replayed | None]:
        """The replays in the order of the cases; None where one cannot be done, or was not in time."""
        futures: list[Future[Replayed | None]] = [
            self._threads.submit(self._replayer.replay, case) for case in cases
        ]
        done, missing = wait(futures, timeout=max(0.0, self._deadline - self._clock()))
        for future in missing:
            future.cancel()
        self.late = self.late or bool(missing)
        return [future.result() if future in done else None for future in futures]


def _failing(tries: _Tries, trials: Sequence[Trial]) -> list[Trial]:
    """The first trials whose task, done again without the skill, fails as it did."""
    found = tries.run([Case(trial.trajectory, trial.skills, trial.variation) for trial in trials])
    return [
        trial
        for trial, replayed in zip(trials, found, strict=True)
        if replayed is not None and _says(replayed, trial.said)
    ][:CASES]


def _race(tries: _Tries, wordings: Sequence[Skill], trials: Sequence[Trial]) -> tuple[Skill, int, bool]:
    """The leader of these wordings, in how many trials it was obeyed, and whether all could be tried in time."""
    alive, score = list(wordings), 0
    for trial in trials:
        found = tries.run([_with(trial, skill) for skill in alive])
        if tries.late:
            return alive[0], score, False
        winners = [
            skill
            for skill, replayed in zip(alive, found, strict=True)
            if replayed is not None and obeyed(replayed, trial)
        ]
        if winners:
            alive, score = winners, score + 1
    return alive[0], score, True


def _with(trial: Trial, skill: Skill) -> Case:
    return Case(trial.trajectory, (skill, *trial.skills), trial.variation)


def _bodies(wordings: Sequence[Skill], but: Skill | None = None) -> tuple[str, ...]:
    return tuple(skill.body for skill in wordings if skill is not but)


def worded(skill: Skill, wordings: Sequence[str]) -> tuple[Skill, ...]:
    """The skill in each of these wordings."""
    return tuple(replace(skill, body=body) for body in wordings)
