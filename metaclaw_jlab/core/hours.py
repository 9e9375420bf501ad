"""Hours of the day as settings name them, such as `Mon-Fri 23:00-07:00, Sat Sun 00:00-10:00`, and time zones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from metaclaw_jlab.core.errors import ConfigError

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EVERY_DAY = frozenset(range(7))
DAY_MINUTES = 24 * 60
_TIMES = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})\Z")
_HOW = "Write such as 23:00-07:00, or Mon-Fri 12:00-13:00, Sat Sun 00:00-24:00."


@dataclass(frozen=True, slots=True)
class Hours:
    """From `start` to `end`, in minutes after midnight, of these days (0: Monday). Past midnight where `end` is not
    later than `start`; the days are those on which it begins."""

    days: frozenset[int]
    start: int
    end: int


def parse_hours(text: str) -> tuple[Hours, ...]:
    """The hours that a setting names; none for a blank text. Raises ConfigError."""
    parts = [part.strip() for part in text.split(",")]
    return tuple(_hours(part, text) for part in parts) if any(parts) else ()


def find_zone(name: str) -> ZoneInfo | None:
    """The time zone of this name, None (that of the machine) for "". Raises ConfigError."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"scheduler.timezone: {name!r} is no time zone known here.",
            "Give an IANA name such as Europe/Berlin, or leave it empty.",
        ) from error


def _hours(part: str, text: str) -> Hours:
    words = re.split(r"\s+", part)
    cut = next((number for number, word in enumerate(words) if word[:1].isdigit()), len(words))
    match = _TIMES.match(" ".join(words[cut:]))
    if match is None:
        raise ConfigError(f"{part or text!r} are no hours.", _HOW)
    start, end = _minutes(match[1], match[2], part), _minutes(match[3], match[4], part)
    if start in (end, DAY_MINUTES):
        raise ConfigError(f"{part!r} takes no time.", "For the whole day write 00:00-24:00.")
    return Hours(_days(words[:cut], part), start, end)


def _minutes(hour: str, minute: str, part: str) -> int:
    found = int(hour) * 60 + int(minute)
    if int(minute) > 59 or found > DAY_MINUTES:
        raise ConfigError(f"{hour}:{minute} in {part!r} is no time of day.", _HOW)
    return found


def _days(words: Sequence[str], part: str) -> frozenset[int]:
    if not words:
        return EVERY_DAY
    found: set[int] = set()
    for word in words:
        first, _, last = word.lower().replace("–", "-").partition("-")
        start, end = _day(first, part), _day(last or first, part)
        found.update((start + step) % 7 for step in range((end - start) % 7 + 1))
    return frozenset(found)


def _day(word: str, part: str) -> int:
    for number, name in enumerate(DAYS):
        if len(word) >= 3 and name.startswith(word):
            return number
    raise ConfigError(f"{word!r} in {part!r} is no day.", "Days are Mon Tue Wed Thu Fri Sat Sun, or Mon-Fri.")
