"""The paired permutation test: whose sign each task's difference has is a coin's toss, if the arms are equal."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from fractions import Fraction

DRAWS = 20_000
_FEW = 16  # differences whose sign patterns are counted one by one
_FINEST = 5040  # the finest common denominator that is looked for
_MOST_BITS = 10_000_000  # of the integer that holds a distribution
_CLOSE = 1e-9


def sign_flip_p_value(differences: Sequence[float], *, seed: int = 0) -> float:
    """Two-sided p-value of the mean of paired differences, one for each task (Fisher 1935); 1.0 where none differs.

    Exact wherever the differences are multiples of one fraction, as means of equally many 0/1 samples are, or few;
    then of 0/1 outcomes it is the exact McNemar test. Else by Monte Carlo of `DRAWS` seeded flips, in which what was
    seen counts as one of them (Phipson and Smyth 2010).
    """
    sizes = [abs(difference) for difference in differences if abs(difference) > _CLOSE]
    if not sizes:
        return 1.0
    seen = abs(math.fsum(differences))
    units = _in_units(sizes)
    if units is not None and sum(units) * (len(units) + 1) <= _MOST_BITS:
        return _counted(units, round(seen / (sizes[0] / units[0])))
    return _enumerated(sizes, seen) if len(sizes) <= _FEW else _drawn(sizes, seen, seed)


def common_step(differences: Sequence[float]) -> float:
    """The greatest number that all differences are multiples of; 0.0 where there is none coarser than a 5,040th."""
    sizes = [abs(difference) for difference in differences if abs(difference) > _CLOSE]
    units = _in_units(sizes) if sizes else None
    return sizes[0] / units[0] if units else 0.0


def _in_units(sizes: Sequence[float]) -> list[int] | None:
    """The sizes as multiples of their greatest common measure; None where there is none that is coarse enough."""
    scale = 1
    for size in set(sizes):
        scale = math.lcm(scale, Fraction(size).limit_denominator(_FINEST).denominator)
        if scale > _FINEST:
            return None
    units = [round(size * scale) for size in sizes]
    if any(abs(unit - size * scale) > _CLOSE * scale for unit, size in zip(units, sizes, strict=True)):
        return None
    common = math.gcd(*units)
    return [unit // common for unit in units]


def _counted(units: Sequence[int], seen: int) -> float:
    """Exact: all 2^n sums at once, as coefficients of a polynomial that is held in one long integer. The sum of those
    with a plus is (total + sum) / 2; by symmetry the lower tail is doubled."""
    total, width = sum(units), len(units) + 1
    if seen == 0:
        return 1.0
    counts = 1
    for unit in units:
        counts += counts << (unit * width)
    below = counts & ((1 << (((total - seen) // 2 + 1) * width)) - 1)
    mask = (1 << width) - 1
    data = below.to_bytes((below.bit_length() + 7) // 8, "little")
    tail = _coefficient_sum(data, width, mask)
    return min(1.0, float(Fraction(2 * tail, 1 << len(units))))


def _coefficient_sum(data: bytes, width: int, mask: int) -> int:
    total = 0
    for position in range(0, len(data) * 8, width):
        start, shift = divmod(position, 8)
        total += (int.from_bytes(data[start : start + (width + shift + 7) // 8], "little") >> shift) & mask
    return total


def _enumerated(sizes: Sequence[float], seen: float) -> float:
    sums = map(sum, itertools.product(*_tables(sizes)))
    return math.fsum(abs(found) >= seen - _CLOSE for found in sums) / (1 << len(sizes))


def _drawn(sizes: Sequence[float], seen: float, seed: int) -> float:
    rng = random.Random(seed)
    *full, rest = _tables(sizes)
    last = len(rest) - 1
    as_far = 0
    for _ in range(DRAWS):
        tosses = rng.randbytes(len(full) + 1)
        found = sum([table[toss] for table, toss in zip(full, tosses, strict=False)])
        as_far += abs(found + rest[tosses[-1] & last]) >= seen - _CLOSE
    return (as_far + 1) / (DRAWS + 1)


def _tables(sizes: Sequence[float]) -> list[list[float]]:
    """For each eight sizes their sum under every pattern of signs: a byte's toss is then one look-up."""
    tables = []
    for start in range(0, len(sizes), 8):
        sums = [0.0]
        for size in sizes[start : start + 8]:
            sums = [*(found - size for found in sums), *(found + size for found in sums)]
        tables.append(sums)
    return tables
