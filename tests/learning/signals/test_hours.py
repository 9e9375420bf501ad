import datetime
import os
import time
from collections.abc import Iterator
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclaw_jlab.core.errors import ConfigError
from metaclaw_jlab.learning.signals.hours import (
    EVERY_DAY,
    Hours,
    find_zone,
    merged,
    next_start,
    parse_hours,
    spans_around,
    within,
)

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: datetime.tzinfo = BERLIN, fold: int = 0) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        (" , ", ()),
        ("23:00-07:00", (Hours(EVERY_DAY, 1380, 420),)),
        ("9:05 – 24:00", (Hours(EVERY_DAY, 545, 1440),)),
        ("Mon-Fri 12:00-13:00", (Hours(frozenset(range(5)), 720, 780),)),
        ("Fri-Mon 12:00-13:00", (Hours(frozenset({4, 5, 6, 0}), 720, 780),)),
        (
            "sat Sunday 00:00-10:00, 23:00-24:00",
            (Hours(frozenset({5, 6}), 0, 600), Hours(EVERY_DAY, 1380, 1440)),
        ),
    ],
)
def test_hours_are_read(text: str, expected: tuple[Hours, ...]) -> None:
    assert parse_hours(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "at night",
        "23-07",
        "25:00-07:00",
        "23:60-07:00",
        "24:01-07:00",
        "24:00-07:00",
        "07:00-07:00",
        "Foo 23:00-07:00",
        "Mo 23:00-07:00",
        "Mon- 1:00-2:00 3:00-4:00",
        "23:00-07:00,",
        "Mon",
    ],
)
def test_what_are_no_hours_says_how_to_write_them(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_hours(text)
    assert caught.value.next_step


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


def test_a_zone_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigError, match="Europe/Nowhere"):
        find_zone("Europe/Nowhere")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/localtime", "\0"])
def test_a_zone_is_no_path(name: str) -> None:
    with pytest.raises(ConfigError):
        find_zone(name)


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
