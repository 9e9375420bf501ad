"""Whether other programs use the GPU that a training would run on."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.errors import MissingExtra
from metaclaw_jlab.core.signal import Reading, SignalState
from metaclaw_jlab.learning.signals.sampling import Beside, on_a_thread

LOOK_SECONDS = 5.0
ABSENT_SECONDS = 600.0  # a driver that was not there is looked for again
FRESH_SECONDS = 60.0
HOLD_SECONDS = 60.0
DRIVER = Path("/proc/driver/nvidia/version")
MB = 1 << 20


@dataclass(frozen=True, slots=True)
class GpuUse:
    """What NVML says: memory in use (MB) and utilisation (%), of the whole GPU and by process.

    `percent` is None, `percent_of` too, where the driver tells none (a MIG slice). A memory of None: held, nobody knows
    how much. In a container the processes may be missing, or have the pids of the machine.
    """

    used_mb: float
    percent: float | None = None
    memory_of: Mapping[int, float | None] = field(default_factory=dict)
    percent_of: Mapping[int, float] | None = None


def gpu_use() -> GpuUse | None:
    """The use of the first GPU that CUDA_VISIBLE_DEVICES leaves; None where there is none. Raises MissingExtra."""
    try:
        import pynvml
    except ImportError as error:
        if DRIVER.exists():
            raise MissingExtra("nvidia-ml-py", "signals") from error
        return None
    try:
        _begin()
        device = _device(pynvml)
        if device is None:
            return None
        memory_of, percent_of = _memory_of(pynvml, device), _percent_of(pynvml, device)
        return GpuUse(_used(pynvml, device), _percent(pynvml, device), memory_of, percent_of)
    except pynvml.NVMLError:
        _begin.cache_clear()
        return None


@functools.cache
def _begin() -> None:
    """Load the driver's library, once as long as it answers."""
    import pynvml

    pynvml.nvmlInit()


def _device(nvml: Any) -> Any:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return nvml.nvmlDeviceGetHandleByIndex(0)
    first = visible.split(",")[0].strip()
    if first.isdecimal():
        return nvml.nvmlDeviceGetHandleByIndex(int(first))
    return nvml.nvmlDeviceGetHandleByUUID(first) if first.startswith(("GPU-", "MIG-")) else None


def _used(nvml: Any, device: Any) -> float:
    try:
        return float(nvml.nvmlDeviceGetMemoryInfo(device, version=nvml.nvmlMemory_v2).used) / MB
    except (nvml.NVMLError, AttributeError, TypeError):  # an older driver counts what it keeps for itself too
        return float(nvml.nvmlDeviceGetMemoryInfo(device).used) / MB


def _percent(nvml: Any, device: Any) -> float | None:
    try:
        return float(nvml.nvmlDeviceGetUtilizationRates(device).gpu)
    except nvml.NVMLError:
        return None


def _memory_of(nvml: Any, device: Any) -> dict[int, float | None]:
    found: dict[int, float | None] = {}
    for listed in (nvml.nvmlDeviceGetComputeRunningProcesses, nvml.nvmlDeviceGetGraphicsRunningProcesses):
        try:
            for process in listed(device):
                used = process.usedGpuMemory
                found[int(process.pid)] = None if used is None else float(used) / MB
        except nvml.NVMLError:
            continue
    return found


def _percent_of(nvml: Any, device: Any) -> dict[int, float] | None:
    """The newest sample of each process in the last seconds, in percent of the GPU."""
    since = int((time.time() - LOOK_SECONDS) * 1e6)
    try:
        samples = nvml.nvmlDeviceGetProcessUtilization(device, since)
    except nvml.NVMLError as error:
        # None had work in that time, or the driver does not tell.
        return {} if error.value in (nvml.NVML_SUCCESS, nvml.NVML_ERROR_NOT_FOUND) else None
    newest: dict[int, tuple[int, float]] = {}
    for sample in samples:
        pid, at = int(sample.pid), int(sample.timeStamp)
        if pid and at >= newest.get(pid, (0, 0.0))[0]:
            newest[pid] = (at, float(sample.smUtil))
    return {pid: percent for pid, (_, percent) in newest.items()}


def _runs_here(pid: int) -> bool:
    import psutil

    return bool(psutil.pid_exists(pid))


class Gpu:
    """Forbids training while programs other than those in `own` hold the GPU's memory or keep it busy."""

    name = "gpu"

    def __init__(
        self,
        settings: Callable[[], SchedulerSettings],
        *,
        own: Callable[[], Collection[int]] = tuple,
        look: Callable[[], GpuUse | None] = gpu_use,
        exists: Callable[[int], bool] = _runs_here,
        clock: Callable[[], float] = time.time,
        start: Callable[[Callable[[], None]], None] = on_a_thread,
    ) -> None:
        self._settings = settings
        self._own = own
        self._exists = exists
        self._clock = clock
        self._beside: Beside[GpuUse | None] = Beside(
            look, self._pause, retry_seconds=ABSENT_SECONDS, clock=clock, start=start
        )
        self._above: float | None = None

    def holders(self) -> frozenset[int]:
        """The processes that held the GPU at the last look."""
        found = self._beside.found
        return frozenset(found.memory_of) if found is not None else frozenset()

    def read(self) -> Reading:
        """Busy while others use it, and for a minute after; unknown where there is none, or nobody can tell whose."""
        self._beside.refresh()
        found, at, now = self._beside.found, self._beside.at, self._clock()
        if self._beside.trouble is not None:
            return self._reading(SignalState.UNKNOWN, f"The GPU cannot be looked at: {self._beside.trouble}")
        if at is None:
            return self._reading(SignalState.UNKNOWN, "The GPU was not looked at yet.")
        if found is None:
            return self._reading(SignalState.UNKNOWN, "No NVIDIA GPU here.")
        if not 0 <= now - at <= FRESH_SECONDS:
            return self._reading(SignalState.UNKNOWN, "The GPU's driver does not answer.")
        return self._judge(found, now)

    def _judge(self, found: GpuUse, now: float) -> Reading:
        settings = self._settings()
        memory, percent, certain = self._others(found)
        if memory > settings.gpu_memory_mb:
            self._above = now
            limit = f"limit {settings.gpu_memory_mb} MB"
            return self._reading(
                SignalState.BUSY, f"Other programs hold {memory:,.0f} MB of the GPU ({limit})."
            )
        if percent > settings.gpu_percent:
            self._above = now
            limit = f"limit {settings.gpu_percent:g} %"
            return self._reading(
                SignalState.BUSY, f"Other programs keep the GPU busy at {percent:.0f} % ({limit})."
            )
        if self._above is not None and 0 <= now - self._above < HOLD_SECONDS:
            return self._reading(
                SignalState.BUSY,
                "Other programs used the GPU a moment ago.",
                until=self._above + HOLD_SECONDS,
            )
        if not certain:
            return self._reading(
                SignalState.UNKNOWN,
                "The GPU is in use, and whether by others than this project cannot be told here.",
            )
        return self._reading(
            SignalState.IDLE, f"Other programs hold {memory:,.0f} MB of the GPU at {percent:.0f} %."
        )

    def _others(self, found: GpuUse) -> tuple[float, float, bool]:
        """Memory (MB) and utilisation (%) of others, and whether that is all of it."""
        settings, own = self._settings(), set(self._own()) - {os.getpid()}
        mine = own.intersection(found.memory_of)
        of_others = {pid: used for pid, used in found.memory_of.items() if pid not in own}
        if not own or (mine and all(found.memory_of[pid] is not None for pid in mine)):
            memory = max(0.0, found.used_mb - sum(found.memory_of[pid] or 0.0 for pid in mine))
            known = True
        else:
            # Ours runs and is not listed: it may be without the GPU, or listed by a pid of outside this container.
            memory = sum(used or 0.0 for pid, used in of_others.items() if self._exists(pid))
            known = found.used_mb - memory <= settings.gpu_memory_mb
        if found.percent_of is not None and (not own or mine):
            percent = sum(share for pid, share in found.percent_of.items() if pid not in own)
        else:
            percent = 0.0 if own else found.percent or 0.0
        return memory, min(100.0, percent), known

    def _pause(self) -> float:
        return ABSENT_SECONDS if self._beside.found is None else LOOK_SECONDS

    def _reading(self, state: SignalState, sentence: str, until: float | None = None) -> Reading:
        return Reading(self.name, state, sentence, until=until)
