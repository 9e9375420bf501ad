"""Arms of an ablation, each by itself and against another; the unit of everything is the task."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.estimate import Interval, paired_p_value
from metaclaw_jlab.core.multiplicity import holm
from metaclaw_jlab.core.outcome import Cells, Outcome, TaskPair, arms_of, cells_of, task_means, task_pairs
from metaclaw_jlab.core.power import Deviation, Discordant, Spread
from metaclaw_jlab.core.resampling import bootstrap_interval
from metaclaw_jlab.core.sign_flip import common_step, sign_flip_p_value

_ALIKE = 1e-9


@dataclass(frozen=True, slots=True)
class ArmMean:
    """An arm's mean over tasks, each of which counts the same however often it was attempted."""

    arm: str
    tasks: int
    outcomes: int
    mean: Interval


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """How much better an arm is than its reference, over the tasks that both did.

    `difference` in [-1, 1]; `p_value` of the exact `test`, `adjusted` for the `family` of comparisons it was made in
    (Holm); `standardised`: mean by standard deviation of the tasks' differences, None where they have none; `better`,
    `worse`, `equal`: shares of tasks; `spread`: what the power depends on.
    """

    arm: str
    reference: str
    tasks: int
    difference: Interval
    p_value: float
    test: str
    standardised: float | None
    better: float
    worse: float
    equal: float
    spread: Spread
    adjusted: float
    family: int = 1
    confidence: float = 0.95


def arm_mean(outcomes: Sequence[Outcome], arm: str, confidence: float = 0.95) -> ArmMean:
    """An arm's mean with its interval. Raises UsageMistake where it has no outcomes."""
    cells = _cells(outcomes, arm)
    count = sum(len(samples) for seeds in cells.values() for samples in seeds.values())
    means = list(task_means(cells).values())
    return ArmMean(arm, len(means), count, bootstrap_interval(means, confidence))


def compare(
    outcomes: Sequence[Outcome], arm: str, reference: str, confidence: float = 0.95
) -> PairedComparison:
    """Compares two arms. Raises UsageMistake where they have no task in common."""
    ours, theirs = _cells(outcomes, arm), _cells(outcomes, reference)
    pairs = task_pairs(ours, theirs)
    if not pairs:
        raise UsageMistake(f"{arm} and {reference} have no task in common.", "Run both on the same tasks.")
    differences = [pair.difference for pair in pairs]
    single = _single(ours, pairs) and _single(theirs, pairs)
    better = sum(difference > _ALIKE for difference in differences)
    worse = sum(difference < -_ALIKE for difference in differences)
    p_value, test = _test(pairs, single)
    deviation = _deviation(differences)
    size = len(pairs)
    return PairedComparison(
        arm=arm,
        reference=reference,
        tasks=size,
        difference=bootstrap_interval(differences, confidence, least=-1.0),
        p_value=p_value,
        test=test,
        standardised=fmean(differences) / deviation if deviation > _ALIKE else None,
        better=better / size,
        worse=worse / size,
        equal=(size - better - worse) / size,
        # Where next to no task differs, the differences' deviation is no estimate: a difference brings its own.
        spread=Discordant((better + worse) / size)
        if single or better + worse < 2
        else Deviation(deviation, common_step(differences)),
        adjusted=p_value,
        confidence=confidence,
    )


def compare_all(
    outcomes: Sequence[Outcome],
    reference: str,
    pairs: Sequence[tuple[str, str]] = (),
    confidence: float = 0.95,
) -> tuple[PairedComparison, ...]:
    """Every arm against the reference, or the given pairs of arm and reference; p-values adjusted for all of them."""
    chosen = pairs or [(arm, reference) for arm in arms_of(outcomes) if arm != reference]
    found = [compare(outcomes, arm, other, confidence) for arm, other in chosen]
    adjusted = holm([comparison.p_value for comparison in found])
    return tuple(
        replace(comparison, adjusted=p_value, family=len(found))
        for comparison, p_value in zip(found, adjusted, strict=True)
    )


def _cells(outcomes: Sequence[Outcome], arm: str) -> Cells:
    cells = cells_of(outcomes, arm)
    if not cells:
        known = ", ".join(arms_of(outcomes)) or "none"
        raise UsageMistake(f"There is no outcome of arm {arm}.", f"Arms with outcomes: {known}.")
    return cells


def _single(cells: Cells, pairs: Sequence[TaskPair]) -> bool:
    """Whether each task was attempted once, with outcome 0 or 1."""
    samples = [[value for seed in cells[pair.task].values() for value in seed] for pair in pairs]
    return all(len(values) == 1 and values[0] in (0.0, 1.0) for values in samples)


def _test(pairs: Sequence[TaskPair], single: bool) -> tuple[float, str]:
    if single:
        first = [bool(pair.arm) for pair in pairs]
        return paired_p_value(first, [bool(pair.reference) for pair in pairs]), "McNemar, exact"
    return sign_flip_p_value([pair.difference for pair in pairs]), "sign flips over tasks"


def _deviation(differences: Sequence[float]) -> float:
    if len(differences) < 2:
        return 0.0
    mean = fmean(differences)
    return math.sqrt(
        math.fsum((difference - mean) ** 2 for difference in differences) / (len(differences) - 1)
    )
