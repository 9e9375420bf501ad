"""What many comparisons at once ask of each."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values in the given order (Holm 1979): under `alpha` where the family errs at most with `alpha`,
    however the comparisons hang together. Raises ValueError on what is no p-value."""
    if not all(0 <= p_value <= 1 for p_value in p_values):
        raise ValueError("A p-value lies between 0 and 1.")
    adjusted = [0.0] * len(p_values)
    reached = 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        reached = max(reached, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[position] = reached
    return tuple(adjusted)
