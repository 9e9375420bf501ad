import subprocess
import sys
from collections.abc import Callable, Collection

import pytest

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.learning.signals.kernel_processes import KernelProcesses
from tests.learning.signals.clocks import Clock

KERNEL, CHILD = 100, 101
BACKGROUND_WORK = """
import threading, time
print(flush=True)
input()
def work():
    while time.process_time() < 1.5:
        sum(range(10_000))
    print(flush=True)
threading.Thread(target=work).start()
input()
"""


class Machine:
    """Two processes, a kernel and what it started, and how much they computed."""

    def __init__(self) -> None:
        self.kernels = {"a": KERNEL}
        self.seconds = {KERNEL: 5.0}
        self.holders: set[int] = set()
        self.own: set[int] = set()

    def tree(self, roots: Collection[int], without: Collection[int]) -> set[int]:
        return {pid for pid in self.seconds if pid not in without} if roots else set()

    def computed(self, pids: Collection[int]) -> dict[tuple[int, int], float]:
        return {(pid, 7): self.seconds[pid] for pid in pids}


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def signal(machine: Machine, settings: Callable[[], SchedulerSettings], clock: Clock) -> KernelProcesses:
    return KernelProcesses(
        lambda: machine.kernels,
        settings,
        own=lambda: machine.own,
        holders=lambda: machine.holders,
        trees=machine.tree,
        seconds=machine.computed,
        clock=clock,
    )


def test_one_look_is_not_enough(signal: KernelProcesses) -> None:
    assert signal.read().state is SignalState.UNKNOWN


def test_a_kernel_at_rest_is_idle_and_opens_nothing(signal: KernelProcesses, clock: Clock) -> None:
    signal.read()
    clock.now += 10
    reading = signal.read()
    assert (reading.state, reading.opening) == (SignalState.IDLE, False)


def test_a_background_thread_forbids(signal: KernelProcesses, machine: Machine, clock: Clock) -> None:
    signal.read()
    clock.now += 10
    machine.seconds[KERNEL] += 9
    assert signal.read().forbidding


def test_a_child_that_was_started_meanwhile_counts(
    signal: KernelProcesses, machine: Machine, clock: Clock
) -> None:
    signal.read()
    clock.now += 10
    machine.seconds[CHILD] = 9
    assert signal.read().forbidding


def test_a_kernel_that_has_just_started_does_not_count_as_work(
    signal: KernelProcesses, machine: Machine, clock: Clock
) -> None:
    signal.read()
    clock.now += 10
    machine.kernels["b"] = CHILD
    machine.seconds[CHILD] = 9
    assert signal.read().state is SignalState.IDLE


def test_a_training_that_a_kernel_started_is_no_work_of_the_kernel(
    signal: KernelProcesses, machine: Machine, clock: Clock
) -> None:
    machine.own = {CHILD}
    signal.read()
    clock.now += 10
    machine.seconds[CHILD] = 9
    assert signal.read().state is SignalState.IDLE


def test_a_kernel_that_holds_the_gpu_forbids_at_the_first_look(
    signal: KernelProcesses, machine: Machine
) -> None:
    machine.holders = {KERNEL, 999}
    assert signal.read().forbidding


def test_busy_lasts_until_idle_minutes_after_the_work(
    signal: KernelProcesses, machine: Machine, clock: Clock
) -> None:
    signal.read()
    clock.now += 10
    machine.seconds[KERNEL] += 9
    until = signal.read().until
    clock.now += 599
    still = signal.read().state
    clock.now += 1
    assert (until, still, signal.read().state) == (1_000_610.0, SignalState.BUSY, SignalState.IDLE)


def test_without_kernels_it_is_unknown(signal: KernelProcesses, machine: Machine) -> None:
    machine.kernels = {}
    assert signal.read().state is SignalState.UNKNOWN


def test_a_clock_that_went_back_makes_no_work(
    signal: KernelProcesses, machine: Machine, clock: Clock
) -> None:
    signal.read()
    clock.now -= 3600
    machine.seconds[KERNEL] += 9
    assert signal.read().state is SignalState.UNKNOWN


def test_a_thread_of_a_real_process_is_seen(settings: Callable[[], SchedulerSettings], clock: Clock) -> None:
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", BACKGROUND_WORK], stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    signal = KernelProcesses(lambda: {"a": process.pid}, settings, clock=clock)
    process.stdout.readline()
    before = signal.read().state
    process.stdin.write(b"\n")
    process.stdin.flush()
    process.stdout.readline()
    clock.now += 10
    after = signal.read()
    process.communicate(b"\n")
    assert (before, after.forbidding) == (SignalState.UNKNOWN, True)
