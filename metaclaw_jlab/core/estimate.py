"""Intervals and paired tests, standard library only."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean


@dataclass(frozen=True, slots=True)
class Interval:
    """A point estimate with its confidence interval."""

    estimate: float
    low: float
    high: float

    def overlaps(self, other: Interval) -> bool:
        """Whether the two intervals share a value."""
        return self.low <= other.high and other.low <= self.high


def proportion_interval(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Wilson score interval of a share (Wilson 1927). Raises ValueError without trials."""
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials make no share.")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return Interval(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)))


def mean_interval(
    values: Sequence[float], confidence: float = 0.95, *, draws: int = 2000, seed: int = 0
) -> Interval:
    """Percentile bootstrap interval of a mean (Efron 1979). Raises ValueError on an empty sequence."""
    if not values:
        raise ValueError("An empty sequence has no mean.")
    rng = random.Random(seed)
    means = sorted(fmean(rng.choices(values, k=len(values))) for _ in range(draws))
    tail = (1 - confidence) / 2
    return Interval(fmean(values), means[int(tail * draws)], means[min(draws - 1, int((1 - tail) * draws))])


def paired_p_value(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Exact two-sided McNemar test of paired outcomes (McNemar 1947): 1.0 where no pair differs."""
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} outcomes are no pairs.")
    only_first = sum(a and not b for a, b in zip(first, second, strict=True))
    only_second = sum(b and not a for a, b in zip(first, second, strict=True))
    discordant = only_first + only_second
    if discordant == 0:
        return 1.0
    tail = sum(math.comb(discordant, k) for k in range(min(only_first, only_second) + 1))
    return float(min(1.0, 2 * tail / 2**discordant))
