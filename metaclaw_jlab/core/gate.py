"""What a gate is: paired attempts of a candidate and of what serves, and the verdict that they allow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from metaclaw_jlab.core.estimate import Interval


class Verdict(StrEnum):
    """What a gate says of a candidate."""

    PROMOTE = "promote"
    REJECT = "reject"
    INSUFFICIENT = "insufficient"  # not enough evidence: more held-out tasks are needed


@dataclass(frozen=True, slots=True)
class Paired:
    """One held-out task, attempted by both: their scores in [0, 1] (1: every check passed)."""

    task: str
    candidate: float
    reference: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Paired scores under one name, such as `gain` or `regression/best/T=0`: the mean difference (candidate less
    reference) with its interval, at the confidence that was asked of it."""

    name: str
    n: int
    candidate: float
    reference: float
    difference: Interval
    passed: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class GateReport:
    """A verdict with everything that led to it. `missing` is how many held-out tasks are lacking."""

    verdict: Verdict
    reason: str
    comparisons: tuple[Comparison, ...]
    look: int
    missing: int = 0
