import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import CalendarError
from metaclaw_jlab.learning.calendars.ics_address import read_ics
from tests.learning.calendars.samples import asked

TEXT = "BEGIN:VCALENDAR\nEND:VCALENDAR\n"


class Answers(BaseHTTPRequestHandler):
    """/calendar.ics, one for `me` with a password, one that is elsewhere, and one without end."""

    headers_seen: list[str | None]

    def do_GET(self) -> None:
        self.server.seen.append(self.headers.get("Authorization"))  # type: ignore[attr-defined]
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/calendar.ics")
            self.end_headers()
        elif self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "file:///etc/hosts")
            self.end_headers()
        elif self.path == "/own" and "Authorization" not in self.headers:
            self.send_error(401)
        elif self.path in ("/calendar.ics", "/own"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(TEXT.encode())
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"X" * 65536)
            except OSError:
                pass
        else:
            self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    made.daemon_threads = True
    made.seen = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def url(server: ThreadingHTTPServer, path: str) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/{path}"


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "own calendar.ics"
    path.write_text(TEXT)
    assert read_ics(asked(address=str(path))) == read_ics(asked(address=path.as_uri())) == TEXT


def test_a_url_is_read(server: ThreadingHTTPServer) -> None:
    assert read_ics(asked(address=url(server, "calendar.ics"))) == TEXT


def test_a_password_is_sent_where_it_was_meant_for(server: ThreadingHTTPServer) -> None:
    read_ics(asked(address=url(server, "own"), user="me", secret="pässword"))
    token = base64.b64encode("me:pässword".encode()).decode()
    assert server.seen == [f"Basic {token}"]  # type: ignore[attr-defined]


def test_a_redirection_gets_no_password(server: ThreadingHTTPServer) -> None:
    read_ics(asked(address=url(server, "moved"), user="me", secret="password"))
    assert server.seen[1:] == [None]  # type: ignore[attr-defined]


def test_a_redirection_to_a_file_is_not_followed(server: ThreadingHTTPServer) -> None:
    with pytest.raises(CalendarError):
        read_ics(asked(address=url(server, "away")))


def test_a_password_does_not_go_over_the_network_in_the_clear() -> None:
    with pytest.raises(CalendarError, match="in the clear"):
        read_ics(asked(address="http://calendar.example.org/a.ics", user="me", secret="password"))


@pytest.mark.parametrize("path", ["endless"])
def test_a_huge_calendar_is_refused_while_it_is_read(server: ThreadingHTTPServer, path: str) -> None:
    with pytest.raises(CalendarError, match="larger than 1 MB"):
        read_ics(asked(address=url(server, path)), most_bytes=1 << 20)


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calendar.ics"
    path.write_bytes(b"X" * ((1 << 20) + 1))
    with pytest.raises(CalendarError, match="larger than 1 MB"):
        read_ics(asked(address=str(path)), most_bytes=1 << 20)


@pytest.mark.parametrize(
    "address", ["", "ftp://example.org/a.ics", "missing.ics", "/", "http://[broken/a.ics"]
)
def test_an_address_that_leads_nowhere_says_what_to_do(address: str) -> None:
    with pytest.raises(CalendarError) as caught:
        read_ics(asked(address=address))
    assert caught.value.next_step


@pytest.mark.parametrize(("path", "status"), [("missing", "404"), ("own", "401")])
def test_a_refusal_is_told(server: ThreadingHTTPServer, path: str, status: str) -> None:
    with pytest.raises(CalendarError, match=status):
        read_ics(asked(address=url(server, path)))


def test_a_server_that_is_down_is_told(server: ThreadingHTTPServer) -> None:
    address = url(server, "calendar.ics")
    server.shutdown()
    server.server_close()
    with pytest.raises(CalendarError, match="cannot be reached"):
        read_ics(asked(address=address))


def test_what_is_secret_in_a_url_is_not_told(server: ThreadingHTTPServer) -> None:
    with pytest.raises(CalendarError) as caught:
        read_ics(asked(address=url(server, "private-abc123/basic.ics")))
    assert "abc123" not in str(caught.value)
