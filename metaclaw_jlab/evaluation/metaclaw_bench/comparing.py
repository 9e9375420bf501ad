"""Arms of the benchmark against one of them. The unit is the day: rounds of a day share a conversation and a workspace,
so that a day's mean over its rounds is one value, and days count the same however many rounds they have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from metaclaw_jlab.core.comparison import PairedComparison, compare_all
from metaclaw_jlab.core.conclusion import conclude
from metaclaw_jlab.core.outcome import Outcome
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import DayResult

UNIT = "day"
FEWEST = 2  # days, under which nothing is compared
_CHAIN = ("full", "skills")  # the paper's second step: what weights add to skills
_TASK = re.compile(r"(?<= )task(s?)(?=[ ,.;])")


def comparisons(arms: Mapping[str, Sequence[DayResult]], reference: str) -> list[dict[str, Any]]:
    """Each arm's difference from the reference in accuracy, on the days that both ran, as JSON values; none where
    there is nothing to compare. Full is held against skills as well, where both are there."""
    outcomes = [outcome for arm, days in arms.items() for outcome in _outcomes(arm, days)]
    pairs = [(arm, reference) for arm in arms if arm != reference]
    if reference in arms and set(_CHAIN) <= arms.keys() and _CHAIN[1] != reference:
        pairs.append(_CHAIN)
    pairs = [pair for pair in pairs if reference in arms and len(_shared(arms, *pair)) >= FEWEST]
    return [_record(found) for found in compare_all(outcomes, reference, pairs)] if pairs else []


def _outcomes(arm: str, days: Sequence[DayResult]) -> list[Outcome]:
    return [
        Outcome(arm, day.day, max(0.0, fmean(one.score for one in day.rounds))) for day in days if day.rounds
    ]


def _shared(arms: Mapping[str, Sequence[DayResult]], one: str, other: str) -> set[str]:
    return {day.day for day in arms[one] if day.rounds} & {day.day for day in arms[other] if day.rounds}


def _record(found: PairedComparison) -> dict[str, Any]:
    concluded = conclude(found)
    return {
        "arm": found.arm,
        "reference": found.reference,
        "unit": UNIT,
        "days": found.tasks,
        "difference": found.difference.estimate,
        "ci95": [found.difference.low, found.difference.high],
        "p": found.p_value,
        "adjusted": found.adjusted,
        "test": found.test.replace("task", UNIT),
        "effect": found.standardised,
        "better": found.better,
        "worse": found.worse,
        "equal": found.equal,
        "finding": concluded.finding.value,
        "sentence": _TASK.sub(rf"{UNIT}\1", concluded.sentence),
        "needed": concluded.needed,
        "smallest": concluded.smallest,
    }
