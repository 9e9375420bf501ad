"""Days as the user's clock shows them: where one begins and where it ends."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

from metaclaw_jlab.core.errors import ConfigError
from metaclaw_jlab.core.hours import find_zone


def zone(name: str) -> ZoneInfo | None:
    """The time zone of that IANA name; None, which is this machine's, where it is empty or there is no such zone."""
    try:
        return find_zone(name)
    except ConfigError:
        return None


def day_start(at: float, tz: ZoneInfo | None) -> float:
    """The midnight before a time (seconds since the epoch)."""
    return _midnight(at, tz, 0)


def next_day(at: float, tz: ZoneInfo | None) -> float:
    """The midnight after a time: days of 23 and 25 hours end when they end."""
    return _midnight(at, tz, 1)


def _midnight(at: float, tz: ZoneInfo | None, days: int) -> float:
    there = datetime.datetime.fromtimestamp(at, tz)
    date = there.date() + datetime.timedelta(days=days)
    return datetime.datetime.combine(date, datetime.time(), tz).timestamp()
