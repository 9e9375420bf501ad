"""Whether a kernel that Jupyter calls idle still works: a background thread, a child process, the GPU held."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.signal import Reading, SignalState
from metaclaw_jlab.learning.signals.phrases import span
from metaclaw_jlab.learning.signals.process_tree import Computed, computed, computed_since, tree
from metaclaw_jlab.learning.signals.sampling import due
from metaclaw_jlab.learning.signals.sign import LastSign

SAMPLE_SECONDS = 10.0
BUSY_CORES = 0.1  # a kernel at rest uses less than a hundredth of a core


class KernelProcesses:
    """Looks at the process trees of kernels, `pids` by name. What this project runs (`own`) is none of a kernel, even
    where a kernel started it. `holders`: the processes that hold the GPU."""

    name = "kernel-processes"

    def __init__(
        self,
        pids: Callable[[], Mapping[str, int]],
        settings: Callable[[], SchedulerSettings],
        *,
        own: Callable[[], Collection[int]] = tuple,
        holders: Callable[[], Collection[int]] = tuple,
        trees: Callable[[Collection[int], Collection[int]], set[int]] = tree,
        seconds: Callable[[Collection[int]], Computed] = computed,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._pids = pids
        self._settings = settings
        self._own = own
        self._holders = holders
        self._trees = trees
        self._seconds = seconds
        self._clock = clock
        self._sampled: float | None = None
        self._before: Computed | None = None
        self._compared = False
        self._work = LastSign()
        self._why = ""
        self._kernels = 0

    def read(self) -> Reading:
        """Busy until idle_minutes after a kernel last computed or held the GPU; unknown before two looks."""
        now = self._clock()
        if due(self._sampled, now, SAMPLE_SECONDS):
            self._sample(now)
        last = self._work.at(now)
        until = None if last is None else last + self._settings().idle_minutes * 60
        if last is not None and until is not None and now < until:
            when = "" if last == self._sampled else f", {span(now - last)} ago"
            return Reading(self.name, SignalState.BUSY, f"{self._why}{when}.", until=until)
        if not self._kernels:
            return Reading(self.name, SignalState.UNKNOWN, "No process of a kernel is known.")
        if not self._compared:
            return Reading(
                self.name, SignalState.UNKNOWN, "The processes of kernels were looked at only once."
            )
        return Reading(self.name, SignalState.IDLE, "No process of a kernel computes or holds the GPU.")

    def _sample(self, now: float) -> None:
        roots = {pid for pid in self._pids().values() if pid > 0}
        found = self._trees(roots, self._own()) if roots else set()
        seconds = self._seconds(found)
        before, elapsed = self._before, now - (self._sampled or now)
        self._compared = before is not None and elapsed > 0
        if before is not None and elapsed > 0:
            known = {pid for pid, _ in before}
            # What a new kernel used while it started says nothing; what a known one started counts whole.
            told = {key: value for key, value in seconds.items() if key[0] in known or key[0] not in roots}
            cores = computed_since(before, told) / elapsed
            if cores > BUSY_CORES:
                self._sign(now, f"A kernel computes in the background ({cores:.0%} of a core)")
        if held := found.intersection(self._holders()):
            self._sign(now, f"A kernel holds the GPU (process {min(held)})")
        self._before, self._sampled, self._kernels = seconds, now, len(roots)

    def _sign(self, now: float, why: str) -> None:
        self._work.note(now, now)
        self._why = why
