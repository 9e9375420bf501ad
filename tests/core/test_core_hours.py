import pytest

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.errors import ConfigError
from metaclaw_jlab.core.hours import EVERY_DAY, Hours, find_zone, parse_hours


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


def test_a_zone_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigError, match="Europe/Nowhere"):
        find_zone("Europe/Nowhere")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/localtime", "\0"])
def test_a_zone_is_no_path(name: str) -> None:
    with pytest.raises(ConfigError):
        find_zone(name)


@pytest.mark.parametrize(
    "wrong", [{"sleep_hours": "nights"}, {"quiet_hours": "25:00-07:00"}, {"timezone": "Europe/Nowhere"}]
)
def test_settings_take_no_hours_that_cannot_be_read(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="such as"):
        SchedulerSettings.model_validate(wrong)


def test_settings_take_hours_and_a_zone() -> None:
    found = SchedulerSettings(sleep_hours="Mon-Fri 23:00-07:00", quiet_hours="", timezone="Europe/Berlin")
    assert found.sleep_hours == "Mon-Fri 23:00-07:00"
