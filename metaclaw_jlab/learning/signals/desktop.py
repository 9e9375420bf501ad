"""Whether keyboard or mouse of the desktop are used."""

from __future__ import annotations

import functools
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.errors import MissingExtra
from metaclaw_jlab.core.signal import Reading, SignalState
from metaclaw_jlab.learning.signals.phrases import span
from metaclaw_jlab.learning.signals.sampling import Beside, on_a_thread
from metaclaw_jlab.learning.signals.sign import LastSign, after_sign

LOOK_SECONDS = 5.0
ABSENT_SECONDS = 600.0  # a desktop that was not there is looked for again
FRESH_SECONDS = 30.0
SESSION_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS")


def input_seconds_ago() -> float | None:
    """Seconds since the last input, None where there is no desktop. Raises MissingExtra."""
    if sys.platform == "linux" and not any(os.environ.get(name) for name in SESSION_VARIABLES):
        return None
    milliseconds = _monitor().get_dbus_idle()
    return None if milliseconds is None else max(0.0, float(milliseconds) / 1000)


@functools.cache
def _monitor() -> Any:
    """One for the life of the process: some keep a connection or a program running."""
    try:
        from dbus_idle import IdleMonitor
    except ImportError as error:
        raise MissingExtra("dbus-idle", "signals") from error
    logging.getLogger("dbus_idle").setLevel(logging.ERROR)  # that there is no desktop is no news
    return IdleMonitor()


class Desktop:
    """`look` tells how long ago the last input was. A screen on which there was none since it was first looked at may
    be nobody's (a virtual one, a greeter), and is unknown."""

    name = "desktop"

    def __init__(
        self,
        settings: Callable[[], SchedulerSettings],
        *,
        look: Callable[[], float | None] = input_seconds_ago,
        clock: Callable[[], float] = time.time,
        start: Callable[[Callable[[], None]], None] = on_a_thread,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._beside: Beside[float | None] = Beside(
            look, self._pause, retry_seconds=ABSENT_SECONDS, clock=clock, start=start
        )
        self._first: float | None = None
        self._used = False
        self._input = LastSign()

    def read(self) -> Reading:
        """Busy until idle_minutes after the last input, then idle; unknown without a desktop that is used."""
        settings = self._settings()
        if not settings.desktop:
            return self._unknown("Not looked at (scheduler.desktop).")
        self._beside.refresh()
        ago, at, now = self._beside.found, self._beside.at, self._clock()
        if self._beside.trouble is not None:
            return self._unknown(f"Input of the desktop cannot be read: {self._beside.trouble}")
        if at is None:
            return self._unknown("The desktop was not looked at yet.")
        if ago is None:
            return self._unknown("No desktop whose input can be read.")
        if not 0 <= now - at <= FRESH_SECONDS:
            return self._unknown("The desktop does not answer.")
        if not self._met(at, ago, now):
            return self._unknown("No input on the desktop since it was first looked at: it may be nobody's.")
        last = self._input.at(now) or now
        quiet = span(now - last)
        return after_sign(
            self.name,
            last,
            now,
            settings.idle_minutes * 60,
            busy=f"There was keyboard or mouse input {quiet} ago.",
            idle=f"No keyboard or mouse input for {quiet}.",
            opens=True,
        )

    def _met(self, at: float, ago: float, now: float) -> bool:
        """Note the last input, and say whether there ever was one while it was looked at."""
        if self._first is None or self._first > now:
            self._first = at
        self._used = self._used or at - ago > self._first
        self._input.note(at - ago, now)
        return self._used

    def _pause(self) -> float:
        return ABSENT_SECONDS if self._beside.found is None else LOOK_SECONDS

    def _unknown(self, sentence: str) -> Reading:
        return Reading(self.name, SignalState.UNKNOWN, sentence, opens=True)
