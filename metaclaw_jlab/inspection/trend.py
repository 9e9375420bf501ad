"""Whether the agent gets better: the share of tasks done right under each skill generation, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING

from metaclaw_jlab.core.estimate import Interval, proportion_interval, share_difference
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.inspection.lines import counted

if TYPE_CHECKING:
    from metaclaw_jlab.store.database import Database
    from metaclaw_jlab.store.task_results import GenerationResults

GENERATIONS = 8
NEWEST = 400  # tasks of a generation that count: what it does now, not what it once did
LEAST = 5  # tasks of a generation that is compared
BINS = 12
NOTHING = "Nothing tells yet how tasks went: give them checks (--check), or say %metaclaw good or bad of what they did."


class TrendVerdict(StrEnum):
    """What the comparison of two generations shows."""

    BETTER = "better"
    WORSE = "worse"
    NONE_SHOWN = "none_shown"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True)
class GenerationTrend:
    """A skill generation: of `n` tasks of which something tells how they went, `right` were done right. `mean` is their
    share with its 95 % interval, `series` the share in at most 12 bins in order of time."""

    generation: int
    cause: Cause
    at: float
    n: int
    right: int
    mean: float
    low: float
    high: float
    series: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """The newest generations that have such tasks, the oldest first. `difference` is how much higher the share of the
    last one with tasks enough is than that of the first, None where there are too few; `sentence` says all of it."""

    generations: tuple[GenerationTrend, ...]
    verdict: TrendVerdict
    difference: Interval | None
    sentence: str


def trend(
    database: Database,
    *,
    generations: int = GENERATIONS,
    notebook: str | None = None,
    skill: str | None = None,
) -> Trend:
    """The trend over the user's own tasks that have ended, of one notebook or with one skill in the prompt where given.

    The user's word counts, else whether all checks passed; tasks without either do not. Raises StoreError.
    """
    from metaclaw_jlab.store.task_results import results_by_generation

    return trend_of(results_by_generation(database, generations, NEWEST, notebook=notebook, skill=skill))


def trend_of(results: Sequence[GenerationResults]) -> Trend:
    """The trend of the results of generations, in order of their numbers."""
    told = tuple(map(_of_generation, results))
    compared = [one for one in told if one.n >= LEAST]
    if len(compared) < 2:
        return Trend(told, TrendVerdict.TOO_FEW, None, _too_few(told))
    first, last = compared[0], compared[-1]
    difference = share_difference((first.right, first.n), (last.right, last.n))
    verdict = _verdict(difference)
    return Trend(told, verdict, difference, _compared(first, last, difference, verdict))


def _of_generation(results: GenerationResults) -> GenerationTrend:
    n, right = len(results.right), sum(results.right)
    share = proportion_interval(right, n)
    return GenerationTrend(
        generation=results.number,
        cause=results.cause,
        at=results.created_at,
        n=n,
        right=right,
        mean=share.estimate,
        low=share.low,
        high=share.high,
        series=_binned(results.right),
    )


def _binned(right: Sequence[bool]) -> tuple[float, ...]:
    count = min(BINS, len(right))
    cuts = [round(place * len(right) / count) for place in range(count + 1)]
    return tuple(fmean(right[begin:end]) for begin, end in pairwise(cuts))


def _verdict(difference: Interval) -> TrendVerdict:
    if difference.low > 0:
        return TrendVerdict.BETTER
    return TrendVerdict.WORSE if difference.high < 0 else TrendVerdict.NONE_SHOWN


def _too_few(told: Sequence[GenerationTrend]) -> str:
    if not told:
        return NOTHING
    known = ", ".join(f"{one.n} in g{one.generation}" for one in told[-3:])
    return f"Too few tasks to tell: {known}. Two generations with {LEAST} tasks each are needed."


def _compared(
    first: GenerationTrend, last: GenerationTrend, difference: Interval, verdict: TrendVerdict
) -> str:
    said = {TrendVerdict.BETTER: "Better", TrendVerdict.WORSE: "Worse"}.get(verdict, "No difference shown")
    return (
        f"{said}: {_share(first)}, {_share(last)} (difference {difference.estimate:+.2f}, "
        f"95% interval {difference.low:+.2f} to {difference.high:+.2f})."
    )


def _share(one: GenerationTrend) -> str:
    return f"g{one.generation} did {one.right} of {counted(one.n, 'task')} right"
