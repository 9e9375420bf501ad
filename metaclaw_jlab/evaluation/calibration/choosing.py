"""Which of several variants is taken: they are compared in pairs, task by task; the simplest stays unless it loses.

The candidates stand in order, the simplest first. One takes the place of the best so far where, over the tasks that
both did, its mean is higher by more than the standard error of the paired difference. Where `strict` decides, one that
does fewer tasks right than the first candidate, by more than the standard error of that, is out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from metaclaw_jlab.evaluation.calibration.candidates import Candidate, Measure

FEWEST = 8  # tasks; what rests on fewer decides nothing
FINALISTS = 3
_ROUNDING = 1e-9  # one task more than the other and nothing else is a standard error exactly
_FIRST_SHARE, _SECOND_SHARE = 0.25, 0.5


@dataclass(frozen=True, slots=True)
class Score:
    """What an attempt came to."""

    task_right: bool
    strict: bool

    def of(self, measure: Measure) -> float:
        """1 or 0."""
        return float(self.strict if measure == "strict" else self.task_right)


Scores = Mapping[str, Score]  # by task
Table = Mapping[str, Scores]  # by the candidate's key


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired difference: its mean and standard error over `n` tasks; 0 and infinity where they are too few."""

    n: int
    mean: float
    error: float

    def __str__(self) -> str:
        return f"{self.mean:+.3f} ± {self.error:.3f}" if self.n >= FEWEST else f"{self.n} tasks only"


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidate that was taken, and what is to be said of each by its key."""

    chosen: Candidate
    verdicts: Mapping[str, str]


def difference(ours: Scores, theirs: Scores, measure: Measure) -> Difference:
    """How much better the first are, over the tasks of both."""
    pairs = [ours[task].of(measure) - theirs[task].of(measure) for task in ours.keys() & theirs.keys()]
    if len(pairs) < FEWEST:
        return Difference(len(pairs), 0.0, math.inf)
    return Difference(len(pairs), fmean(pairs), stdev(pairs) / math.sqrt(len(pairs)))


def rounds(candidates: int, tasks: int) -> tuple[int, ...]:
    """Tasks that are done before each look: few by many candidates, all by those that are left."""
    if candidates <= FINALISTS:
        return (tasks,)
    shares = (_FIRST_SHARE, _SECOND_SHARE) if candidates > 2 * FINALISTS else (_SECOND_SHARE,)
    sizes = [max(FEWEST, math.ceil(share * tasks)) for share in shares]
    return tuple(sorted({*(size for size in sizes if size < tasks), tasks}))


def left_after(number: int, total: int) -> int:
    """How many candidates go on after one of several rounds, by what they were at its start."""
    return max(FINALISTS, math.ceil(total / 2)) if number == 0 else FINALISTS


def survivors(
    candidates: Sequence[Candidate], table: Table, measure: Measure, most: int
) -> tuple[Candidate, ...]:
    """The first candidate and the best of the others, in their order, `most` together."""

    def standing(candidate: Candidate) -> tuple[float, float]:
        scores = list(table.get(candidate.key, {}).values())
        if not scores:
            return 0.0, 0.0
        return fmean(s.of(measure) for s in scores), fmean(s.of("task_right") for s in scores)

    ranked = sorted(candidates[1:], key=standing, reverse=True)  # stable: of equals the simpler one
    kept = {candidates[0].key, *(candidate.key for candidate in ranked[: most - 1])}
    return tuple(candidate for candidate in candidates if candidate.key in kept)


def decide(candidates: Sequence[Candidate], table: Table, measure: Measure) -> Choice:
    """The choice among the candidates that are left, the simplest first."""
    first = best = candidates[0]
    verdicts = {first.key: "the others are compared with it"}
    for candidate in candidates[1:]:
        ours = table.get(candidate.key, {})
        cost = difference(ours, table.get(first.key, {}), "task_right")
        gain = difference(ours, table.get(best.key, {}), measure)
        if measure == "strict" and cost.mean < -cost.error - _ROUNDING:
            verdicts[candidate.key] = f"costs tasks right against {first.name}: {cost}"
        elif gain.mean > gain.error + _ROUNDING:
            verdicts[candidate.key] = f"better than {best.name}: {gain}"
            best = candidate
        else:
            verdicts[candidate.key] = f"not better than {best.name} beyond its error: {gain}"
    return Choice(best, verdicts)
