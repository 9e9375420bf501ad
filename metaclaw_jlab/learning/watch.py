"""The watch over a promoted adapter: a sequential test of its pass rate, a share of the tasks being its control."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

HORIZON = 1000  # tasks, then the watch is over

_MEMORY = 50  # tasks that the expected pass rate looks back
_EARLY = 6.25  # information of 100 tasks of which half are controls, at a pass rate of one half
_BARRIER = 5.0  # evidence that rolls back until then: 2 deviations of what chance makes of _EARLY
_LATE = 3.2  # deviations that roll back later


class WatchDecision(StrEnum):
    """What a watch says now."""

    WATCHING = "watching"
    ROLL_BACK = "roll back"
    PASSED = "passed"  # over, without a drop having been found


def control_share(tasks: int) -> float:
    """The share of tasks that what served before answers, after so many tasks: half of the first hundred, while a
    drop is looked for hardest, then falling to an eighth, none after the watch."""
    return min(1 / 2, max(1 / 8, 50 / max(1, tasks))) if tasks < HORIZON else 0.0


@dataclass(frozen=True, slots=True)
class Watch:
    """A watch over adapter `version` after so many tasks and controls among them. `expected` is the pass rate that
    the next task is held against: it follows the outcomes, and any first value is valid.

    Controls are drawn by lot, so where the adapter is as good as what served before, being a control tells nothing of
    a task's outcome: the sum of (control - share) * (passed - expected) is a martingale however the pass rate drifts,
    and `information`, the sum of share * (1 - share) * (passed - expected)^2, is the clock in which it runs as
    Brownian motion. A boundary in that clock errs alike for every pass rate and every drift: 5.0 until an information
    of 6.25 is crossed by chance with probability 2 * (1 - Phi(5.0 / sqrt(6.25))) = 0.0455 at most (reflection
    principle; 0.041 as the sum moves in steps); 3.2 deviations later were found by simulation to keep the whole below
    5 % over 1,000 tasks at every pass rate and drift tried."""

    version: int
    expected: float = 0.5
    tasks: int = 0
    passed: int = 0
    controls: int = 0
    controls_passed: int = 0
    evidence: float = 0.0
    information: float = 0.0
    decision: WatchDecision = WatchDecision.WATCHING

    def after(self, outcomes: Iterable[tuple[bool, bool]]) -> Watch:
        """The watch after outcomes (is_control, passed), in order; what follows a decision is not looked at."""
        expected, evidence, information = self.expected, self.evidence, self.information
        tasks, controls = self.tasks, self.controls
        passed, controls_passed, decision = self.passed, self.controls_passed, self.decision
        for is_control, well in outcomes:
            if decision is not WatchDecision.WATCHING:
                break
            share, surprise = control_share(tasks), well - expected
            evidence += (is_control - share) * surprise
            information += share * (1 - share) * surprise * surprise
            tasks, controls = tasks + 1, controls + is_control
            passed, controls_passed = passed + well, controls_passed + (is_control and well)
            expected += surprise / min(tasks + 4, _MEMORY)
            if evidence >= _boundary(information):
                decision = WatchDecision.ROLL_BACK
            elif tasks >= HORIZON:
                decision = WatchDecision.PASSED
        return Watch(
            self.version, expected, tasks, passed, controls, controls_passed, evidence, information, decision
        )

    @property
    def sentence(self) -> str:
        """The watch in a sentence with its numbers."""
        own = self.tasks - self.controls
        counted = (
            f"Version {self.version} passed {self.passed - self.controls_passed} of {own} tasks, "
            f"what served before it {self.controls_passed} of {self.controls}"
        )
        if self.decision is WatchDecision.ROLL_BACK:
            return f"{counted}: a drop, rolled back after {self.tasks} tasks."
        if self.decision is WatchDecision.PASSED:
            return f"{counted}: no drop in {self.tasks} tasks, the watch is over."
        return f"{counted}: no drop so far, {HORIZON - self.tasks} tasks to go."


def assign(watch: Watch, key: str) -> bool:
    """Whether what served before answers this task, as its control: by hash of the key, the same for ever. The key
    names one attempt (a trajectory's id), so that asking again draws again."""
    if watch.decision is not WatchDecision.WATCHING:
        return False
    drawn = int.from_bytes(sha256(f"{watch.version}:{key}".encode()).digest()[:8]) / 2**64
    return drawn < control_share(watch.tasks)


def _boundary(information: float) -> float:
    return _BARRIER if information <= _EARLY else _LATE * math.sqrt(information)
