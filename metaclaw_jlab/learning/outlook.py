"""What follows from what is known at a moment: whether a window may be open, until when, and when the next could be.

Plain functions of a `Ground`; the scheduler acts on what they say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.schedule import Need
from metaclaw_jlab.core.signal import Reading, SignalState
from metaclaw_jlab.core.window import Pause
from metaclaw_jlab.learning.local_day import next_day, zone
from metaclaw_jlab.learning.signals.phrases import moment

SETTINGS, STORE, PAUSE, BUDGET, SHUTDOWN = "settings", "store", "pause", "budget", "shutdown"
NOTHING_OPENS = "Nothing says that nobody is working."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a decision rests on. `trained_today` is in seconds; `not_before` keeps a window shut for a moment after one
    was closed; `trouble` is why the store or the configuration cannot be read."""

    now: float
    settings: SchedulerSettings
    readings: tuple[Reading, ...] = ()
    pause: Pause | None = None
    trained_today: float = 0.0
    not_before: float = 0.0
    trouble: str = ""
    over: bool = False

    def time(self, at: float) -> str:
        """A time in words, in the user's zone."""
        return moment(at, self.now, zone(self.settings.timezone))

    @property
    def budget_left(self) -> float:
        """Seconds of training that are left of this day's."""
        return max(0.0, self.settings.daily_minutes * 60 - self.trained_today)

    @property
    def shortest(self) -> float:
        """Seconds that a window must be expected to last; a whole day's budget is always enough."""
        return min(self.settings.min_window_minutes, self.settings.daily_minutes) * 60

    @property
    def spent(self) -> bool:
        """Whether too little is left of the day's budget to begin anything."""
        return self.budget_left <= 0 or self.budget_left < self.shortest


def opening(ground: Ground) -> tuple[str, ...]:
    """The names of the signals that give a reason to train now."""
    return tuple(reading.name for reading in ground.readings if reading.opening)


def forbidden_by(ground: Ground, *, training: bool = False) -> str:
    """What forbids a window now, "" where nothing does. What trains already uses its budget to the end."""
    if ground.over:
        return SHUTDOWN
    if ground.trouble:
        return STORE
    if not ground.settings.enabled:
        return SETTINGS
    if ground.pause is not None:
        return PAUSE
    if (ground.budget_left <= 0) if training else ground.spent:
        return BUDGET
    return next((reading.name for reading in ground.readings if reading.forbidding), "")


def known_end(ground: Ground) -> float | None:
    """When a window that were open now would be over at the latest; None where nothing tells."""
    openers = [reading for reading in ground.readings if reading.opening]
    # What may both open and veto says nothing of when somebody comes: it may become unknown then.
    ends = [
        reading.until
        for reading in ground.readings
        if reading.vetoes and not reading.opens and reading.state is SignalState.IDLE
    ]
    if openers and all(reading.until is not None for reading in openers):
        ends.append(max(reading.until for reading in openers if reading.until is not None))
    return min((end for end in ends if end is not None), default=None)


def too_short(ground: Ground) -> bool:
    """Whether a window would be over before it is worth its while."""
    end = known_end(ground)
    return end is not None and end - ground.now < ground.shortest


def next_window(ground: Ground) -> tuple[float | None, str]:
    """When a window could open at the earliest, and why not before; None where that cannot be told."""
    bounds = list(_bounds(ground))
    for at, why in bounds:
        if at is None:
            return None, why
    at, why = max(bounds, key=lambda bound: bound[0] or 0.0, default=(ground.now, ""))
    return max(at or 0.0, ground.now), why


def wish(need: Need, settings: SchedulerSettings) -> bool | None:
    """Whether to take up the unfinished run (True), begin a new one (False), or neither (None)."""
    if not need.trainable:
        return None
    if need.unfinished:
        return True
    again = need.older if settings.reattempt else 0
    return False if need.waiting + again >= settings.min_batch else None


def lacking(need: Need, settings: SchedulerSettings) -> str:
    """What there is too little of to train, in a sentence; "" where there is enough."""
    if not need.trainable:
        return need.sentence
    if wish(need, settings) is not None:
        return ""
    waits = "waits" if need.waiting == 1 else "wait"
    older = f", {need.older} older may be attempted again" if need.older and settings.reattempt else ""
    return f"{need.waiting} of {settings.min_batch} query tasks {waits} to be trained on (scheduler.min_batch){older}."


def short_sentence(ground: Ground) -> str:
    """Why a window that is known to be short is left unused."""
    end = known_end(ground) or ground.now
    return (
        f"Until {ground.time(end)} it is less than the {ground.settings.min_window_minutes:g} min of "
        "scheduler.min_window_minutes."
    )


def shut_sentence(ground: Ground) -> str:
    """Why no window is open, in a sentence."""
    by = forbidden_by(ground)
    if by == SHUTDOWN:
        return "The host has ended."
    if by == STORE:
        return ground.trouble
    if by == SETTINGS:
        return "Training by itself is switched off (scheduler.enabled)."
    if by == PAUSE and ground.pause is not None:
        until = ground.pause.until
        return (
            f"Paused until {ground.time(until)}." if until is not None else "Paused until you take it back."
        )
    if by == BUDGET:
        spent = ground.trained_today / 60
        return f"Today's budget is used: {spent:.0f} of {ground.settings.daily_minutes:g} min."
    if by:
        return next(reading.sentence for reading in ground.readings if reading.forbidding)
    if not opening(ground):
        return NOTHING_OPENS
    if too_short(ground):
        return short_sentence(ground)
    return f"A window was closed a moment ago; the next opens after {ground.time(ground.not_before)}."


def _bounds(ground: Ground) -> Iterable[tuple[float | None, str]]:
    """Whatever keeps a window shut now, with the time when it may be over."""
    settings = ground.settings
    if ground.over or ground.trouble or not settings.enabled:
        yield None, shut_sentence(ground)
    if ground.pause is not None:
        until = ground.pause.until
        yield until, "You paused it." if until is not None else "You paused it until you take it back."
    if ground.spent:
        tomorrow = next_day(ground.now, zone(settings.timezone))
        yield (tomorrow if settings.daily_minutes else None), "The day's budget of training is used."
    for reading in ground.readings:
        if reading.forbidding:
            yield reading.until, reading.sentence
    if not opening(ground):
        found = [reading for reading in ground.readings if reading.opens and reading.until is not None]
        first = min(found, key=lambda reading: reading.until or 0.0, default=None)
        yield (None, _nothing_opens(ground.readings)) if first is None else (first.until, first.sentence)
    elif too_short(ground):
        yield known_end(ground), short_sentence(ground)
    if ground.not_before > ground.now:
        yield ground.not_before, "A window was closed a moment ago."


def _nothing_opens(readings: tuple[Reading, ...]) -> str:
    """That no signal gives a reason, and what those say that could."""
    return " ".join([NOTHING_OPENS, *(reading.sentence for reading in readings if reading.opens)])
