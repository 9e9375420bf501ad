import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.errors import StoreDamaged
from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.learning.signals.kernels import SILENT_SECONDS, KnownKernels
from metaclaw_jlab.runtime.processes import boot_id, start_ticks, this_process
from metaclaw_jlab.store.activity import Activities
from metaclaw_jlab.store.database import Database, open_database
from tests.learning.signals.clocks import Clock

ELSEWHERE = "another-boot:12:34"
Settings = Callable[[], SchedulerSettings]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = open_database(tmp_path / "metaclaw.db")
    yield found
    found.close()


@pytest.fixture
def store(database: Database, clock: Clock) -> Activities:
    return Activities(database, clock=clock)


@pytest.fixture
def kernels(store: Activities, settings: Settings, clock: Clock) -> KnownKernels:
    return KnownKernels(store.since, settings, booted=lambda: clock.now - 86_400, clock=clock)


@pytest.fixture
def ended_process() -> str:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    mark = f"{boot_id()}:{process.pid}:{start_ticks(process.pid)}"
    process.communicate()
    return mark


def test_without_a_kernel_nobody_knows(kernels: KnownKernels) -> None:
    assert kernels.read().state is SignalState.UNKNOWN


def test_a_kernel_that_runs_a_cell_forbids(store: Activities, kernels: KnownKernels) -> None:
    store.touch(this_process(), None, "busy")
    assert kernels.read().forbidding


def test_a_cell_that_runs_for_hours_stays_busy(
    store: Activities, kernels: KnownKernels, clock: Clock
) -> None:
    store.touch(this_process(), None, "busy")
    clock.now += 5 * 3600
    assert kernels.read().forbidding


def test_busy_lasts_until_idle_minutes_after_the_cell(
    store: Activities, kernels: KnownKernels, clock: Clock
) -> None:
    store.touch(this_process(), None, "idle")
    ended = clock.now
    clock.now += 599
    reading = kernels.read()
    assert (reading.forbidding, reading.until) == (True, ended + 600)


def test_a_kernel_that_rests_opens(store: Activities, kernels: KnownKernels, clock: Clock) -> None:
    store.touch(this_process(), None, "idle")
    clock.now += 600
    assert kernels.read().opening


def test_one_kernel_in_use_forbids_beside_others_that_rest(
    store: Activities, kernels: KnownKernels, clock: Clock, ended_process: str
) -> None:
    store.touch(this_process(), None, "idle")
    clock.now += 3600
    store.touch(ELSEWHERE, None, "idle")
    assert kernels.read().forbidding


def test_a_kernel_killed_in_a_cell_is_busy_no_longer_than_after_a_cell(
    store: Activities, kernels: KnownKernels, clock: Clock, ended_process: str
) -> None:
    store.touch(ended_process, None, "busy")
    before = kernels.read().forbidding
    clock.now += 600
    assert (before, kernels.read().state) == (True, SignalState.UNKNOWN)


def test_a_kernel_that_ended_does_not_hide_one_that_rests(
    store: Activities, kernels: KnownKernels, clock: Clock, ended_process: str
) -> None:
    store.touch(this_process(), None, "idle")
    store.touch(ended_process, None, "busy")
    clock.now += 600
    assert kernels.read().opening


def test_a_kernel_elsewhere_that_fell_silent_in_a_cell_is_unknown(
    store: Activities, kernels: KnownKernels, clock: Clock
) -> None:
    store.touch(this_process(), None, "idle")
    store.touch(ELSEWHERE, None, "busy")
    clock.now += 600 + SILENT_SECONDS
    assert kernels.read().state is SignalState.UNKNOWN


def test_a_kernel_of_before_the_last_start_of_the_machine_says_nothing(
    store: Activities, kernels: KnownKernels, clock: Clock
) -> None:
    store.touch(ELSEWHERE, None, "busy")
    clock.now += 2 * 86_400
    store.touch(this_process(), None, "idle")
    clock.now += 600
    assert kernels.read().opening


def test_rows_of_servers_are_no_kernels(store: Activities, kernels: KnownKernels) -> None:
    store.touch(this_process(), None, "server")
    assert kernels.read().state is SignalState.UNKNOWN


def test_a_clock_that_went_back_by_hours_counts_from_now(
    store: Activities, kernels: KnownKernels, clock: Clock
) -> None:
    store.touch(this_process(), None, "idle")
    clock.now -= 7200
    first = kernels.read()
    clock.now += 600
    assert (first.forbidding, kernels.read().opening) == (True, True)


def test_a_store_that_cannot_be_read_is_unknown(settings: Settings, clock: Clock) -> None:
    def broken(seconds: float) -> tuple[()]:
        raise StoreDamaged("The database is damaged.", "Mend it.")

    reading = KnownKernels(broken, settings, clock=clock).read()
    assert (reading.state, "damaged" in reading.sentence) == (SignalState.UNKNOWN, True)


def test_a_home_that_was_deleted_is_unknown(
    tmp_path: Path, database: Database, kernels: KnownKernels, store: Activities
) -> None:
    store.touch(this_process(), None, "idle")
    database.close()
    for name in tmp_path.iterdir():
        name.unlink()
    tmp_path.rmdir()
    assert kernels.read().state is SignalState.UNKNOWN
