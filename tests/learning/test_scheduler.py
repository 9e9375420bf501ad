"""The scheduler's rules, one at a time: when a window opens and closes, what trains in it, and whom it leaves alone."""

from dataclasses import replace

import pytest

from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.core.window import SchedulerState
from metaclaw_jlab.store.events import Events
from tests.learning.homes import Ground
from tests.learning.scheduling import Bench, Said
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
    assert view.sentence.startswith("You were active 10 min ago (the page)")
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
