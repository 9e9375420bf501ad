"""When somebody is away by the events of iCalendar texts (RFC 5545), recurring ones too."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from metaclaw_jlab.core.errors import CalendarError
from metaclaw_jlab.core.hours import find_zone
from metaclaw_jlab.learning.calendars.wanted import Wanted, says_away
from metaclaw_jlab.learning.signals.hours import Span, merged

MARGIN = datetime.timedelta(days=2)  # whatever the time zones
FOLD = re.compile(r"\r?\n[ \t]")
TOO_OFTEN = re.compile(r"^RRULE[^\n]*FREQ=(SECONDLY|MINUTELY)", re.MULTILINE | re.IGNORECASE)
RECURS = re.compile(r"^(RRULE|RDATE|RECURRENCE-ID)\b", re.MULTILINE | re.IGNORECASE)
START = re.compile(r"^DTSTART[^\n]*:(\d{8})", re.MULTILINE | re.IGNORECASE)
END = re.compile(r"^DTEND[^\n]*:(\d{8})", re.MULTILINE | re.IGNORECASE)
LASTS = re.compile(r"^DURATION\b", re.MULTILINE | re.IGNORECASE)
UID = re.compile(r"^UID[^:\n]*:([^\n]*)", re.MULTILINE | re.IGNORECASE)
ZONE_USED = re.compile(r"^[^\n:]*;TZID=\"?([^\":;\n]+)", re.MULTILINE | re.IGNORECASE)
ZONE_NAME = re.compile(r"^TZID[^:\n]*:([^\n]*)", re.MULTILINE | re.IGNORECASE)
TIMES = frozenset({"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"})
HEAD = re.compile(r"^X-WR-TIMEZONE[^\n]*", re.MULTILINE | re.IGNORECASE)


@dataclass
class _Parts:
    """A calendar cut into texts, without alarms: a wrong line spoils only the event that it is in."""

    head: str = ""
    zones: dict[str, str] = field(default_factory=dict)
    events: dict[str, list[str]] = field(default_factory=dict)  # by UID: a series with its exceptions
    unreadable: int = 0


def away_by(texts: Iterable[str], wanted: Wanted) -> tuple[tuple[Span, ...], int]:
    """The spans that the events say, clipped to what is wanted, and how many events could not be read.

    Raises CalendarError for a text that is no calendar.
    """
    spans: list[Span] = []
    unreadable = 0
    for text in texts:
        parts = _cut(text, wanted)
        unreadable += parts.unreadable
        for events in parts.events.values():
            try:
                spans.extend(_expanded(parts, events, wanted))
            except Exception:  # noqa: BLE001  whatever two libraries say of an event that breaks the rules
                unreadable += len(events)
    clipped = ((max(start, wanted.since), min(end, wanted.until)) for start, end in spans)
    return merged(clipped), unreadable


def _cut(text: str, wanted: Wanted) -> _Parts:
    text = FOLD.sub("", text.removeprefix("\ufeff")).replace("\r\n", "\n").replace("\r", "\n")
    if not text.lstrip()[:15].upper().startswith("BEGIN:VCALENDAR"):
        raise CalendarError(
            f"What lies at {wanted.where} is no iCalendar text.",
            "Give the address of an .ics file as calendar.address; a page that asks for a login is none.",
        )
    parts = _Parts(head="\n".join(HEAD.findall(text)))
    first, last = _margins(wanted)
    number = 0
    for kind, block in _blocks(text):
        if kind == "VTIMEZONE" and (name := ZONE_NAME.search(block)):
            parts.zones[name[1].strip()] = block
        elif kind == "VEVENT" and TOO_OFTEN.search(block):
            parts.unreadable += 1
        elif kind == "VEVENT" and not _elsewhen(block, first, last):
            number += 1
            found = UID.search(block)
            parts.events.setdefault(found[1].strip() if found else f"#{number}", []).append(block)
    return parts


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """The outermost parts of the calendar by their kind; what is inside an event (alarms) is left out."""
    kind, depth = "", 0
    lines: list[str] = []
    for line in text.split("\n"):
        upper = line.strip().upper()
        if upper == "BEGIN:VCALENDAR":
            kind, depth = "", 0
        elif upper.startswith("BEGIN:"):
            if not depth:
                kind, lines = upper[6:], []
            depth += 1
            if depth == 1 or kind == "VTIMEZONE":
                lines.append(line)
        elif upper.startswith("END:") and depth:
            depth -= 1
            if not depth or kind == "VTIMEZONE":
                lines.append(line)
            if not depth:
                yield kind, "\n".join(lines)
        elif depth == 1 or (depth and kind == "VTIMEZONE"):
            lines.append(line)


def _margins(wanted: Wanted) -> tuple[str, str]:
    """The first and last days of interest, as they are written."""
    first = datetime.datetime.fromtimestamp(wanted.since, datetime.UTC) - MARGIN
    last = datetime.datetime.fromtimestamp(wanted.until, datetime.UTC) + MARGIN
    return f"{first:%Y%m%d}", f"{last:%Y%m%d}"


def _elsewhen(block: str, first: str, last: str) -> bool:
    """Whether an event surely lies outside the margins, told without parsing it: most of a large calendar does."""
    start, end = START.search(block), END.search(block)
    if start is None or RECURS.search(block) or LASTS.search(block):
        return False
    return start[1] > last or (end[1] if end else start[1]) < first


def _expanded(parts: _Parts, events: Sequence[str], wanted: Wanted) -> list[Span]:
    import icalendar
    import recurring_ical_events

    used = {name.strip() for event in events for name in ZONE_USED.findall(event)}
    zones = [parts.zones[name] for name in sorted(used) if name in parts.zones]
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//metaclaw//calendar//EN"]
    lines = [*head, *([parts.head] if parts.head else []), *zones, *events, "END:VCALENDAR", ""]
    calendar = icalendar.Calendar.from_ical("\n".join(lines))
    if any(name in TIMES for event in calendar.walk("VEVENT") for name, _ in event.errors):
        raise ValueError("A time of the event cannot be read.")  # the library would go on without it
    first = datetime.datetime.fromtimestamp(wanted.since, datetime.UTC) - MARGIN
    last = datetime.datetime.fromtimestamp(wanted.until, datetime.UTC) + MARGIN
    # Without a zone the margins fit events of every kind: floating, of a zone, of whole days.
    found = recurring_ical_events.of(calendar).between(first.replace(tzinfo=None), last.replace(tzinfo=None))
    zone = find_zone(wanted.zone)
    return [_span(event, zone) for event in found if _counts(event, wanted)]


def _counts(event: Mapping[str, Any], wanted: Wanted) -> bool:
    status = _word(event, "STATUS")
    shown = _word(event, "X-MICROSOFT-CDO-BUSYSTATUS")
    reply = _reply(event, wanted.user)
    return says_away(
        wanted,
        cancelled=status == "CANCELLED",
        free=_word(event, "TRANSP") == "TRANSPARENT"
        or shown in ("FREE", "WORKINGELSEWHERE")
        or reply == "DECLINED",
        tentative="TENTATIVE" in (status, shown, reply) or reply == "NEEDS-ACTION",
        all_day=not isinstance(event["DTSTART"].dt, datetime.datetime),
        out_of_office=shown == "OOF",
    )


def _reply(event: Mapping[str, Any], user: str | None) -> str:
    """What the owner has answered to an invitation, "" where that cannot be told."""
    if not user:
        return ""
    listed = event.get("ATTENDEE", [])
    for attendee in listed if isinstance(listed, list) else [listed]:
        if str(attendee).lower().removeprefix("mailto:") == user.lower():
            return str(getattr(attendee, "params", {}).get("PARTSTAT", "")).upper()
    return ""


def _word(event: Mapping[str, Any], name: str) -> str:
    return str(event.get(name, "")).strip().upper()


def _span(event: Mapping[str, Any], zone: datetime.tzinfo | None) -> Span:
    start = event["DTSTART"].dt
    if (ending := event.get("DTEND")) is not None:
        end = ending.dt
    elif (length := event.get("DURATION")) is not None:
        end = start + length.dt
    else:
        end = start + datetime.timedelta(days=0 if isinstance(start, datetime.datetime) else 1)
    return _instant(start, zone), _instant(end, zone)


def _instant(day: datetime.date, zone: datetime.tzinfo | None) -> float:
    if not isinstance(day, datetime.datetime):
        day = datetime.datetime.combine(day, datetime.time())
    return (day if day.tzinfo is not None else day.replace(tzinfo=zone)).timestamp()
