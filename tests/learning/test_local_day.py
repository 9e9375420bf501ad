import datetime
from zoneinfo import ZoneInfo

from metaclaw_jlab.learning.local_day import day_start, next_day, zone

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def test_a_day_goes_from_midnight_to_midnight() -> None:
    noon = at("2026-11-16 12:00")
    assert (day_start(noon, BERLIN), next_day(noon, BERLIN)) == (at("2026-11-16"), at("2026-11-17"))


def test_midnight_is_of_the_day_that_it_begins() -> None:
    assert day_start(at("2026-11-16"), BERLIN) == at("2026-11-16")


def test_days_in_which_the_clocks_change_are_longer_or_shorter() -> None:
    hours = [
        (next_day(at(day), BERLIN) - day_start(at(day), BERLIN)) / 3600
        for day in ("2026-10-25 12:00", "2026-03-29 12:00")
    ]
    assert hours == [25, 23]


def test_no_zone_and_one_that_is_unknown_are_the_machines() -> None:
    assert (zone(""), zone("Mars/Olympus"), zone("Europe/Berlin")) == (None, None, BERLIN)
    now = datetime.datetime(2026, 11, 16, 12).timestamp()
    assert day_start(now, None) == datetime.datetime(2026, 11, 16).timestamp()
