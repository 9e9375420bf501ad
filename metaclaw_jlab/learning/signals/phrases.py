"""Times in the words that signals use."""

from __future__ import annotations

import datetime


def span(seconds: float) -> str:
    """A length of time: `40 s`, `12 min`, `3.5 h`."""
    seconds = max(0.0, seconds)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h".replace(".0 h", " h")


def span_ago(seconds: float) -> str:
    """How long ago: `just now`, `40 s ago`, `12 min ago`."""
    return "just now" if seconds < 10 else f"{span(seconds)} ago"


def moment(at: float, now: float, zone: datetime.tzinfo | None) -> str:
    """A time of day, `07:00`, with the day before it where that is not today's: `Mon 07:00`."""
    there = datetime.datetime.fromtimestamp(at, zone)
    today = datetime.datetime.fromtimestamp(now, zone).date()
    return f"{there:%H:%M}" if there.date() == today else f"{there:%a %H:%M}"
