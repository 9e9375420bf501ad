from collections.abc import Collection
from pathlib import Path

import pytest

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.learning.signals.load import CpuUse, Load, machine_use
from tests.learning.signals.clocks import Clock

CPUS = 4


class Machine:
    """What all programs have used, and our own among them."""

    def __init__(self) -> None:
        self.total = 1000.0
        self.own = 10.0

    def use(self) -> CpuUse:
        return CpuUse(self.total, CPUS)

    def computed(self, pids: Collection[int]) -> dict[tuple[int, int], float]:
        return {(1, 1): self.own}

    def work(self, clock: Clock, seconds: float, *, others: float, own: float = 0.0) -> None:
        """Let time pass while others and we keep so many CPUs busy."""
        clock.now += seconds
        self.total += seconds * (others + own)
        self.own += seconds * own


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def load(machine: Machine, clock: Clock) -> Load:
    settings = SchedulerSettings(load_percent=25)
    return Load(lambda: settings, total=machine.use, seconds=machine.computed, clock=clock)


def test_one_look_is_not_enough(load: Load) -> None:
    assert load.read().state is SignalState.UNKNOWN


def test_a_machine_at_rest_is_idle_and_opens_nothing(load: Load, machine: Machine, clock: Clock) -> None:
    load.read()
    machine.work(clock, 10, others=0.1)
    reading = load.read()
    assert (reading.state, reading.opening) == (SignalState.IDLE, False)


def test_others_that_compute_forbid(load: Load, machine: Machine, clock: Clock) -> None:
    load.read()
    machine.work(clock, 10, others=2)
    assert load.read().forbidding


def test_our_own_training_does_not_count(load: Load, machine: Machine, clock: Clock) -> None:
    load.read()
    machine.work(clock, 10, others=0, own=4)
    assert load.read().state is SignalState.IDLE


def test_a_moment_of_load_is_averaged_away(load: Load, machine: Machine, clock: Clock) -> None:
    load.read()
    for _ in range(5):
        machine.work(clock, 5, others=0)
        load.read()
    machine.work(clock, 5, others=4)
    assert load.read().state is SignalState.IDLE


def test_it_forbids_for_a_minute_after(load: Load, machine: Machine, clock: Clock) -> None:
    load.read()
    machine.work(clock, 10, others=4)
    load.read()
    states = []
    for _ in range(20):
        machine.work(clock, 5, others=0)
        states.append(load.read().state)
    assert (states[10], states[-1]) == (SignalState.BUSY, SignalState.IDLE)


def test_a_machine_that_slept_is_looked_at_anew(load: Load, machine: Machine, clock: Clock) -> None:
    load.read()
    machine.work(clock, 8 * 3600, others=4)
    assert load.read().state is SignalState.UNKNOWN


def test_a_clock_that_went_back_is_looked_at_anew(load: Load, machine: Machine, clock: Clock) -> None:
    load.read()
    machine.work(clock, -3600, others=-1)
    assert load.read().state is SignalState.UNKNOWN


def test_a_container_has_a_share_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n")
    assert machine_use(tmp_path) == CpuUse(2.5, 1.5)


@pytest.mark.parametrize("limit", ["max 100000\n", "nonsense", ""])
def test_without_a_share_the_machine_counts(tmp_path: Path, limit: str) -> None:
    (tmp_path / "cpu.max").write_text(limit)
    (tmp_path / "cpu.stat").write_text("usage_usec 1\n")
    assert machine_use(tmp_path).seconds > 1
