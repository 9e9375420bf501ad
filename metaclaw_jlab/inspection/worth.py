"""What a skill is worth: how often tasks with it went right, and how often the same tasks did before it was there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING

from metaclaw_jlab.core.estimate import Interval, bounded_mean_interval, proportion_interval
from metaclaw_jlab.inspection.lines import counted

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.store.attempts import Attempt

FEW = 5  # with fewer attempts, or fewer tasks tried both ways, nothing is concluded
BINS = 12


@dataclass(frozen=True, slots=True)
class Share:
    """Of `n` attempts so many were done right, with a 95 % interval; `series` are parts of them in order of time."""

    n: int
    mean: float
    low: float
    high: float
    series: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Worth:
    """Attempts with the skill, and at the same tasks before it came; the failures that it was learnt from are among
    those. `difference` is of the shares, over the tasks that were tried both ways, from -1 to 1; None where they are
    too few. It is no experiment: tasks that failed before were not chosen at random."""

    before: Share | None
    after: Share | None
    difference: Interval | None
    sentence: str


def worth_of(workspace: Workspace, name: str, came: int | None) -> Worth:
    """What is known of a skill that generation `came` brought first, None where none did."""
    from metaclaw_jlab.store.attempts import Attempts

    attempts = Attempts(workspace.database())
    after = attempts.having(name)
    tasks = {attempt.text_sha256 for attempt in after} | attempts.learnt_from(name)
    before = attempts.before(name, came, tasks) if came is not None and tasks else ()
    return weigh(before, after)


def weigh(before: Sequence[Attempt], after: Sequence[Attempt]) -> Worth:
    """What attempts before and with a skill tell."""
    told = [_share([attempt.right for attempt in found]) for found in (before, after)]
    pairs = _pairs(before, after)
    difference = bounded_mean_interval(pairs, least=-1.0, most=1.0) if len(pairs) >= FEW else None
    return Worth(told[0], told[1], difference, _sentence(told[0], told[1], difference, len(pairs)))


def _share(right: Sequence[bool]) -> Share | None:
    if not right:
        return None
    found = proportion_interval(sum(right), len(right))
    count = min(BINS, len(right))
    cuts = [place * len(right) // count for place in range(count + 1)]
    series = tuple(fmean(right[begin:end]) for begin, end in pairwise(cuts))
    return Share(len(right), found.estimate, found.low, found.high, series)


def _pairs(before: Sequence[Attempt], after: Sequence[Attempt]) -> list[float]:
    """For every task that was tried both ways, by how much more often it went right with the skill."""
    old, new = _by_task(before), _by_task(after)
    return [fmean(new[task]) - fmean(old[task]) for task in sorted(old.keys() & new.keys())]


def _by_task(attempts: Sequence[Attempt]) -> dict[str, list[bool]]:
    found: dict[str, list[bool]] = {}
    for attempt in attempts:
        found.setdefault(attempt.text_sha256, []).append(attempt.right)
    return found


def _sentence(before: Share | None, after: Share | None, difference: Interval | None, pairs: int) -> str:
    if after is None:
        return "No task with it was checked or judged by you yet."
    if after.n < FEW:
        return f"Too few tasks to tell: {after.n} with it."
    right = f"{after.mean:.0%} of {counted(after.n, 'task')} with it went right"
    if before is None:
        return f"{right}; none of them was tried before it came."
    if difference is None:
        return f"{right}. Too few to compare: {counted(pairs, 'task')} tried before it came, too."
    span = f"{_points(difference.estimate)} points, {_points(difference.low)} to {_points(difference.high)}"
    how = "Better" if difference.low > 0 else "Worse" if difference.high < 0 else "No difference shown"
    return f"{how} on {counted(pairs, 'task')} tried before it came and with it: {span}."


def _points(difference: float) -> str:
    return f"{100 * difference:+.0f}"
