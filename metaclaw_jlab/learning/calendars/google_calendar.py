"""The events of a Google calendar, through its API. Only reading is asked for."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import CalendarError, MissingExtra
from metaclaw_jlab.core.hours import find_zone
from metaclaw_jlab.learning.calendars.wanted import Wanted, says_away
from metaclaw_jlab.learning.signals.hours import Span, merged

SCOPE = "https://www.googleapis.com/auth/calendar.events.readonly"
NOT_AWAY = ("workingLocation", "focusTime", "birthday")
MOST_PAGES = 20
_HOW = "Set calendar.key_env to a variable that holds the path of the credentials (a JSON file)."


def open_google(wanted: Wanted) -> Any:
    """The API's client with the credentials in the file `secret`: a user's or a service account's.

    Raises CalendarError, MissingExtra.
    """
    try:
        import google.auth.exceptions
        from google.oauth2 import credentials, service_account
        from googleapiclient.discovery import build
    except ImportError as error:
        raise MissingExtra("google-api-python-client", "signals") from error
    if not wanted.secret:
        raise CalendarError("No credentials for the Google calendar are named.", _HOW)
    path = Path(wanted.secret).expanduser()
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        kind = (
            service_account.Credentials.from_service_account_info
            if fields.get("type") == "service_account"
            else credentials.Credentials.from_authorized_user_info
        )
        found = kind(fields, scopes=[SCOPE])
    except (google.auth.exceptions.GoogleAuthError, OSError, ValueError, AttributeError) as error:
        raise CalendarError(f"The Google credentials {path.name} cannot be used.", _HOW) from error
    return build("calendar", "v3", credentials=found, cache_discovery=False, static_discovery=True)


def away_by_google(service: Any, wanted: Wanted) -> tuple[tuple[Span, ...], int]:
    """The spans that the events say, clipped to what is wanted, and how many could not be read.

    Raises CalendarError.
    """
    import google.auth.exceptions
    import httplib2
    from googleapiclient.errors import HttpError

    spans, unreadable, page = [], 0, None
    try:
        for _ in range(MOST_PAGES):
            answer = service.events().list(**_question(wanted, page)).execute()
            for event in answer.get("items", []):
                try:
                    spans.extend(_spans(event, wanted))
                except (KeyError, TypeError, ValueError, AttributeError):
                    unreadable += 1
            if (page := answer.get("nextPageToken")) is None:
                break
    except HttpError as error:
        raise CalendarError(
            f"Google answers with status {error.resp.status} for the calendar {wanted.where}.",
            "Check calendar.address, and share the calendar with the owner of the credentials.",
        ) from error
    except (OSError, httplib2.error.HttpLib2Error, google.auth.exceptions.TransportError) as error:
        raise CalendarError(
            f"Google cannot be reached ({type(error).__name__}).", "Is the network up?"
        ) from error
    except google.auth.exceptions.GoogleAuthError as error:
        raise CalendarError(f"Google refuses the credentials ({type(error).__name__}).", _HOW) from error
    clipped = ((max(start, wanted.since), min(end, wanted.until)) for start, end in spans)
    return merged(clipped), unreadable


def _question(wanted: Wanted, page: str | None) -> dict[str, Any]:
    since, until = (datetime.datetime.fromtimestamp(at, datetime.UTC) for at in (wanted.since, wanted.until))
    return {
        "calendarId": wanted.address.strip() or "primary",
        "timeMin": since.isoformat(),
        "timeMax": until.isoformat(),
        "singleEvents": True,
        "maxResults": 2500,
        "pageToken": page,
    }


def _spans(event: Mapping[str, Any], wanted: Wanted) -> list[Span]:
    kind = event.get("eventType", "default")
    reply = next((one.get("responseStatus") for one in event.get("attendees", []) if one.get("self")), None)
    away = says_away(
        wanted,
        cancelled=event.get("status") == "cancelled",
        free=event.get("transparency") == "transparent" or kind in NOT_AWAY or reply == "declined",
        tentative=event.get("status") == "tentative" or reply in ("tentative", "needsAction"),
        all_day="date" in event["start"],
        out_of_office=kind == "outOfOffice",
    )
    return [(_instant(event["start"], wanted), _instant(event["end"], wanted))] if away else []


def _instant(when: Mapping[str, str], wanted: Wanted) -> float:
    found = datetime.datetime.fromisoformat(when.get("dateTime") or when["date"])
    return (found if found.tzinfo is not None else found.replace(tzinfo=find_zone(wanted.zone))).timestamp()
