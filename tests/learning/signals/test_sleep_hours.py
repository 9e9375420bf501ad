import datetime
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.learning.signals.sleep_hours import QuietHours, SleepHours

NIGHT = "23:00-07:00"


def told(text: str, zone: str = "Europe/Berlin") -> Callable[[], float]:
    moment = datetime.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()
    return lambda: moment


def set_to(**values: object) -> Callable[[], SchedulerSettings]:
    found = SchedulerSettings.model_validate({"timezone": "Europe/Berlin", **values})
    return lambda: found


def unchecked(**values: object) -> Callable[[], SchedulerSettings]:
    """Settings that were never checked, or whose time zone has gone since."""
    return lambda: SchedulerSettings().model_copy(update=values)


def test_sleep_hours_open_until_they_end() -> None:
    reading = SleepHours(set_to(sleep_hours=NIGHT), clock=told("2026-06-10 23:30")).read()
    assert (reading.opening, reading.until) == (True, told("2026-06-11 07:00")())


def test_outside_sleep_hours_nothing_is_forbidden_and_the_next_are_known() -> None:
    reading = SleepHours(set_to(sleep_hours=NIGHT), clock=told("2026-06-10 12:00")).read()
    assert (reading.opening, reading.forbidding, reading.until) == (False, False, told("2026-06-10 23:00")())


def test_the_sentence_speaks_in_the_users_time() -> None:
    reading = SleepHours(set_to(sleep_hours=NIGHT), clock=told("2026-06-10 21:30", "UTC")).read()
    assert reading.sentence == "Your sleep hours, until Thu 07:00."


@pytest.mark.parametrize("signal", [SleepHours, QuietHours])
def test_hours_that_are_not_set_are_unknown(signal: type[SleepHours] | type[QuietHours]) -> None:
    assert signal(set_to(), clock=told("2026-06-10 12:00")).read().state is SignalState.UNKNOWN


def test_sleep_hours_that_cannot_be_read_open_nothing() -> None:
    reading = SleepHours(unchecked(sleep_hours="nights"), clock=told("2026-06-10 23:30")).read()
    assert (reading.state, "nights" in reading.sentence) == (SignalState.UNKNOWN, True)


def test_quiet_hours_forbid_until_they_end() -> None:
    reading = QuietHours(set_to(quiet_hours=NIGHT), clock=told("2026-06-10 23:30")).read()
    assert (reading.forbidding, reading.until) == (True, told("2026-06-11 07:00")())


def test_outside_quiet_hours_nothing_opens_and_the_next_are_known() -> None:
    reading = QuietHours(set_to(quiet_hours=NIGHT), clock=told("2026-06-10 12:00")).read()
    assert (reading.opening, reading.forbidding, reading.until) == (False, False, told("2026-06-10 23:00")())


@pytest.mark.parametrize("wrong", [{"quiet_hours": "nights"}, {"quiet_hours": NIGHT, "timezone": "Nowhere"}])
def test_quiet_hours_that_cannot_be_read_forbid_always(wrong: dict[str, str]) -> None:
    assert QuietHours(unchecked(**wrong), clock=told("2026-06-10 12:00")).read().forbidding


def test_settings_that_change_count_at_once() -> None:
    found = {"quiet_hours": ""}
    signal = QuietHours(lambda: SchedulerSettings.model_validate(found), clock=told("2026-06-10 23:30"))
    signal.read()
    found["quiet_hours"] = "00:00-24:00"
    assert signal.read().forbidding
