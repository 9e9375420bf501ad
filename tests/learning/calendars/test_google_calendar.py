import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.auth import exceptions
from googleapiclient import discovery, http

from metaclaw_jlab.core.errors import CalendarError
from metaclaw_jlab.learning.calendars.google_calendar import away_by_google, open_google
from tests.learning.calendars.samples import asked, at, span

MEETING = {
    "status": "confirmed",
    "start": {"dateTime": "2026-06-10T12:00:00+02:00"},
    "end": {"dateTime": "2026-06-10T13:00:00+02:00"},
}
AWAY = (span("2026-06-10", "12:00", "13:00"),)


def answering(*answers: tuple[int, dict[str, Any]]) -> Any:
    """The real client, with answers that do not come from the network."""
    canned = http.HttpMockSequence([({"status": str(status)}, json.dumps(body)) for status, body in answers])
    return discovery.build("calendar", "v3", http=canned, cache_discovery=False, static_discovery=True)


def away(*events: dict[str, Any], **more: object) -> tuple[tuple[float, float], ...]:
    return away_by_google(answering((200, {"items": list(events)})), asked(kind="google", **more))[0]  # type: ignore[arg-type]


def test_an_event_says_away() -> None:
    assert away(MEETING) == AWAY


@pytest.mark.parametrize(
    "more",
    [
        {"status": "cancelled"},
        {"transparency": "transparent"},
        {"eventType": "workingLocation"},
        {"eventType": "focusTime"},
        {"status": "tentative"},
        {"attendees": [{"self": True, "responseStatus": "declined"}]},
        {"attendees": [{"self": True, "responseStatus": "needsAction"}]},
    ],
)
def test_an_event_that_does_not_keep_its_owner_from_working_does_not(more: dict[str, Any]) -> None:
    assert away({**MEETING, **more}) == ()


def test_a_tentative_event_counts_where_the_user_wants() -> None:
    assert away({**MEETING, "status": "tentative"}, tentative=True) == AWAY


def test_what_others_answered_does_not_matter() -> None:
    assert away({**MEETING, "attendees": [{"responseStatus": "declined"}]}) == AWAY


def test_a_whole_day_counts_only_out_of_office() -> None:
    day = {"status": "confirmed", "start": {"date": "2026-06-10"}, "end": {"date": "2026-06-11"}}
    assert away(day) == ()
    assert away({**day, "eventType": "outOfOffice"}) == ((at("2026-06-10"), at("2026-06-11")),)


def test_all_pages_are_read() -> None:
    later = {
        **MEETING,
        "start": {"dateTime": "2026-06-11T10:00:00Z"},
        "end": {"dateTime": "2026-06-11T11:00:00Z"},
    }
    service = answering((200, {"items": [MEETING], "nextPageToken": "2"}), (200, {"items": [later]}))
    assert away_by_google(service, asked(kind="google"))[0] == (*AWAY, span("2026-06-11", "12:00", "13:00"))


def test_an_event_that_breaks_the_rules_spoils_no_other() -> None:
    service = answering((200, {"items": [{"status": "confirmed"}, {"start": 7}, MEETING]}))
    assert away_by_google(service, asked(kind="google")) == (AWAY, 2)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_told(status: int) -> None:
    with pytest.raises(CalendarError, match=str(status)):
        away_by_google(answering((status, {"error": {"message": "no"}})), asked(kind="google"))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (exceptions.TransportError("no network"), "cannot be reached"),
        (TimeoutError(), "cannot be reached"),
        (exceptions.RefreshError("revoked"), "refuses the credentials"),
    ],
)
def test_it_is_told_whether_google_is_down_or_refuses(error: Exception, told: str) -> None:
    def failing(*_: object, **__: object) -> Any:
        raise error

    service = discovery.build("calendar", "v3", http=SimpleNamespace(request=failing), static_discovery=True)
    with pytest.raises(CalendarError, match=told):
        away_by_google(service, asked(kind="google"))


def test_credentials_have_to_be_named() -> None:
    with pytest.raises(CalendarError, match="No credentials"):
        open_google(asked(kind="google"))


def test_credentials_that_are_none_are_told_without_their_path(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.write_text("{}")
    with pytest.raises(CalendarError) as caught:
        open_google(asked(kind="google", secret=str(path)))
    assert str(tmp_path) not in str(caught.value)


def test_a_users_credentials_open_the_client_without_the_network(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    fields = {"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}
    path.write_text(json.dumps(fields))
    assert open_google(asked(kind="google", secret=str(path))).events()
