"""Hours of the day as settings name them, such as `Mon-Fri 23:00-07:00, Sat Sun 00:00-10:00`, and when they are."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from metaclaw_jlab.core.errors import ConfigError

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EVERY_DAY = frozenset(range(7))
DAY_MINUTES = 24 * 60
DAYS_BEFORE, DAYS_AFTER = 2, 8
_TIMES = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})\Z")
_HOW = "Write such as 23:00-07:00, or Mon-Fri 12:00-13:00, Sat Sun 00:00-24:00."

Span = tuple[float, float]


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


def spans_around(
    hours: Sequence[Hours], zone: datetime.tzinfo | None, now: float, *, widest: bool
) -> tuple[Span, ...]:
    """When these hours are, from two days before `now` to a week after; those that touch are one.

    Where a change of clocks makes a time happen twice, `widest` takes the longer span and otherwise the shorter; a
    time that does not happen is the moment to which the clocks jump from it.
    """
    today = datetime.datetime.fromtimestamp(now, zone).date()
    found = []
    for offset in range(-DAYS_BEFORE, DAYS_AFTER + 1):
        day = today + datetime.timedelta(days=offset)
        for entry in hours:
            if day.weekday() in entry.days:
                length = 0 if entry.end > entry.start else DAY_MINUTES
                begin = _instant(day, entry.start, zone, fold=0 if widest else 1)
                end = _instant(day, entry.end + length, zone, fold=1 if widest else 0)
                found.append((begin, end))
    return merged(found)


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same times as spans that neither touch nor overlap, the earliest first; empty ones are left out."""
    found: list[Span] = []
    for start, end in sorted(span for span in spans if span[1] > span[0]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def within(spans: Iterable[Span], now: float) -> Span | None:
    """The span in which `now` lies."""
    return next((span for span in spans if span[0] <= now < span[1]), None)


def next_start(spans: Iterable[Span], now: float) -> float | None:
    """When the first of the spans to come begins."""
    return min((start for start, _ in spans if start > now), default=None)


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


def _instant(day: datetime.date, minutes: int, zone: datetime.tzinfo | None, *, fold: int) -> float:
    midnight = datetime.datetime.combine(day, datetime.time())
    there = midnight + datetime.timedelta(minutes=minutes)
    earliest, latest = (there.replace(tzinfo=zone, fold=side).timestamp() for side in (0, 1))
    if latest < earliest:
        # The clocks jump over it: both are an hour beside the jump, which lies between them.
        return _jump(latest, earliest, zone)
    return latest if fold else earliest


def _jump(before: float, after: float, zone: datetime.tzinfo | None) -> float:
    """The instant between two at which the clocks jump, to the second."""
    low, high = int(before), int(after)
    offset = _offset(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
    return float(high)


def _offset(at: float, zone: datetime.tzinfo | None) -> datetime.timedelta | None:
    return datetime.datetime.fromtimestamp(at, zone).astimezone(zone).utcoffset()
