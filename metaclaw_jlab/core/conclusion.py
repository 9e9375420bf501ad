"""What a comparison allows to be said, and what it would take to say more."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from metaclaw_jlab.core.comparison import PairedComparison
from metaclaw_jlab.core.power import POWER, about, smallest_difference, tasks_needed

WORTHWHILE = 0.05  # the difference that is planned for where nobody names one


class Finding(StrEnum):
    """What is shown of an arm against its reference."""

    BETTER = "better"
    WORSE = "worse"
    NOT_SHOWN = "not shown"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A finding with its sentence. `needed`: tasks that would show a true difference of `worthwhile`; `smallest`: the
    difference that these tasks could show, both with 80 % power at this comparison's share of the level. None: no
    number of tasks, or no difference."""

    finding: Finding
    sentence: str
    worthwhile: float
    needed: int | None
    smallest: float | None


def conclude(comparison: PairedComparison, worthwhile: float = WORTHWHILE) -> Conclusion:
    """The verdict at the comparison's confidence, by the exact test alone: a difference is shown where the adjusted
    p-value is at most the level. Else it is not, which never says that there is none: only what lies outside the
    interval is ruled out. Where few tasks differ the interval is the more careful of the two and may still touch 0.
    Power is planned at level / family, the hardest of Holm's steps."""
    alpha = 1 - comparison.confidence
    interval = comparison.difference
    shown = comparison.adjusted <= alpha + 1e-12
    level = alpha / comparison.family
    needed = tasks_needed(worthwhile, comparison.spread, level)
    smallest = smallest_difference(comparison.tasks, comparison.spread, level)
    if shown:
        finding = Finding.BETTER if interval.estimate > 0 else Finding.WORSE
        size = _points(abs(interval.estimate))
        sentence = (
            f"{comparison.arm} is {size} {finding} than {comparison.reference}: {_measured(comparison)}."
        )
    else:
        finding = Finding.NOT_SHOWN
        sentence = (
            f"No difference shown between {comparison.arm} and {comparison.reference}: {_measured(comparison)}. "
            f"{_missing(comparison, worthwhile, needed, smallest)}"
        )
    return Conclusion(finding, sentence, worthwhile, needed, smallest)


def _measured(comparison: PairedComparison) -> str:
    interval = comparison.difference
    corrected = f", corrected for {comparison.family} comparisons" if comparison.family > 1 else ""
    return (
        f"{_signed(interval.estimate)} points over {comparison.tasks} task{'' if comparison.tasks == 1 else 's'} "
        f"({100 * comparison.confidence:g} % interval {_signed(interval.low)} to {_signed(interval.high)}, "
        f"p {_p_value(comparison.adjusted)}{corrected})"
    )


def _missing(
    comparison: PairedComparison, worthwhile: float, needed: int | None, smallest: float | None
) -> str:
    interval = comparison.difference
    wanted = _points(worthwhile)
    if -worthwhile < interval.low and interval.high < worthwhile:
        return f"A difference of {wanted} or more is ruled out."
    could = "show no difference, however large," if smallest is None else f"show {_points(smallest)} or more"
    said = f"So many tasks {could} with {POWER:.0%} power".replace("%", " %")
    if needed is None:
        return f"{said}; no number of tasks would show {wanted}."
    if needed <= comparison.tasks:
        return f"{said}, and {wanted} is not ruled out."
    return f"{said}; to see {wanted} you need about {about(needed)} tasks."


def _points(difference: float) -> str:
    return f"{100 * difference:.3g} point{'' if round(100 * difference, 1) == 1 else 's'}"


def _signed(difference: float) -> str:
    return f"{100 * difference:+.1f}"


def _p_value(p_value: float) -> str:
    return "< 0.0001" if p_value < 1e-4 else f"= {p_value:.2g}"
