"""Whether somebody uses the JupyterLab page, as the page itself reports."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.signal import Reading, SignalState
from metaclaw_jlab.learning.signals.phrases import span
from metaclaw_jlab.learning.signals.sign import LastSign, after_sign

FRESH_SECONDS = 150.0  # an open page reports each minute, a hidden one may be a little late


class LabActivity:
    """Told of keystrokes and pointer moves by `seen`. Without a fresh report it knows nothing."""

    name = "lab"

    def __init__(
        self, settings: Callable[[], SchedulerSettings], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._reported: float | None = None
        self._input = LastSign()

    def seen(self, seconds_ago: float) -> None:
        """A page reports, and so many seconds ago there was input in it. What is no number counts as now."""
        now = self._clock()
        ago = seconds_ago if math.isfinite(seconds_ago) else 0.0
        self._reported = now
        self._input.note(now - max(0.0, ago), now)

    def read(self) -> Reading:
        """Busy until idle_minutes after the last input; then idle while a page reports, else unknown."""
        now = self._clock()
        last = self._input.at(now)
        if last is None or self._reported is None:
            return self._unknown("No page of JupyterLab has reported yet.")
        quiet = now - last
        idle_seconds = self._settings().idle_minutes * 60
        reading = after_sign(
            self.name,
            last,
            now,
            idle_seconds,
            busy=f"There was input in JupyterLab {span(quiet)} ago.",
            idle=f"No input in JupyterLab for {span(quiet)}.",
            opens=True,
        )
        if reading.state is SignalState.IDLE and not 0 <= now - self._reported <= FRESH_SECONDS:
            return self._unknown(f"No page of JupyterLab has reported for {span(now - self._reported)}.")
        return reading

    def _unknown(self, sentence: str) -> Reading:
        return Reading(self.name, SignalState.UNKNOWN, sentence, opens=True)
