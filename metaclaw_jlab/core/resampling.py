"""Bootstrap intervals of a mean without drawing: the resampling distribution by its saddlepoint approximation."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import NormalDist, fmean

from metaclaw_jlab.core.estimate import Interval, bounded_mean_interval

FEWEST_APART = 8  # values that differ from the commonest one; with fewer a resample tells too little
_NORMAL = NormalDist()


def bootstrap_interval(
    values: Sequence[float], confidence: float = 0.95, *, least: float = 0.0, most: float = 1.0
) -> Interval:
    """Bootstrap interval of the mean of independent values in [least, most], one for each task.

    BCa (Efron 1987), at levels widened as Student's t is wider than the normal (Hesterberg 2015): the plain percentile
    interval is too narrow with tens of tasks, and off to one side where tasks are mostly solved. Quantiles are those
    of infinitely many resamples, by the saddlepoint approximation (Davison and Hinkley 1988), so there is no seed.
    Where fewer than `FEWEST_APART` values differ from the commonest, the conservative `bounded_mean_interval` instead:
    it is never empty. Raises ValueError on an empty sequence or values out of bounds.
    """
    if not values or not all(least <= value <= most for value in values):
        raise ValueError(f"A bootstrap needs one or more values, all from {least} to {most}.")
    counts = Counter(values)
    size, mean = len(values), fmean(values)
    if size - max(counts.values()) >= FEWEST_APART:
        low, high = (_quantile(counts, level) for level in _levels(counts, size, mean, confidence))
        if low is not None and high is not None:
            return Interval(mean, min(mean, low), max(mean, high))
    return bounded_mean_interval(values, confidence, least=least, most=most)


def student_quantile(share: float, freedom: int) -> float:
    """Quantile of Student's t: exact for one and two degrees of freedom, else the expansion about the normal one
    (Fisher and Cornish 1960; Abramowitz and Stegun 26.7.5), right to 1 % from three on at the usual levels."""
    if freedom == 1:
        return math.tan(math.pi * (share - 0.5))
    if freedom == 2:
        return (2 * share - 1) * math.sqrt(2 / (4 * share * (1 - share)))
    z = _NORMAL.inv_cdf(share)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return math.fsum(term / freedom**power for power, term in enumerate(terms))


def _levels(counts: Counter[float], size: int, mean: float, confidence: float) -> tuple[float, float]:
    """Normal quantiles of the two levels. A mean's acceleration and median bias are both skewness / (6 sqrt(n))."""
    variance = math.fsum(count * (value - mean) ** 2 for value, count in counts.items()) / size
    third = math.fsum(count * (value - mean) ** 3 for value, count in counts.items()) / size
    bias = third / variance / (6 * math.sqrt(size * variance))
    wide = math.sqrt(size / (size - 1)) * student_quantile(0.5 + confidence / 2, size - 1)

    def level(z: float) -> float:
        return bias + (bias + z) / (1 - bias * (bias + z))

    return level(-wide), level(wide)


def _quantile(counts: Counter[float], level: float) -> float | None:
    """The mean that a resample stays under with chance Phi(level); None where the approximation ends before."""
    size = sum(counts.values())
    mean = sum(value * count for value, count in counts.items()) / size
    offsets = [(value - mean, count / size) for value, count in counts.items()]
    deviation = math.sqrt(sum(share * offset * offset for offset, share in offsets))
    inner, outer = 0.0, level / (deviation * math.sqrt(size))
    for _ in range(40):
        found, root = _tilted(offsets, size, outer)
        if root is None:
            return None
        if abs(root) >= abs(level):
            break
        inner, outer = outer, outer * 1.5
    else:
        return None
    for _ in range(60):
        middle = (inner + outer) / 2
        found, root = _tilted(offsets, size, middle)
        if root is None:
            return None
        if abs(root - level) < 1e-4:
            return mean + found
        inner, outer = (middle, outer) if abs(root) < abs(level) else (inner, middle)
    return mean + found


def _tilted(offsets: Sequence[tuple[float, float]], size: int, tilt: float) -> tuple[float, float | None]:
    """The mean of the values under weights exp(tilt * value), and the normal quantile of the chance that a resample's
    mean stays under it (Barndorff-Nielsen's form, 1986); None where the weights are all on one value."""
    highest = max(tilt * offset for offset, _ in offsets)
    weights = [(offset, share * math.exp(tilt * offset - highest)) for offset, share in offsets]
    total = sum(weight for _, weight in weights)
    found = sum(offset * weight for offset, weight in weights) / total
    variance = sum((offset - found) ** 2 * weight for offset, weight in weights) / total
    depth = size * (tilt * found - highest - math.log(total))
    if variance <= 0 or depth <= 0:
        return found, None
    root = math.copysign(math.sqrt(2 * depth), tilt)
    return found, root + math.log(tilt * math.sqrt(size * variance) / root) / root
