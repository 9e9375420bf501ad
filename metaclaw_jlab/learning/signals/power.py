"""Whether the machine runs on its battery."""

from __future__ import annotations

import time
from collections.abc import Callable

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.signal import Reading, SignalState
from metaclaw_jlab.learning.signals.sampling import due

SAMPLE_SECONDS = 10.0

Battery = tuple[float, bool | None]


def battery() -> Battery | None:
    """Its charge in percent, and whether it is plugged in (None: nobody knows); None where there is no battery."""
    import psutil

    try:
        found = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    except (OSError, ValueError, RuntimeError):  # half a battery in /sys, as some virtual machines show
        return None
    return None if found is None else (float(found.percent), found.power_plugged)


class Power:
    """Forbids training on battery, unless the user allows it."""

    name = "power"

    def __init__(
        self,
        settings: Callable[[], SchedulerSettings],
        *,
        look: Callable[[], Battery | None] = battery,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._look = look
        self._clock = clock
        self._sampled: float | None = None
        self._found: Battery | None = None

    def read(self) -> Reading:
        """Busy on battery, idle on mains, unknown where the system does not tell."""
        now = self._clock()
        if due(self._sampled, now, SAMPLE_SECONDS):
            self._sampled, self._found = now, self._look()
        if self._found is None:
            return Reading(self.name, SignalState.IDLE, "No battery: on mains.")
        percent, plugged = self._found
        if plugged is None:
            return Reading(self.name, SignalState.UNKNOWN, "Whether it is plugged in is not known.")
        if plugged:
            return Reading(self.name, SignalState.IDLE, "On mains.")
        if self._settings().battery:
            return Reading(
                self.name, SignalState.IDLE, f"On battery ({percent:.0f} %), which scheduler.battery allows."
            )
        return Reading(self.name, SignalState.BUSY, f"On battery ({percent:.0f} %).")
