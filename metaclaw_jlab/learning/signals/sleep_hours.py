"""The hours in which the user is away every day, and those in which nothing is ever trained."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.errors import ConfigError
from metaclaw_jlab.core.hours import find_zone, parse_hours
from metaclaw_jlab.core.signal import Reading, SignalState
from metaclaw_jlab.learning.signals.hours import Span, next_start, spans_around, within
from metaclaw_jlab.learning.signals.phrases import moment

Settings = Callable[[], SchedulerSettings]


class SleepHours:
    """Gives a reason to train in scheduler.sleep_hours, and forbids nothing outside of them."""

    name = "sleep-hours"

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock

    def read(self) -> Reading:
        """Idle within the hours and busy outside, each with when it ends; unknown where none are set."""
        now, settings = self._clock(), self._settings()
        try:
            zone, spans = _spans(settings.sleep_hours, settings.timezone, now, widest=False)
        except ConfigError as error:
            return self._reading(SignalState.UNKNOWN, f"scheduler.sleep_hours cannot be read: {error.cause}")
        if not settings.sleep_hours.strip():
            return self._reading(SignalState.UNKNOWN, "No sleep hours are set (scheduler.sleep_hours).")
        if (found := within(spans, now)) is not None:
            told = f"Your sleep hours, until {moment(found[1], now, zone)}."
            return self._reading(SignalState.IDLE, told, found[1])
        begins = next_start(spans, now)
        told = f"Not your sleep hours; they begin {moment(begins, now, zone)}." if begins else "None soon."
        return self._reading(SignalState.BUSY, told, begins)

    def _reading(self, state: SignalState, sentence: str, until: float | None = None) -> Reading:
        return Reading(self.name, state, sentence, opens=True, vetoes=False, until=until)


class QuietHours:
    """Forbids training in scheduler.quiet_hours, and altogether while they cannot be read."""

    name = "quiet-hours"

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock

    def read(self) -> Reading:
        """Busy within the hours and idle outside, each with when it ends; unknown where none are set."""
        now, settings = self._clock(), self._settings()
        if not settings.quiet_hours.strip():
            return Reading(self.name, SignalState.UNKNOWN, "No quiet hours are set (scheduler.quiet_hours).")
        try:
            zone, spans = _spans(settings.quiet_hours, settings.timezone, now, widest=True)
        except ConfigError as error:
            return Reading(
                self.name,
                SignalState.BUSY,
                f"scheduler.quiet_hours cannot be read: {error.cause} So all are quiet.",
            )
        if (found := within(spans, now)) is not None:
            told = f"Quiet hours, until {moment(found[1], now, zone)}."
            return Reading(self.name, SignalState.BUSY, told, until=found[1])
        begins = next_start(spans, now)
        told = f"No quiet hours until {moment(begins, now, zone)}." if begins else "No quiet hours soon."
        return Reading(self.name, SignalState.IDLE, told, until=begins)


def _spans(
    text: str, timezone: str, now: float, *, widest: bool
) -> tuple[datetime.tzinfo | None, tuple[Span, ...]]:
    zone = find_zone(timezone)
    return zone, spans_around(parse_hours(text), zone, now, widest=widest)
