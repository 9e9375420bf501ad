"""Whom the user lets train: pauses, a training that they began, one that they stopped."""

import pytest

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.core.window import SchedulerState
from tests.learning.homes import Ground
from tests.learning.scheduling import Bench

BUSY, IDLE = SignalState.BUSY, SignalState.IDLE


@pytest.fixture
def bench(home_ground: Ground) -> Bench:
    return Bench(home_ground.database)


def test_a_pause_stops_and_its_end_opens(bench: Bench) -> None:
    bench.idle()
    view = bench.scheduler.pause(30)
    assert (bench.stage.now, view.window) == (None, None)
    assert view.next_window == bench.clock.now + 30 * 60
    assert bench.wait(29 * 60).sentence == f"Paused until {view.sentence.rsplit(' ', 1)[1]}"
    assert bench.wait(60).state is SchedulerState.TRAINING


def test_a_pause_of_another_process_is_seen(bench: Bench) -> None:
    bench.idle()
    bench.pauses.begin()
    assert bench.scheduler.tick().sentence == "Paused until you take it back."
    assert bench.windows.recent(1)[0].closed_by == "pause"


def test_unpausing_trains_at_once(bench: Bench) -> None:
    bench.scheduler.pause(None)
    bench.idle()
    assert bench.scheduler.unpause().state is SchedulerState.TRAINING


@pytest.mark.parametrize("minutes", [0, -5, float("nan"), float("inf")])
def test_a_pause_lasts_a_number_of_minutes(bench: Bench, minutes: float) -> None:
    with pytest.raises(UsageMistake, match="no number of minutes"):
        bench.scheduler.pause(minutes)


def test_activity_leaves_a_consented_training_alone(bench: Bench) -> None:
    bench.stage.consented()
    bench.scheduler.tick()
    bench.scheduler.activity("lab")
    bench.kernels.state = BUSY
    view = bench.wait(60)
    assert (bench.stage.stops, view.state) == (0, SchedulerState.TRAINING)
    assert "you began" in view.sentence


def test_a_pause_stops_a_consented_training(bench: Bench) -> None:
    bench.stage.consented()
    bench.wait(30)
    bench.scheduler.pause(None)
    assert bench.stage.now is None


def test_a_consent_given_in_a_pause_counts(bench: Bench) -> None:
    bench.scheduler.pause(None)
    bench.clock.now += 60
    bench.stage.consented()
    bench.wait(60)
    assert bench.stage.stops == 0


def test_a_kernel_that_needs_the_gpu_stops_a_consented_training(bench: Bench) -> None:
    bench.stage.consented()
    bench.gpu.state = IDLE
    bench.wait(30)
    bench.gpu.state = BUSY
    bench.wait(30)
    assert bench.stage.now is None


def test_a_gpu_that_was_taken_before_the_consent_does_not_stop_it(bench: Bench) -> None:
    bench.gpu.state = BUSY
    bench.scheduler.tick()
    bench.stage.consented()
    bench.wait(60)
    assert bench.stage.stops == 0


def test_nothing_is_begun_beside_a_consented_training(bench: Bench) -> None:
    bench.stage.consented()
    bench.idle()
    bench.wait(60)
    assert bench.stage.begun == []
    bench.stage.end()
    bench.wait(30)
    assert bench.stage.begun == [False]


def test_a_consented_training_uses_no_budget(bench: Bench) -> None:
    bench.stage.consented()
    bench.idle()
    assert bench.wait(600).trained_today == 0


def test_a_training_stopped_by_hand_is_not_taken_up_at_once(bench: Bench) -> None:
    bench.idle()
    bench.need(unfinished=True)
    bench.stage.end()
    view = bench.wait(30)
    assert view.sentence.startswith("You stopped a training")
    assert bench.windows.recent(1)[0].closed_by == "stop"
    bench.wait(bench.settings.idle_minutes * 60 - 60)
    assert bench.stage.begun == [False]
    bench.wait(60)
    assert bench.stage.begun == [False, True]


def test_shutdown_leaves_a_consented_training_alone(bench: Bench) -> None:
    bench.stage.consented()
    bench.scheduler.tick()
    bench.scheduler.shutdown()
    assert bench.stage.stops == 0
