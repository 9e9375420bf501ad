"""Intervals of means over rounds that are not independent: those of a day share a conversation and a workspace.

The cluster is the day. The mean is over rounds, as published, and its standard error is the cluster-robust one of a
ratio (Liang and Zeger 1986, with G / (G - 1)) against Student's t with a degree of freedom less than there are days.
Where no day differs from the mean that error is 0 and says nothing: then days count as values of their own, and the
interval is the conservative one of bounded values. So it is of a single day's rounds, taken as independent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from metaclaw_jlab.core.estimate import Interval, bounded_mean_interval
from metaclaw_jlab.core.resampling import student_quantile


def clustered_interval(clusters: Sequence[Sequence[float]], confidence: float = 0.95) -> Interval | None:
    """Interval of the mean of all values, at most 1, that come in clusters; None where there is no value."""
    filled = [values for values in clusters if values]
    values = [value for cluster in filled for value in cluster]
    if not values:
        return None
    least = min(0.0, *values)
    if len(filled) == 1:
        return bounded_mean_interval(values, confidence, least=least)
    mean, count = math.fsum(values) / len(values), len(filled)
    off = [math.fsum(cluster) - mean * len(cluster) for cluster in filled]
    squares = math.fsum(one * one for one in off)
    if squares < 1e-18:
        return bounded_mean_interval([mean] * count, confidence, least=least)
    error = math.sqrt(squares * count / (count - 1)) / len(values)
    half = student_quantile(0.5 + confidence / 2, count - 1) * error
    return Interval(mean, max(least, mean - half), min(1.0, mean + half))
