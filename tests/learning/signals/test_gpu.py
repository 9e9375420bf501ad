import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pynvml
import pytest

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.errors import MissingExtra
from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.learning.signals import gpu as gpu_module
from metaclaw_jlab.learning.signals.gpu import FRESH_SECONDS, MB, Gpu, GpuUse, gpu_use
from tests.learning.signals.clocks import Clock

OURS, THEIRS = 100, 200
IDLE, BUSY, UNKNOWN = SignalState.IDLE, SignalState.BUSY, SignalState.UNKNOWN


def gpu(found: GpuUse | None, *, own: tuple[int, ...] = (), here: tuple[int, ...] = (OURS, THEIRS)) -> Gpu:
    settings = SchedulerSettings(gpu_memory_mb=1000, gpu_percent=20)
    return Gpu(
        lambda: settings,
        own=lambda: own,
        look=lambda: found,
        exists=here.__contains__,
        start=lambda work: work(),
    )


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (GpuUse(300, 0), IDLE),
        (GpuUse(1001, 0), BUSY),
        (GpuUse(300, 21), BUSY),
        (GpuUse(1001, None, {THEIRS: 1001}), BUSY),
        (GpuUse(300, None), IDLE),
        (GpuUse(300, 90, {THEIRS: 300}, {THEIRS: 90}), BUSY),
        (None, UNKNOWN),
    ],
)
def test_while_nothing_of_ours_runs_all_use_is_by_others(found: GpuUse | None, state: SignalState) -> None:
    assert gpu(found).read().state is state


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (GpuUse(60_000, 99, {OURS: 59_500}, {OURS: 99}), IDLE),
        (GpuUse(60_000, 99, {OURS: 50_000, THEIRS: 9_500}, {OURS: 99}), BUSY),
        (GpuUse(60_000, 99, {OURS: 59_500, THEIRS: 200}, {OURS: 50, THEIRS: 45}), BUSY),
        (GpuUse(60_000, 99, {OURS: 59_500}, None), IDLE),
    ],
)
def test_what_is_ours_does_not_count(found: GpuUse, state: SignalState) -> None:
    assert gpu(found, own=(OURS,)).read().state is state


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (GpuUse(60_000, 99), UNKNOWN),
        (GpuUse(60_000, 99, {7: 59_500}, {7: 99}), UNKNOWN),
        (GpuUse(60_000, 99, {THEIRS: 59_500}), BUSY),
        (GpuUse(60_000, 99, {OURS: None}), UNKNOWN),
        (GpuUse(500, 0), IDLE),
    ],
)
def test_where_ours_is_not_listed_nothing_is_guessed(found: GpuUse, state: SignalState) -> None:
    assert gpu(found, own=(OURS,)).read().state is state


def test_this_process_alone_is_no_training() -> None:
    assert gpu(GpuUse(60_000, 99), own=(os.getpid(),)).read().forbidding


def test_a_free_gpu_opens_nothing() -> None:
    assert not gpu(GpuUse(0, 0)).read().opening


def test_it_forbids_for_a_minute_after(clock: Clock) -> None:
    found = {"use": GpuUse(50_000, 0)}
    signal = Gpu(SchedulerSettings, look=lambda: found["use"], clock=clock, start=lambda work: work())
    signal.read()
    found["use"] = GpuUse(0, 0)
    clock.now += 30
    still = signal.read().state
    clock.now += 31
    assert (still, signal.read().state) == (BUSY, IDLE)


def test_a_driver_that_hangs_is_unknown(clock: Clock) -> None:
    begun: list[Callable[[], None]] = []
    signal = Gpu(SchedulerSettings, look=lambda: GpuUse(50_000, 0), clock=clock, start=begun.append)
    signal.read()
    begun.pop()()
    clock.now += FRESH_SECONDS + 1
    assert signal.read().state is UNKNOWN


def test_who_holds_the_gpu_is_told() -> None:
    signal = gpu(GpuUse(500, 0, {THEIRS: 500}))
    signal.read()
    assert signal.holders() == {THEIRS}


class Driver:
    """The calls of NVML that are made, with answers of a driver; an error where `broken` names the call."""

    def __init__(self) -> None:
        self.broken: dict[str, int] = {}
        self.asked: list[object] = []

    def __call__(self, name: str, answer: object) -> Callable[..., object]:
        def call(*arguments: object, **_: object) -> object:
            if name in self.broken:
                raise pynvml.NVMLError(self.broken[name])
            self.asked.extend(arguments[:1])
            return answer

        return call


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    made = Driver()
    listed = [
        SimpleNamespace(pid=OURS, usedGpuMemory=700 * MB),
        SimpleNamespace(pid=THEIRS, usedGpuMemory=None),
    ]
    work = [
        SimpleNamespace(pid=OURS, timeStamp=1, smUtil=90),
        SimpleNamespace(pid=OURS, timeStamp=2, smUtil=40),
    ]
    answers = {
        "nvmlInit": None,
        "nvmlDeviceGetHandleByIndex": "device",
        "nvmlDeviceGetHandleByUUID": "slice",
        "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=1000 * MB),
        "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=45),
        "nvmlDeviceGetComputeRunningProcesses": listed,
        "nvmlDeviceGetGraphicsRunningProcesses": [],
        "nvmlDeviceGetProcessUtilization": work,
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, made(name, answer))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    gpu_module._begin.cache_clear()
    yield made
    gpu_module._begin.cache_clear()


def test_what_the_driver_says_is_read(driver: Driver) -> None:
    assert gpu_use() == GpuUse(1000, 45, {OURS: 700, THEIRS: None}, {OURS: 40})


def test_a_slice_of_a_gpu_tells_no_utilisation(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-1,MIG-2")
    refused = pynvml.NVML_ERROR_NOT_SUPPORTED
    driver.broken = {"nvmlDeviceGetUtilizationRates": refused, "nvmlDeviceGetProcessUtilization": refused}
    found = gpu_use()
    assert found is not None
    assert (driver.asked[0], found.used_mb, found.percent, found.percent_of) == ("MIG-1", 1000, None, None)


def test_where_no_process_had_work_none_is_told(driver: Driver) -> None:
    driver.broken = {"nvmlDeviceGetProcessUtilization": pynvml.NVML_ERROR_NOT_FOUND}
    found = gpu_use()
    assert found is not None
    assert found.percent_of == {}


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_a_gpu_that_is_hidden_is_none(driver: Driver, monkeypatch: pytest.MonkeyPatch, hidden: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert gpu_use() is None


def test_the_second_gpu_is_looked_at_where_it_is_the_one(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    gpu_use()
    assert driver.asked[0] == 1


@pytest.mark.parametrize("call", ["nvmlInit", "nvmlDeviceGetHandleByIndex", "nvmlDeviceGetMemoryInfo"])
def test_a_driver_that_fails_is_no_gpu(driver: Driver, call: str) -> None:
    driver.broken = {call: pynvml.NVML_ERROR_GPU_IS_LOST}
    assert gpu_use() is None


def test_a_driver_that_came_back_is_begun_again(driver: Driver) -> None:
    driver.broken = {"nvmlDeviceGetMemoryInfo": pynvml.NVML_ERROR_UNINITIALIZED}
    gpu_use()
    driver.broken = {}
    assert (gpu_use() is not None, gpu_module._begin.cache_info().misses) == (True, 1)


def test_a_driver_without_its_library_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setattr(gpu_module, "DRIVER", tmp_path)
    with pytest.raises(MissingExtra, match="signals"):
        gpu_use()


def test_without_a_driver_no_library_is_missed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setattr(gpu_module, "DRIVER", tmp_path / "none")
    assert gpu_use() is None
