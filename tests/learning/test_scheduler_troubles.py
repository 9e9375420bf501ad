"""What the scheduler survives: clocks, stores, hosts and starts that go wrong."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.core.window import SchedulerState
from metaclaw_jlab.store.database import open_database
from tests.learning.homes import Ground
from tests.learning.scheduling import Bench, Clock

IDLE = SignalState.IDLE


@pytest.fixture
def bench(home_ground: Ground) -> Bench:
    return Bench(home_ground.database)


def test_the_host_waits_from_its_beginning(bench: Bench) -> None:
    bench.kernels.state = IDLE
    fresh = bench.another()
    assert fresh.tick().sentence == "This server began just now."
    assert bench.stage.begun == []


def test_the_budget_outlives_the_host(bench: Bench) -> None:
    bench.change(daily_minutes=30.0)
    bench.idle()
    bench.wait(20 * 60)
    bench.scheduler.shutdown()
    assert bench.another().tick().trained_today == 20 * 60


def test_a_failed_start_is_tried_again_later_and_later(bench: Bench) -> None:
    bench.change(daily_minutes=1440.0)
    bench.idle()
    begun = []
    for _ in range(600):
        if bench.stage.now is not None:
            begun.append(bench.clock.now)
            bench.stage.end("No memory.")
        view = bench.wait(10, 10)
    gaps = [round((after - before) / 60) for before, after in pairwise(begun)]
    assert gaps == [1, 2, 4, 8, 16, 32]
    assert "No memory." in " ".join(view.missing)


@pytest.mark.parametrize("jump", [5 * 3600.0, -5 * 3600.0])
def test_a_clock_that_jumps_is_survived(bench: Bench, jump: float) -> None:
    bench.idle()
    bench.clock.now += jump
    view = bench.scheduler.tick()
    assert bench.stage.now is None
    assert view.sentence.startswith("The clock jumped")
    assert bench.wait(bench.settings.idle_minutes * 60 + 60).state is SchedulerState.TRAINING
    assert view.trained_today <= 120


def test_activity_before_a_clock_went_back_does_not_last_for_hours(bench: Bench) -> None:
    bench.idle()
    bench.scheduler.activity("lab")
    bench.clock.now -= 6 * 3600
    assert bench.wait(bench.settings.idle_minutes * 60 + 120).state is SchedulerState.TRAINING


def test_a_store_that_cannot_be_read_trains_nothing(bench: Bench) -> None:
    bench.needed = None
    bench.idle()
    assert bench.stage.begun == []
    assert "damaged" in bench.wait(30).sentence


def test_a_home_that_is_deleted_under_it_raises_nothing(tmp_path: Path) -> None:
    database = open_database(tmp_path / "metaclaw.db")
    bench = Bench(database, Clock())
    bench.idle()
    database.close()
    for file in tmp_path.iterdir():
        file.unlink()
    bench.wait(120)
    bench.scheduler.activity("lab")
    bench.scheduler.shutdown()
    assert bench.stage.now is None


def test_shutdown_stops_and_closes_the_books(bench: Bench) -> None:
    bench.idle()
    bench.clock.now += 10
    bench.scheduler.shutdown()
    assert bench.stage.now is None
    closed = bench.windows.recent(1)[0]
    assert (closed.closed_by, closed.used_seconds) == ("shutdown", 10)
    assert bench.wait(3600).window is None


def test_the_window_of_a_host_that_died_is_closed_by_the_next(bench: Bench) -> None:
    bench.idle()
    bench.wait(180)
    bench.another().tick()
    closed = bench.windows.recent(1)[0]
    assert (closed.closed_by, closed.used_seconds) == ("crash", 180)


def test_a_window_that_somebody_else_closed_is_let_go(bench: Bench) -> None:
    bench.idle()
    bench.another().tick()
    bench.scheduler.activity("lab")
    assert bench.wait(bench.settings.idle_minutes * 60).state is SchedulerState.TRAINING
    assert [window.closed_by for window in bench.windows.recent(9)] == ["", "crash"]


def test_a_window_that_the_store_refuses_to_close_is_closed_all_the_same(bench: Bench) -> None:
    bench.idle()
    assert bench.stage.now is not None
    bench.stage.now = replace(bench.stage.now, run=99)  # there is no such run
    bench.wait(60)
    bench.scheduler.activity("lab")
    assert bench.wait(bench.settings.idle_minutes * 60).state is SchedulerState.TRAINING
    assert bench.windows.recent(9)[1].closed_by == "crash"
