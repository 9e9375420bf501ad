from collections.abc import Callable

import pytest

from metaclaw_jlab.core.config import CalendarSettings
from metaclaw_jlab.core.errors import CalendarError
from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.learning.calendars.fetching import Fetched
from metaclaw_jlab.learning.calendars.wanted import Wanted
from metaclaw_jlab.learning.signals.calendar import RETRY_SECONDS, STALE_SECONDS, Calendar, wanted_of
from tests.learning.signals.clocks import Clock

HOUR = 3600.0


class Source:
    """A calendar with one event from an hour to two hours after the start of the test."""

    def __init__(self, clock: Clock) -> None:
        self.found = Fetched(((clock.now + HOUR, clock.now + 2 * HOUR),))
        self.down = False
        self.asked: list[Wanted] = []

    def __call__(self, wanted: Wanted) -> Fetched:
        self.asked.append(wanted)
        if self.down:
            raise CalendarError("It is down.", "Wait.")
        return self.found


class Chosen:
    """Settings that a test changes."""

    def __init__(self) -> None:
        self.calendar = CalendarSettings(kind="ics", address="calendar.ics")

    def __call__(self) -> CalendarSettings:
        return self.calendar


@pytest.fixture
def source(clock: Clock) -> Source:
    return Source(clock)


@pytest.fixture
def chosen() -> Chosen:
    return Chosen()


@pytest.fixture
def calendar(source: Source, chosen: Chosen, clock: Clock) -> Calendar:
    return Calendar(chosen, lambda: "UTC", fetch=source, clock=clock, start=lambda work: work())


def test_an_event_opens_until_it_ends(calendar: Calendar, clock: Clock) -> None:
    clock.now += HOUR
    reading = calendar.read()
    assert (reading.opening, reading.until) == (True, 1_000_000 + 2 * HOUR)


def test_outside_events_nothing_is_forbidden_and_the_next_is_known(calendar: Calendar) -> None:
    reading = calendar.read()
    assert (reading.opening, reading.forbidding, reading.until) == (False, False, 1_000_000 + HOUR)


def test_a_calendar_without_events_is_told(calendar: Calendar, source: Source) -> None:
    source.found = Fetched(())
    assert (calendar.read().state, calendar.read().until) == (SignalState.BUSY, None)


def test_without_a_calendar_nothing_is_fetched(calendar: Calendar, chosen: Chosen, source: Source) -> None:
    chosen.calendar = CalendarSettings()
    assert (calendar.read().state, source.asked) == (SignalState.UNKNOWN, [])


def test_it_is_fetched_no_oftener_than_set(calendar: Calendar, source: Source, clock: Clock) -> None:
    for _ in range(60):
        calendar.read()
        clock.now += 29
    assert len(source.asked) == 2


def test_a_week_ahead_is_asked_for(calendar: Calendar, source: Source, clock: Clock) -> None:
    calendar.read()
    assert source.asked[0].until - clock.now > 7 * 24 * HOUR


def test_a_calendar_that_is_down_is_unknown_and_says_why(calendar: Calendar, source: Source) -> None:
    source.down = True
    reading = calendar.read()
    assert (reading.state, "It is down." in reading.sentence) == (SignalState.UNKNOWN, True)


def test_one_that_is_down_is_tried_again_soon(calendar: Calendar, source: Source, clock: Clock) -> None:
    source.down = True
    calendar.read()
    source.down = False
    clock.now += RETRY_SECONDS
    assert calendar.read().state is SignalState.BUSY


def test_what_was_known_holds_while_it_is_down(calendar: Calendar, source: Source, clock: Clock) -> None:
    calendar.read()
    source.down = True
    clock.now += HOUR
    reading = calendar.read()
    assert (reading.opening, "It is down." in reading.sentence) == (True, True)


def test_what_was_known_does_not_hold_for_ever(calendar: Calendar, source: Source, clock: Clock) -> None:
    source.found = Fetched(((clock.now, clock.now + 7 * 24 * HOUR),))
    calendar.read()
    source.down = True
    clock.now += STALE_SECONDS
    calendar.read()
    assert calendar.read().state is SignalState.UNKNOWN


def test_a_fetch_under_way_keeps_nobody_waiting(source: Source, chosen: Chosen, clock: Clock) -> None:
    begun: list[Callable[[], None]] = []
    calendar = Calendar(chosen, lambda: "UTC", fetch=source, clock=clock, start=begun.append)
    states = [calendar.read().state for _ in range(3)]
    assert (states, len(begun), source.asked) == ([SignalState.UNKNOWN] * 3, 1, [])


def test_another_calendar_is_fetched_at_once(calendar: Calendar, chosen: Chosen, source: Source) -> None:
    calendar.read()
    chosen.calendar = CalendarSettings(kind="ics", address="other.ics")
    calendar.read()
    assert [wanted.address for wanted in source.asked] == ["calendar.ics", "other.ics"]


def test_what_comes_late_of_the_calendar_before_is_dropped(
    source: Source, chosen: Chosen, clock: Clock
) -> None:
    begun: list[Callable[[], None]] = []
    calendar = Calendar(chosen, lambda: "UTC", fetch=source, clock=clock, start=begun.append)
    calendar.read()
    chosen.calendar = CalendarSettings(kind="ics", address="other.ics")
    calendar.read()
    begun[0]()
    assert calendar.read().state is SignalState.UNKNOWN


def test_a_calendar_that_cannot_be_read_at_all_never_raises(
    calendar: Calendar, source: Source, chosen: Chosen, clock: Clock
) -> None:
    def broken(wanted: Wanted) -> Fetched:
        raise RuntimeError("no")

    calendar = Calendar(chosen, lambda: "Nowhere", fetch=broken, clock=clock, start=lambda work: work())
    assert calendar.read().state is SignalState.UNKNOWN


def test_a_password_is_taken_from_its_variable() -> None:
    settings = CalendarSettings(kind="caldav", user="me", key_env="CALENDAR_KEY")
    wanted = wanted_of(settings, "UTC", 0.0, {"CALENDAR_KEY": "password"})
    assert (wanted.secret, "password" in repr(wanted)) == ("password", False)


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(CalendarError, match="CALENDAR_KEY"):
        wanted_of(CalendarSettings(kind="caldav", key_env="CALENDAR_KEY"), "UTC", 0.0, {})
