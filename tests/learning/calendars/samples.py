import datetime
from zoneinfo import ZoneInfo

from metaclaw_jlab.learning.calendars.wanted import Wanted

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: datetime.tzinfo = BERLIN) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def span(day: str, start: str, end: str) -> tuple[float, float]:
    return at(f"{day} {start}"), at(f"{day} {end}")


def asked(
    since: str = "2026-06-08", until: str = "2026-06-15", *, kind: str = "ics", **more: object
) -> Wanted:
    """A question for a week of June 2026 (the 8th is a Monday), of somebody in Berlin."""
    words = {"address": "calendar.ics", "zone": "Europe/Berlin", **more}
    return Wanted(kind=kind, since=at(since), until=at(until), **words)  # type: ignore[arg-type]


def event(*lines: str, start: str = "20260610T100000Z", end: str = "20260610T110000Z", uid: str = "1") -> str:
    ends = [f"DTEND:{end}"] if end else []
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", f"DTSTART:{start}", *ends, *lines, "END:VEVENT"])


def calendar(*parts: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:test", *parts, "END:VCALENDAR", ""])
