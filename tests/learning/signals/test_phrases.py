from zoneinfo import ZoneInfo

import pytest

from metaclaw_jlab.learning.signals.phrases import moment, span

NOON = 1_781_085_600.0  # 2026-06-10 10:00 UTC


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (0, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (7200, "2 h"), (9000, "2.5 h")],
)
def test_a_length_is_told_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_a_time_of_today_needs_no_day() -> None:
    assert moment(NOON, NOON - 3600, ZoneInfo("Europe/Berlin")) == "12:00"


def test_a_time_of_another_day_names_it() -> None:
    assert moment(NOON, NOON - 86_400, ZoneInfo("Asia/Tokyo")) == "Wed 19:00"
