"""The events of a CalDAV calendar (RFC 4791), or of all calendars of its owner."""

from __future__ import annotations

import datetime
from typing import Any

from metaclaw_jlab.core.errors import CalendarError, MissingExtra
from metaclaw_jlab.learning.calendars.wanted import NETWORK_SECONDS, Wanted, check_private

_HOW = "Check calendar.address, calendar.user and calendar.key_env."


def read_caldav(wanted: Wanted) -> list[str]:
    """The iCalendar texts of the events in the time that is wanted. Raises CalendarError, MissingExtra."""
    try:
        import caldav
        import requests
        from caldav.lib import error as dav_errors
    except ImportError as error:
        raise MissingExtra("caldav", "signals") from error
    if not wanted.address.lower().startswith(("http://", "https://")):
        raise CalendarError("calendar.address is no CalDAV URL.", "Give one that begins with https://.")
    check_private(wanted)
    client = caldav.DAVClient(
        url=wanted.address, username=wanted.user, password=wanted.secret, timeout=int(NETWORK_SECONDS)
    )
    try:
        return _texts(client, wanted, dav_errors)
    except dav_errors.AuthorizationError as error:
        raise CalendarError(f"{wanted.where} refuses the user or the password.", _HOW) from error
    except dav_errors.DAVError as error:
        raise CalendarError(
            f"{wanted.where} serves no calendar there ({type(error).__name__}).", _HOW
        ) from error
    except (requests.RequestException, OSError) as error:
        raise CalendarError(
            f"{wanted.where} cannot be reached ({type(error).__name__}).", f"{_HOW} Is it up?"
        ) from error


def _texts(client: Any, wanted: Wanted, dav_errors: Any) -> list[str]:
    try:
        return _search(client.calendar(url=wanted.address), wanted)
    except dav_errors.DAVError:
        # Many servers forbid that question where the address is not of one calendar: look for those of its owner.
        return [text for calendar in client.principal().calendars() for text in _search(calendar, wanted)]


def _search(calendar: Any, wanted: Wanted) -> list[str]:
    since, until = (datetime.datetime.fromtimestamp(at, datetime.UTC) for at in (wanted.since, wanted.until))
    found = calendar.search(start=since, end=until, event=True, expand=False)
    return [text if isinstance(text := event.data, str) else text.decode() for event in found if event.data]
