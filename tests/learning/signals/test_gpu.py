import os
from collections.abc import Callable

import pytest

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.learning.signals.gpu import FRESH_SECONDS, Gpu, GpuUse
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
