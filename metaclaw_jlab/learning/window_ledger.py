"""The open window and what was trained today, kept in the store; a store that fails is told, and written to later."""

from __future__ import annotations

import logging
from dataclasses import replace
from zoneinfo import ZoneInfo

from metaclaw_jlab.core.errors import InvariantViolation, MetaclawError, NotFound
from metaclaw_jlab.core.window import Window
from metaclaw_jlab.learning.local_day import day_start
from metaclaw_jlab.store.windows import Windows

logger = logging.getLogger(__name__)

SAVE_SECONDS = 60.0  # of training that a crash may leave out of the log


class WindowLedger:
    """At most one window is open. No method raises: `trouble` says why the store cannot be written."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._begun = False
        self._closed: Window | None = None  # not in the store yet
        self._saved = 0.0
        self._day: float | None = None
        self._today = 0.0
        self.window: Window | None = None
        self.trouble = ""

    def settle(self) -> None:
        """Write what is not written yet: the window that a dead host left open, the one that was closed last."""
        try:
            if not self._begun:
                self._windows.close_left_open()
                self._begun = True
            if self._closed is not None:
                self._write_closed(self._closed)
                self._closed = None
            self.trouble = ""
        except (InvariantViolation, NotFound) as error:
            logger.warning("A window is lost from the log: %s", error)
            self._closed = None
            self._begun = False  # whatever is open there is not this one
        except (MetaclawError, OSError) as error:
            self._say(error)

    def today(self, now: float, tz: ZoneInfo | None) -> float:
        """Seconds that were trained in windows since the local midnight."""
        day = day_start(now, tz)
        if day != self._day:
            try:
                self._today = self._windows.used_since(day) if self._day is None or day < self._day else 0.0
                self._day = day
            except (MetaclawError, OSError) as error:
                self._say(error)
        return self._today

    def open(self, at: float, by: tuple[str, ...]) -> Window | None:
        """Open a window; None where the store does not take it."""
        try:
            self.window = self._windows.open(at, by)
            self._saved = 0.0
        except (MetaclawError, OSError) as error:
            self._say(error)
        return self.window

    def spend(self, seconds: float, run: int | None) -> None:
        """Add to what was trained in the open window, and today."""
        self._today += seconds
        if self.window is None:
            return
        known = self.window.run if run is None else run
        self.window = replace(self.window, used_seconds=self.window.used_seconds + seconds, run=known)
        if self.window.used_seconds - self._saved < SAVE_SECONDS:
            return
        self._saved = self.window.used_seconds
        try:
            self._windows.use(self.window.number, self.window.used_seconds, known)
        except (MetaclawError, OSError) as error:
            self._say(error)

    def close(self, at: float, by: str, yield_seconds: float | None) -> None:
        """Close the open window; one that the store does not take now is written later."""
        if self.window is None:
            return
        at = max(at, self.window.opened_at)
        self._closed = replace(self.window, closed_at=at, closed_by=by, yield_seconds=yield_seconds)
        self.window = None
        self.settle()

    def _write_closed(self, window: Window) -> None:
        assert window.closed_at is not None
        self._windows.close(
            window.number,
            window.closed_at,
            window.closed_by,
            used_seconds=window.used_seconds,
            run=window.run,
            yield_seconds=window.yield_seconds,
        )

    def _say(self, error: Exception) -> None:
        if str(error) != self.trouble:
            logger.warning("The log of windows cannot be written: %s", error)
        self.trouble = str(error) or type(error).__name__
