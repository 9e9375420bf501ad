import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

import pytest

from metaclaw_jlab.core.errors import CalendarError
from metaclaw_jlab.learning.calendars.caldav_server import read_caldav
from metaclaw_jlab.learning.calendars.ics import away_by
from metaclaw_jlab.learning.calendars.wanted import Wanted
from tests.learning.calendars.samples import asked, calendar, event, span

NAMES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"'
WORK, HOME = "/me/work/", "/me/home/"
FOUND = {
    "/": "<d:current-user-principal><d:href>/principal/</d:href></d:current-user-principal>",
    "/principal/": "<c:calendar-home-set><d:href>/me/</d:href></c:calendar-home-set>",
    "/me/": "<d:resourcetype><d:collection/></d:resourcetype>",
    WORK: "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>",
    HOME: "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>",
}
EVENTS = {
    WORK: calendar(event()),
    HOME: calendar(event(uid="2", start="20260611T100000Z", end="20260611T110000Z")),
}


class Dav(BaseHTTPRequestHandler):
    """As much of a CalDAV server as somebody needs who looks for calendars and asks for events."""

    protocol_version = "HTTP/1.1"

    def do_PROPFIND(self) -> None:
        self._body()
        if self._allowed():
            paths = ["/me/", WORK, HOME] if self.path == "/me/" else [self.path]
            parts = {path: FOUND[path] for path in paths if path in FOUND}
            self._multistatus(parts) if parts else self._plain(404)

    def do_REPORT(self) -> None:
        self.server.questions.append(self._body())  # type: ignore[attr-defined]
        if not self._allowed():
            return
        if self.path not in EVENTS:
            self._plain(403)
            return
        data = f"<c:calendar-data>{escape(EVENTS[self.path])}</c:calendar-data>"
        self._multistatus({f"{self.path}one.ics": data})

    def _allowed(self) -> bool:
        wanted = "Basic " + base64.b64encode(b"me:password").decode()
        if self.headers.get("Authorization") == wanted:
            return True
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="calendars"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def _multistatus(self, parts: dict[str, str]) -> None:
        responses = "".join(
            f"<d:response><d:href>{path}</d:href><d:propstat><d:prop>{found}</d:prop>"
            "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
            for path, found in parts.items()
        )
        body = f'<?xml version="1.0"?><d:multistatus {NAMES}>{responses}</d:multistatus>'.encode()
        self.send_response(207)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _plain(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _body(self) -> str:
        return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Dav)
    made.daemon_threads = True
    made.questions = []  # type: ignore[attr-defined]
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def question(server: ThreadingHTTPServer, path: str, secret: str = "password") -> Wanted:
    address = f"http://127.0.0.1:{server.server_address[1]}{path}"
    return asked(kind="caldav", address=address, user="me", secret=secret)


def test_a_calendar_tells_its_events(server: ThreadingHTTPServer) -> None:
    wanted = question(server, WORK)
    assert away_by(read_caldav(wanted), wanted)[0] == (span("2026-06-10", "12:00", "13:00"),)


def test_only_the_time_that_is_wanted_is_asked_for(server: ThreadingHTTPServer) -> None:
    read_caldav(question(server, WORK))
    assert 'start="20260607T220000Z"' in server.questions[-1]  # type: ignore[attr-defined]


def test_an_address_that_is_no_calendar_leads_to_all_of_its_owner(server: ThreadingHTTPServer) -> None:
    wanted = question(server, "/")
    assert away_by(read_caldav(wanted), wanted)[0] == (
        span("2026-06-10", "12:00", "13:00"),
        span("2026-06-11", "12:00", "13:00"),
    )


def test_a_wrong_password_is_told(server: ThreadingHTTPServer) -> None:
    with pytest.raises(CalendarError, match="refuses"):
        read_caldav(question(server, WORK, secret="wrong"))


def test_a_place_without_calendars_is_told(server: ThreadingHTTPServer) -> None:
    with pytest.raises(CalendarError) as caught:
        read_caldav(question(server, "/nothing/"))
    assert caught.value.next_step


def test_a_server_that_is_down_is_told(server: ThreadingHTTPServer) -> None:
    wanted = question(server, WORK)
    server.shutdown()
    server.server_close()
    with pytest.raises(CalendarError, match="cannot be reached"):
        read_caldav(wanted)


@pytest.mark.parametrize("address", ["", "calendar.ics", "http://calendar.example.org/me/"])
def test_an_address_that_cannot_be_asked_is_refused(address: str) -> None:
    with pytest.raises(CalendarError):
        read_caldav(asked(kind="caldav", address=address, user="me", secret="password"))
