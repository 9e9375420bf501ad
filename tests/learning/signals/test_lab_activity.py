import math

import pytest

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.learning.signals.lab import FRESH_SECONDS, LabActivity
from tests.learning.signals.clocks import Clock


@pytest.fixture
def lab(clock: Clock) -> LabActivity:
    return LabActivity(lambda: SchedulerSettings(idle_minutes=10), clock=clock)


def test_a_page_that_never_reported_is_unknown(lab: LabActivity) -> None:
    assert lab.read().state is SignalState.UNKNOWN


def test_input_is_busy_at_once_and_forbids(lab: LabActivity) -> None:
    lab.seen(0)
    assert lab.read().forbidding


def test_busy_lasts_until_idle_minutes_after_the_input(lab: LabActivity, clock: Clock) -> None:
    lab.seen(0)
    until = lab.read().until
    clock.now += 599
    lab.seen(599)
    assert (lab.read().state, until) == (SignalState.BUSY, 1_000_600.0)


def test_a_page_that_reports_no_input_for_idle_minutes_opens(lab: LabActivity, clock: Clock) -> None:
    lab.seen(0)
    clock.now += 600
    lab.seen(600)
    assert lab.read().opening


def test_a_page_that_fell_silent_is_unknown_and_forbids_nothing(lab: LabActivity, clock: Clock) -> None:
    lab.seen(700)
    clock.now += FRESH_SECONDS + 1
    reading = lab.read()
    assert (reading.state, reading.forbidding, reading.opening) == (SignalState.UNKNOWN, False, False)


def test_a_page_closed_after_input_stays_busy_for_idle_minutes(lab: LabActivity, clock: Clock) -> None:
    lab.seen(0)
    clock.now += FRESH_SECONDS + 1
    assert lab.read().state is SignalState.BUSY


def test_a_second_page_without_input_does_not_hide_the_first(lab: LabActivity) -> None:
    lab.seen(1)
    lab.seen(10_000)
    assert lab.read().state is SignalState.BUSY


@pytest.mark.parametrize("wrong", [-5.0, math.nan, math.inf, -math.inf])
def test_a_number_that_makes_no_sense_counts_as_input_now(lab: LabActivity, wrong: float) -> None:
    lab.seen(wrong)
    assert lab.read().until == 1_000_600.0


def test_a_clock_that_goes_back_does_not_make_busy_for_hours(lab: LabActivity, clock: Clock) -> None:
    lab.seen(0)
    clock.now -= 7200
    assert lab.read().until == clock.now + 600
