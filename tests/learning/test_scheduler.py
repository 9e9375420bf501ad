"""The scheduler's rules, one at a time: when a window opens and closes, what trains in it, and whom it leaves alone."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.core.window import SchedulerState
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.events import Events
from tests.learning.homes import Ground
from tests.learning.scheduling import Bench, Clock, Said
from tests.learning.trained import begun

BUSY, IDLE, UNKNOWN = SignalState.BUSY, SignalState.IDLE, SignalState.UNKNOWN


@pytest.fixture
def bench(home_ground: Ground) -> Bench:
    return Bench(home_ground.database)


def test_unknown_alone_never_opens_a_window(bench: Bench) -> None:
    view = bench.wait(3600)
    assert (view.state, view.window) == (SchedulerState.WAITING, None)
    assert bench.stage.begun == []
    assert "Nothing says that nobody is working" in view.sentence


def test_an_idle_signal_opens_a_window_and_training_begins(bench: Bench) -> None:
    view = bench.idle()
    assert view.state is SchedulerState.TRAINING
    assert view.window is not None
    assert view.window.opened_by == ("kernels",)
    assert bench.stage.begun == [False]
    assert view.missing == ()


@pytest.mark.parametrize("veto", ["kernels", "quiet", "gpu"])
def test_one_veto_keeps_every_window_shut(bench: Bench, veto: str) -> None:
    bench.sleep.state = bench.kernels.state = IDLE
    forbids: Said = getattr(bench, veto)
    forbids.state = BUSY
    view = bench.scheduler.tick()
    assert view.window is None
    assert view.sentence == f"{forbids.name} is busy."


def test_a_signal_that_has_no_veto_forbids_nothing(bench: Bench) -> None:
    bench.sleep.state = BUSY
    assert bench.idle().state is SchedulerState.TRAINING


def test_the_host_waits_from_its_beginning(bench: Bench) -> None:
    bench.kernels.state = IDLE
    fresh = bench.another()
    assert fresh.tick().sentence == "The host began 0 s ago."
    assert bench.stage.begun == []


def test_activity_stops_a_windows_training_at_once(bench: Bench) -> None:
    bench.idle()
    bench.clock.now += 7
    bench.scheduler.activity("lab")
    assert bench.stage.now is None
    closed = bench.windows.recent(1)[0]
    assert (closed.closed_at, closed.closed_by) == (bench.clock.now, "lab")
    assert (closed.used_seconds, closed.yield_seconds) == (7, 0)
    assert bench.scheduler.view().state is SchedulerState.WAITING


def test_activity_is_remembered_where_no_signal_tells_of_it(bench: Bench) -> None:
    bench.idle()
    bench.scheduler.activity("lab")
    view = bench.wait(bench.settings.idle_minutes * 60 - 1)
    assert view.window is None
    assert view.sentence.startswith("You were active 10 min ago (lab)")
    assert bench.wait(1).state is SchedulerState.TRAINING


def test_activity_closes_a_window_in_which_nothing_trains(bench: Bench) -> None:
    bench.need(waiting=0)
    assert bench.idle().state is SchedulerState.OPEN
    bench.scheduler.activity("kernels")
    closed = bench.windows.recent(1)[0]
    assert (closed.closed_by, closed.yield_seconds, closed.used_seconds) == ("kernels", None, 0)


def test_a_source_with_strange_letters_is_no_text_in_the_log(bench: Bench, home_ground: Ground) -> None:
    bench.idle()
    bench.scheduler.activity("a b\n{x}")
    last = Events(home_ground.database).after(0, 99)[-1]
    assert (last.kind, last.fields["by"]) == ("window.closed", "a-b-x-")


def test_a_worker_that_ignores_stop_is_waited_for(bench: Bench) -> None:
    bench.idle()
    bench.stage.obeys = False
    bench.scheduler.activity("lab")
    assert bench.wait(3, 1).state is SchedulerState.PAUSING
    assert bench.windows.current() is not None
    bench.stage.end()
    view = bench.wait(1, 1)
    assert view.state is SchedulerState.WAITING
    assert bench.windows.recent(1)[0].yield_seconds == 4
    assert bench.stage.begun == [False]


def test_a_window_closes_when_what_opened_it_is_over(bench: Bench) -> None:
    bench.sleep.state = IDLE
    bench.scheduler.tick()
    bench.sleep.state = UNKNOWN
    assert bench.scheduler.tick().window is None
    assert bench.windows.recent(1)[0].closed_by == "sleep_hours"


def test_a_window_stays_open_as_long_as_something_opens_it(bench: Bench) -> None:
    bench.sleep.state = IDLE
    bench.idle()
    bench.sleep.state = UNKNOWN
    assert bench.scheduler.tick().state is SchedulerState.TRAINING


def test_it_goes_on_with_the_unfinished_run_whatever_waits(bench: Bench) -> None:
    bench.need(waiting=0, unfinished=True)
    bench.idle()
    assert bench.stage.begun == [True]


def test_work_resumes_in_the_next_window(bench: Bench) -> None:
    bench.idle()
    bench.need(unfinished=True)
    bench.scheduler.activity("lab")
    bench.wait(bench.settings.idle_minutes * 60)
    assert bench.stage.begun == [False, True]


def test_too_few_tasks_begin_nothing(bench: Bench) -> None:
    bench.need(waiting=7)
    view = bench.idle()
    assert view.state is SchedulerState.OPEN
    assert view.missing == ("7 of 8 query tasks wait to be trained on (scheduler.min_batch).",)


def test_older_tasks_count_where_they_may_be_attempted_again(bench: Bench) -> None:
    bench.need(waiting=5, older=3)
    bench.change(reattempt=False)
    assert bench.idle().state is SchedulerState.OPEN
    bench.change(reattempt=True)
    assert bench.wait(30).state is SchedulerState.TRAINING


def test_what_cannot_be_trained_says_why(bench: Bench) -> None:
    bench.need(trainable=False, unfinished=True, sentence="The policy is elsewhere.")
    view = bench.idle()
    assert (view.missing, bench.stage.begun) == (("The policy is elsewhere.",), [])


def test_a_window_known_to_be_short_is_left_unused(bench: Bench) -> None:
    bench.sleep.state, bench.sleep.until = IDLE, bench.clock.now + 4 * 60
    view = bench.scheduler.tick()
    assert view.window is None
    assert "scheduler.min_window_minutes" in view.sentence


def test_quiet_hours_that_are_near_make_a_window_short(bench: Bench) -> None:
    bench.quiet.state, bench.quiet.until = IDLE, bench.clock.now + 4 * 60
    assert bench.idle().window is None
    bench.quiet.until = bench.clock.now + 6 * 60
    assert bench.scheduler.tick().state is SchedulerState.TRAINING


def test_a_window_that_grows_short_goes_on_being_used(bench: Bench) -> None:
    bench.sleep.state, bench.sleep.until = IDLE, bench.clock.now + 6 * 60
    bench.scheduler.tick()
    assert bench.wait(5 * 60).state is SchedulerState.TRAINING


def test_the_days_budget_ends_a_window(bench: Bench) -> None:
    bench.change(daily_minutes=30.0)
    bench.idle()
    view = bench.wait(40 * 60)
    closed = bench.windows.recent(1)[0]
    assert (closed.closed_by, closed.used_seconds) == ("budget", 30 * 60)
    assert view.trained_today == 30 * 60
    assert view.sentence == "Today's budget is used: 30 of 30 min."


def test_the_budget_is_new_after_midnight(bench: Bench) -> None:
    bench.change(daily_minutes=30.0)
    bench.idle()
    assert bench.wait(3600).next_window == bench.clock.now - bench.clock.now % 86400 + 86400
    assert bench.wait(12 * 3600).trained_today == 30 * 60
    assert len(bench.windows.recent(9)) == 2


def test_the_budget_outlives_the_host(bench: Bench) -> None:
    bench.change(daily_minutes=30.0)
    bench.idle()
    bench.wait(20 * 60)
    bench.scheduler.shutdown()
    assert bench.another().tick().trained_today == 20 * 60


def test_a_budget_of_nothing_trains_nothing(bench: Bench) -> None:
    bench.change(daily_minutes=0.0)
    view = bench.idle()
    assert (view.window, view.next_window) == (None, None)


def test_switched_off_means_never(bench: Bench) -> None:
    bench.idle()
    bench.change(enabled=False)
    view = bench.scheduler.tick()
    assert bench.stage.now is None
    assert "scheduler.enabled" in view.sentence
    assert bench.windows.recent(1)[0].closed_by == "settings"


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


def test_a_training_that_went_well_is_followed_by_the_next(bench: Bench) -> None:
    bench.idle()
    bench.stage.end()
    bench.wait(30)
    assert bench.stage.begun == [False, False]
    assert len(bench.windows.recent(9)) == 1


def test_the_run_of_a_window_is_in_its_row(bench: Bench, home_ground: Ground) -> None:
    number = begun(home_ground.database).number
    bench.idle()
    assert bench.stage.now is not None
    bench.stage.now = replace(bench.stage.now, run=number, gating=True)
    bench.wait(30)
    assert bench.wait(30).state is SchedulerState.GATING
    bench.scheduler.activity("lab")
    assert bench.windows.recent(1)[0].run == number


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


def test_shutdown_leaves_a_consented_training_alone(bench: Bench) -> None:
    bench.stage.consented()
    bench.scheduler.tick()
    bench.scheduler.shutdown()
    assert bench.stage.stops == 0


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


def test_windows_do_not_flap(bench: Bench) -> None:
    bench.sleep.state = IDLE
    bench.scheduler.tick()
    for second in range(120):
        bench.quiet.state = BUSY if second % 2 else IDLE
        bench.wait(1, 1)
    assert len(bench.windows.recent(99)) <= 3


def test_a_change_is_told_once(bench: Bench) -> None:
    bench.idle()
    told = len(bench.told)
    bench.wait(30, 1)
    assert len(bench.told) == told


def test_the_next_window_is_when_the_last_veto_ends(bench: Bench) -> None:
    now = bench.clock.now
    bench.kernels.state, bench.kernels.until = BUSY, now + 300
    bench.quiet.state, bench.quiet.until = BUSY, now + 900
    view = bench.scheduler.tick()
    assert (view.next_window, view.why) == (now + 900, "quiet_hours is busy.")


def test_the_next_window_is_when_the_first_signal_opens(bench: Bench) -> None:
    now = bench.clock.now
    bench.sleep.until = now + 5000
    assert bench.scheduler.tick().next_window == now + 5000
    bench.kernels.until = now + 400
    assert bench.scheduler.tick().next_window == now + 400


def test_what_nobody_can_tell_is_not_told(bench: Bench) -> None:
    bench.kernels.state = BUSY
    view = bench.scheduler.tick()
    assert (view.next_window, view.why) == (None, "kernels is busy.")
