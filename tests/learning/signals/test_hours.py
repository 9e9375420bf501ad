import datetime
import os
import time
from collections.abc import Iterator
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclaw_jlab.core.hours import parse_hours
from metaclaw_jlab.learning.signals.hours import merged, next_start, spans_around, within

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: datetime.tzinfo = BERLIN, fold: int = 0) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def test_hours_past_midnight_hold_on_both_sides_of_it() -> None:
    spans = spans_around(parse_hours("23:00-07:00"), BERLIN, at("2026-06-10 12:00"), widest=False)
    night = (at("2026-06-10 23:00"), at("2026-06-11 07:00"))
    assert (within(spans, at("2026-06-11 00:00")), within(spans, at("2026-06-10 23:00"))) == (night, night)


def test_hours_end_with_their_last_minute() -> None:
    spans = spans_around(parse_hours("23:00-07:00"), BERLIN, at("2026-06-10 12:00"), widest=False)
    assert within(spans, at("2026-06-11 07:00")) is None


def test_the_days_are_those_on_which_hours_begin() -> None:
    spans = spans_around(parse_hours("Fri 22:00-06:00"), BERLIN, at("2026-06-13 03:00"), widest=False)
    assert within(spans, at("2026-06-13 03:00")) == (at("2026-06-12 22:00"), at("2026-06-13 06:00"))
    assert within(spans, at("2026-06-14 03:00")) is None


def test_hours_that_touch_are_one_span() -> None:
    hours = parse_hours("22:00-24:00, 00:00-06:00")
    spans = spans_around(hours, BERLIN, at("2026-06-10 12:00"), widest=False)
    assert within(spans, at("2026-06-10 23:00")) == (at("2026-06-10 22:00"), at("2026-06-11 06:00"))


def test_a_night_of_winter_time_is_an_hour_longer() -> None:
    spans = spans_around(parse_hours("23:00-07:00"), BERLIN, at("2026-10-24 12:00"), widest=False)
    night = within(spans, at("2026-10-25 00:00"))
    assert night is not None
    assert night[1] - night[0] == 9 * 3600


def test_a_night_of_summer_time_is_an_hour_shorter() -> None:
    spans = spans_around(parse_hours("23:00-07:00"), BERLIN, at("2026-03-28 12:00"), widest=True)
    night = within(spans, at("2026-03-29 00:00"))
    assert night is not None
    assert night[1] - night[0] == 7 * 3600


@pytest.mark.parametrize(("widest", "hours"), [(True, 2), (False, 1)])
def test_a_time_that_happens_twice_is_taken_as_asked(widest: bool, hours: int) -> None:
    spans = spans_around(parse_hours("02:00-03:00"), BERLIN, at("2026-10-24 12:00"), widest=widest)
    first = next(span for span in spans if span[0] > at("2026-10-25 00:00"))
    assert first[1] - first[0] == hours * 3600


def test_a_time_that_is_jumped_over_is_the_moment_of_the_jump() -> None:
    spans = spans_around(parse_hours("02:30-05:00"), BERLIN, at("2026-03-28 12:00"), widest=False)
    jump = at("2026-03-29 03:00")
    assert within(spans, jump) == (jump, at("2026-03-29 05:00"))


def test_hours_that_are_jumped_over_whole_do_not_happen() -> None:
    spans = spans_around(parse_hours("02:10-02:50"), BERLIN, at("2026-03-28 12:00"), widest=True)
    assert next_start(spans, at("2026-03-28 12:00")) == at("2026-03-30 02:10")


def test_the_next_start_may_be_days_ahead() -> None:
    spans = spans_around(parse_hours("Sun 02:00-04:00"), BERLIN, at("2026-06-07 12:00"), widest=False)
    assert next_start(spans, at("2026-06-07 12:00")) == at("2026-06-14 02:00")


@pytest.fixture
def machine_in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def test_without_a_zone_that_of_the_machine_counts(machine_in_new_york: None) -> None:
    new_york = ZoneInfo("America/New_York")
    now = at("2026-03-07 12:00", new_york)
    hours = parse_hours("23:00-07:00, Sun 02:30-08:00")
    for widest in (True, False):
        assert spans_around(hours, None, now, widest=widest) == spans_around(
            hours, new_york, now, widest=widest
        )


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12), st.integers(0, 60))
def test_merging_changes_no_moment(spans: list[tuple[int, int]], now: int) -> None:
    together = merged([(float(start), float(end)) for start, end in spans])
    assert (within(together, now) is not None) == any(start <= now < end for start, end in spans)
    assert all(first[1] < second[0] for first, second in pairwise(together))
