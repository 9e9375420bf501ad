"""When the hours of a day are: as spans of seconds since the epoch, whatever the clocks do."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

from metaclaw_jlab.core.hours import DAY_MINUTES, Hours

DAYS_BEFORE, DAYS_AFTER = 2, 8

Span = tuple[float, float]


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
