"""Chooses the wording of a skill by trying it: the policy that will read it does failed tasks again with each one.

A small policy obeys some sentences and not others that say the same, and nothing but a trial tells which. It tells too
whether a skill helps at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import groupby

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
    """The chosen skill, on how many of the trials that count it was obeyed, and the wordings left untried in time.

    `refuted`: all were tried, and with none of them fewer trials went wrong than without a skill. `cut`: the time ended
    before it was known whether that is so.
    """

    skill: Skill
    obeyed: int
    trials: int
    untried: tuple[str, ...] = ()
    refuted: bool = False
    cut: bool = False


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
    judged: bool = False,
    bystanders: Sequence[Trial] = (),
    untried: Skill | None = None,
) -> Choice:
    """The wording that is obeyed in most trials, the earlier one where two are equal; where none was tried `untried`,
    which is the first unless it is given.

    A trial counts only if the task still fails in the same way without the skill. Wordings of one skill are dropped as
    soon as another is ahead; another skill is tried only after it. The search ends with a wording that is obeyed in
    every trial, or when the time is over. `judged`: tasks that go well without the skill are tried too, and the
    `bystanders`, and what goes wrong with it there counts against it.
    """
    fallback = untried or wordings[0]
    with _Tries(replayer, clock() + seconds, clock) as tries:
        counting, sound = _without(tries, trials)
        if not counting:
            others = _bodies(wordings, but=fallback) if tries.late else ()
            return Choice(fallback, 0, 0, others, cut=tries.late)
        sound += _sound(tries, bystanders) if judged and bystanders else []
        best, most, gain = fallback, 0, 0
        batches = list(_batches(wordings, replayer.concurrency))
        for number, batch in enumerate(batches):
            leader, count, complete = _race(tries, batch, counting)
            harm = _harm(tries, leader, sound) if judged and count else 0
            if count - harm > gain:
                best, most, gain = leader, count, count - harm
            if gain == len(counting):
                break
            if not complete or tries.late:
                left = [skill for rest in batches[number:] for skill in rest]
                if judged and not gain and best not in left:
                    best = left[0]
                return Choice(best, most, len(counting), _bodies(left, but=best), cut=gain == 0)
    return Choice(best, most, len(counting), refuted=gain == 0)


def _batches(wordings: Sequence[Skill], size: int) -> Iterator[list[Skill]]:
    """The wordings in their order, at most `size` of one skill at a time."""
    for _, group in groupby(wordings, key=lambda skill: (skill.name, skill.description)):
        own = list(group)
        for start in range(0, len(own), size):
            yield own[start : start + size]


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
        while missing and (left := self._deadline - self._clock()) > 0:  # the clock may have stood still
            done, missing = wait(futures, timeout=left)
        for future in missing:
            future.cancel()
        self.late = self.late or bool(missing)
        return [future.result() if future in done else None for future in futures]


def _without(tries: _Tries, trials: Sequence[Trial]) -> tuple[list[Trial], list[Trial]]:
    """The first trials whose task fails as it did when it is done again without the skill, and those that go well."""
    found = tries.run([Case(trial.trajectory, trial.skills, trial.variation) for trial in trials])
    done = [(trial, replayed) for trial, replayed in zip(trials, found, strict=True) if replayed is not None]
    failing = [trial for trial, replayed in done if _says(replayed, trial.said)][:CASES]
    return failing, [trial for trial, replayed in done if replayed.passed][: CASES - len(failing)]


def _sound(tries: _Tries, bystanders: Sequence[Trial]) -> list[Trial]:
    """Those that go well when they are done again without the skill."""
    found = tries.run([Case(one.trajectory, one.skills, unchecked=True) for one in bystanders])
    return [
        one
        for one, replayed in zip(bystanders, found, strict=True)
        if replayed is not None and replayed.passed
    ]


def _harm(tries: _Tries, skill: Skill, trials: Sequence[Trial]) -> int:
    """In how many trials that go well without the skill something is wrong with it."""
    found = tries.run([replace(_with(trial, skill), unchecked=True) for trial in trials])
    return sum(replayed is not None and not replayed.passed for replayed in found)


def _race(tries: _Tries, wordings: Sequence[Skill], trials: Sequence[Trial]) -> tuple[Skill, int, bool]:
    """The leader of these wordings, in how many trials it was obeyed, and whether all could be tried in time."""
    alive, score = list(wordings), 0
    for trial in trials:
        found = tries.run([_with(trial, skill) for skill in alive])
        if tries.late or not any(found):  # where none could be done the policy may be gone: not their fault
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


def _bodies(wordings: Sequence[Skill], but: Skill) -> tuple[str, ...]:
    return tuple(skill.body for skill in wordings if skill is not but)


def worded(skill: Skill, wordings: Sequence[str]) -> tuple[Skill, ...]:
    """The skill in each of these wordings."""
    return tuple(replace(skill, body=body) for body in wordings)
