"""Whether other programs use the CPUs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.signal import Reading, SignalState
from metaclaw_jlab.learning.signals.process_tree import Computed, computed, computed_since
from metaclaw_jlab.learning.signals.sampling import due

SAMPLE_SECONDS = 5.0
AVERAGE_SECONDS = 30.0  # a program that starts is no load yet
HOLD_SECONDS = 60.0
CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class CpuUse:
    """CPU seconds that all programs have used so far, and how many CPUs there are for them."""

    seconds: float
    cpus: float


def machine_use(cgroup: Path = CGROUP) -> CpuUse:
    """The use of the container where it has a share of its own (cgroup v2, cpu.max), else of the whole machine."""
    try:
        quota, period = (cgroup / "cpu.max").read_text(encoding="ascii").split()
        if quota != "max":
            usage = (cgroup / "cpu.stat").read_text(encoding="ascii").split()
            return CpuUse(int(usage[usage.index("usage_usec") + 1]) / 1e6, int(quota) / int(period))
    except (OSError, ValueError, IndexError, ZeroDivisionError):
        pass
    import psutil

    times = psutil.cpu_times()
    return CpuUse(
        times.user + times.system + sum(getattr(times, kind, 0.0) for kind in ("nice", "irq", "softirq")),
        psutil.cpu_count() or 1,
    )


class Load:
    """The CPU use of others than the processes in `own`, in percent of all CPUs, averaged over half a minute."""

    name = "load"

    def __init__(
        self,
        settings: Callable[[], SchedulerSettings],
        *,
        own: Callable[[], Collection[int]] = tuple,
        total: Callable[[], CpuUse] = machine_use,
        seconds: Callable[[Collection[int]], Computed] = computed,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._own = own
        self._total = total
        self._seconds = seconds
        self._clock = clock
        self._last: tuple[float, CpuUse, Computed] | None = None
        self._samples: deque[tuple[float, float]] = deque()
        self._above: float | None = None

    def read(self) -> Reading:
        """Busy while others use more than load_percent, and for a minute after; unknown before two looks."""
        now = self._clock()
        if due(self._last[0] if self._last else None, now, SAMPLE_SECONDS):
            self._sample(now)
        elapsed = sum(length for length, _ in self._samples)
        if not elapsed:
            return Reading(self.name, SignalState.UNKNOWN, "The load was looked at only once.")
        limit = self._settings().load_percent
        percent = 100 * sum(length * share for length, share in self._samples) / elapsed
        told = f"Other programs use {percent:.0f} % of the CPUs"
        if percent > limit:
            self._above = now
            return Reading(self.name, SignalState.BUSY, f"{told} (limit {limit:g} %).")
        if self._above is not None and 0 <= now - self._above < HOLD_SECONDS:
            return Reading(
                self.name,
                SignalState.BUSY,
                f"{told}, after more than {limit:g} % a moment ago.",
                until=self._above + HOLD_SECONDS,
            )
        return Reading(self.name, SignalState.IDLE, f"{told}.")

    def _sample(self, now: float) -> None:
        total, own = self._total(), self._seconds(self._own())
        before, self._last = self._last, (now, total, own)
        if before is None:
            return
        elapsed = now - before[0]
        if not 0 < elapsed <= AVERAGE_SECONDS:
            self._samples.clear()  # the machine slept, or the clock was set: the sums don't fit the time
            return
        others = max(0.0, total.seconds - before[1].seconds - computed_since(before[2], own))
        self._samples.append((elapsed, min(1.0, others / (elapsed * total.cpus))))
        while sum(length for length, _ in self._samples) > AVERAGE_SECONDS and len(self._samples) > 1:
            self._samples.popleft()
