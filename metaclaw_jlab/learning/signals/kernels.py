"""Whether any kernel of this home is used, whoever started it: what all of them write to the store."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.core.signal import Reading, SignalState
from metaclaw_jlab.learning.signals.phrases import span
from metaclaw_jlab.learning.signals.sign import after_sign
from metaclaw_jlab.runtime.processes import boot_id, mark_alive
from metaclaw_jlab.store.activity import Activity

BUSY, IDLE = "busy", "idle"
KEPT_SECONDS = 30 * 86_400.0  # a kernel that lives and was last used longer ago is a source no more
SILENT_SECONDS = 150.0  # a kernel that runs a cell says so every 30 s
_log = logging.getLogger(__name__)


@dataclass
class _Found:
    """What the rows say together. `last` is the last sign of a user."""

    live: int = 0
    running: int = 0
    silent: int = 0
    last: float | None = None


def booted_at() -> float:
    """When this machine was started, seconds since the epoch."""
    import psutil

    return float(psutil.boot_time())


class KnownKernels:
    """`activities` gives what was written in the last so many seconds. Rows that are neither busy nor idle are not of
    kernels. A kernel of another machine that fell silent while it was busy makes all of it unknown."""

    name = "kernels"

    def __init__(
        self,
        activities: Callable[[float], Sequence[Activity]],
        settings: Callable[[], SchedulerSettings],
        *,
        alive: Callable[[str], bool] = mark_alive,
        boot: Callable[[], str] = boot_id,
        booted: Callable[[], float] = booted_at,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._activities = activities
        self._settings = settings
        self._alive = alive
        self._boot = boot
        self._booted = booted
        self._clock = clock
        self._ahead: dict[tuple[str, float], float] = {}

    def read(self) -> Reading:
        """Busy while one runs something, and until idle_minutes after; idle where one that lives has been so."""
        now = self._clock()
        try:
            rows = self._activities(KEPT_SECONDS)
        except (MetaclawError, OSError) as error:
            _log.debug("The activity of kernels cannot be read", exc_info=True)
            return self._unknown(f"What kernels do cannot be read: {getattr(error, 'cause', error)}")
        found = self._look(rows, now)
        idle_seconds = self._settings().idle_minutes * 60
        if found.running:
            who = "A kernel runs" if found.running == 1 else f"{found.running} kernels run"
            return Reading(
                self.name, SignalState.BUSY, f"{who} a cell.", opens=True, until=now + idle_seconds
            )
        if found.last is None:
            return self._unknown("No kernel with the extension loaded is known.")
        quiet = span(now - found.last)
        reading = after_sign(
            self.name,
            found.last,
            now,
            idle_seconds,
            busy=f"A kernel was used {quiet} ago.",
            idle=f"No kernel was used for {quiet}.",
            opens=True,
        )
        if reading.state is SignalState.IDLE and found.silent:
            return self._unknown("A kernel of another machine has fallen silent while it ran a cell.")
        if reading.state is SignalState.IDLE and not found.live:
            return self._unknown(f"No kernel that is known still runs; the last was used {quiet} ago.")
        return reading

    def _look(self, rows: Sequence[Activity], now: float) -> _Found:
        found = _Found()
        here = self._boot()
        ahead: dict[tuple[str, float], float] = {}
        for row in rows:
            if row.state not in (BUSY, IDLE):
                continue
            at = self._met(row, now, ahead)
            found.last = at if found.last is None else max(found.last, at)
            ours = row.process.partition(":")[0] == here
            if ours and self._alive(row.process):
                found.live += 1
                found.running += row.state == BUSY
            elif not ours and row.state == BUSY and now - at > SILENT_SECONDS and at >= self._booted():
                found.silent += 1
        self._ahead = ahead
        return found

    def _met(self, row: Activity, now: float, ahead: dict[tuple[str, float], float]) -> float:
        """When a row was written; one that lies ahead, because the clock went back, when it was first met here."""
        if row.at <= now:
            return row.at
        key = (row.process, row.at)
        ahead[key] = min(self._ahead.get(key, now), now)
        return ahead[key]

    def _unknown(self, sentence: str) -> Reading:
        return Reading(self.name, SignalState.UNKNOWN, sentence, opens=True)
