"""Intervals and paired tests, standard library only."""

from __future__ import annotations

import cmath
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
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


def share_difference(before: tuple[int, int], after: tuple[int, int], confidence: float = 0.95) -> Interval:
    """Interval of how much higher the second of two independent shares is, each given as successes and trials (the
    tenth method of Newcombe 1998, of two Wilson intervals). Raises ValueError without trials."""
    old, new = (proportion_interval(*counts, confidence) for counts in (before, after))
    found = new.estimate - old.estimate
    below = math.hypot(new.estimate - new.low, old.high - old.estimate)
    above = math.hypot(new.high - new.estimate, old.estimate - old.low)
    return Interval(found, max(-1.0, found - below), min(1.0, found + above))


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


def bounded_mean_interval(
    values: Sequence[float], confidence: float = 0.95, *, least: float = 0.0, most: float = 1.0
) -> Interval:
    """Interval of the mean of values in [least, most], conservative however few or tied they are: quantiles of
    Dirichlet-weighted means with one more value, the worst possible one (Gaffke 2005; Learned-Miller and Thomas 2019,
    arXiv:1905.06208). Of 0/1 values it is Clopper and Pearson's; of paired differences in -1, 0, 1 its lower bound is
    above 0 just where the exact one-sided McNemar test rejects at (1 - confidence) / 2. Raises ValueError on an empty
    sequence or values out of bounds."""
    if not values or not all(least <= value <= most for value in values):
        raise ValueError(f"A bounded mean needs one or more values, all from {least} to {most}.")
    if not 0 < confidence < 1:
        raise ValueError(f"A confidence lies between 0 and 1, not at {confidence}.")
    tail = (1 - confidence) / 2
    mean = fmean(values)
    low = _weighted_mean_quantile(Counter([*values, least]), tail)
    high = _weighted_mean_quantile(Counter([*values, most]), 1 - tail)
    return Interval(mean, min(mean, low), max(mean, high))


def _weighted_mean_quantile(counts: Mapping[float, int], share: float) -> float:
    """Quantile of the mean of the counted values under weights from a flat Dirichlet distribution."""
    low, high = min(counts), max(counts)
    if low == high:
        return low
    total = sum(counts.values())
    mean = sum(value * count for value, count in counts.items()) / total
    variance = sum(count * (value - mean) ** 2 for value, count in counts.items()) / total
    normal = NormalDist()
    wanted = normal.inv_cdf(share)
    slope = math.sqrt(variance / (total + 1))
    guess, last, miss = mean + wanted * slope, mean, 0.0
    for tries in range(200):
        if tries % 5 == 4 or not low < guess < high:
            guess = (low + high) / 2
        before, miss = miss, normal.inv_cdf(_weighted_mean_below(counts, guess)) - wanted
        low, high = (guess, high) if miss < 0 else (low, guess)
        if abs(miss) < 1e-6 or high - low < 1e-12:
            break
        if tries and miss != before:
            slope = (guess - last) / (miss - before)
        last, guess = guess, guess - miss * slope
    return guess


def _weighted_mean_below(counts: Mapping[float, int], bound: float) -> float:
    """Chance that the Dirichlet-weighted mean is at most `bound`: that a sum of gamma variables is at most 0."""
    terms = [(value - bound, count) for value, count in counts.items() if value != bound]
    if sum(count * offset for offset, count in terms) < 0:
        return min(1 - 1e-15, 1 - _gamma_sum_negative([(-offset, count) for offset, count in terms]))
    return max(1e-300, _gamma_sum_negative(terms))


def _gamma_sum_negative(terms: Sequence[tuple[float, int]]) -> float:
    """P(sum of offset * Gamma(count) < 0) of a sum whose mean is positive: its Laplace transform, inverted by the
    trapezoidal rule along a hyperbola through the saddle point that bends as the steepest descent does (contours
    after Weideman and Trefethen 2007). Right to ten digits, however small."""
    left, right = 0.0, 1 / max(-offset for offset, _ in terms)
    for _ in range(30):
        saddle = (left + right) / 2
        falling = sum(count * offset / (1 + saddle * offset) for offset, count in terms) + 1 / saddle > 0
        left, right = (saddle, right) if falling else (left, saddle)
    scaled = [(offset / (1 + saddle * offset), count) for offset, count in terms] + [(1 / saddle, 1)]
    width = 1 / math.sqrt(sum(count * offset * offset for offset, count in scaled))
    skew = -2 * sum(count * (offset * width) ** 3 for offset, count in scaled)
    bend, step = max(-0.5, min(0.5, skew / 3)), 0.15
    total, size, t = 0.0, 1.0, step / 2
    while size > 1e-11:
        move = width * complex(bend * (math.cosh(t) - 1), math.sinh(t))
        logs = sum(count * cmath.log(1 + move * offset) for offset, count in scaled)
        value = cmath.exp(-logs) * complex(bend * math.sinh(t), math.cosh(t))
        total, size, t = total + value.imag, abs(value), t + step
    peak = sum(count * math.log(1 + saddle * offset) for offset, count in terms) + math.log(saddle)
    return math.exp(-peak) * total * step * width / math.pi


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
