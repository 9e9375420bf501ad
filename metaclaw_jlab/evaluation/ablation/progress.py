"""How far an ablation is, for those who conduct it and for those who look on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from metaclaw_jlab.core.ablation import AblationState, Attempt
from metaclaw_jlab.evaluation.ablation.attempts_log import read_attempts
from metaclaw_jlab.evaluation.ablation.budget import Meter
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, RunState

_ENOUGH = 3  # attempts that a pace can be told from


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `of` attempts, the last one of `arm`; `eta_seconds` is None while nothing can be said."""

    done: int
    of: int
    arm: str
    seconds: float
    eta_seconds: float | None
    tokens: int
    cost: float
    sentence: str


def progress_of(
    run: RunFolder, attempts: Sequence[Attempt] | None = None, *, clock: Callable[[], float] = time.time
) -> Progress:
    """How far a run is, from its files alone."""
    state = run.state()
    found = read_attempts(run) if attempts is None else attempts
    meter = Meter(run.plan().budget)
    meter.count(found)
    return progress(state, len(found), found[-1].arm if found else "", meter, clock())


def progress(state: RunState, done: int, arm: str, meter: Meter, now: float, doing: str = "") -> Progress:
    """How far a run in this state is; `doing` is what it does in place of attempts."""
    seconds = state.seconds(now)
    left = eta_seconds(state, done, now)
    return Progress(
        done,
        state.of,
        arm,
        seconds,
        left,
        meter.tokens,
        meter.cost,
        doing or _sentence(state, done, arm, left),
    )


def eta_seconds(state: RunState, done: int, now: float) -> float | None:
    """How long it will take still at the pace since it was last started."""
    if state.state is not AblationState.RUNNING or state.started_at is None:
        return None
    new = done - state.before
    if new < _ENOUGH or state.of < done:
        return None
    return (state.of - done) * (now - state.started_at) / new


def in_words(seconds: float) -> str:
    """A time for people: `40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _sentence(state: RunState, done: int, arm: str, left: float | None) -> str:
    counted = f"{done} of {state.of} attempts" if state.of else f"{done} attempts"
    if state.state is not AblationState.RUNNING:
        return f"{counted}. {state.reason}".strip()
    words = [counted, *([f"arm {arm}"] if arm else [])]
    if left is not None:
        words.append(f"{in_words(left)} left")
    return ", ".join(words)
