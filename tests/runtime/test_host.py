"""The active host as other processes of its home find it, and ask it."""

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from metaclaw_jlab.runtime.home import ID_FILE, Home, open_home
from metaclaw_jlab.runtime.host import SECRET_HEADER, ask, host_file, publish, published, withdraw


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def alter(home: Home, /, **changes: object) -> None:
    record = json.loads(host_file(home).read_text())
    host_file(home).write_text(json.dumps(record | changes))


def test_a_published_host_is_found(home: Home) -> None:
    record = publish(home, "http://127.0.0.1:8888/base/", 4711)
    assert published(home) == record
    assert (record.pid, record.home, record.activity_port) == (os.getpid(), home.id, 4711)


def test_only_its_owner_may_read_the_publication(home: Home) -> None:
    publish(home, "http://127.0.0.1:8888/")
    assert host_file(home).stat().st_mode & 0o777 == 0o600


def test_each_host_has_a_secret_of_its_own(home: Home) -> None:
    first = publish(home, "http://127.0.0.1:8888/")
    assert publish(home, "http://127.0.0.1:8888/").secret != first.secret
    assert first.secret not in repr(first)


def test_a_withdrawn_host_is_not_found(home: Home) -> None:
    publish(home, "http://127.0.0.1:8888/")
    withdraw(home)
    assert published(home) is None
    assert not host_file(home).exists()


def test_another_process_s_publication_is_not_withdrawn(home: Home) -> None:
    publish(home, "http://127.0.0.1:8888/")
    alter(home, pid=os.getppid())
    withdraw(home)
    assert host_file(home).exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"pid": 999_999_999},
        {"start_ticks": 1},
        {"boot_id": "another"},
        {"home": "another"},
        {"activity_port": "none"},
        {"url": None, "secret": None, "pid": None},
    ],
)
def test_what_is_not_a_living_host_of_this_home_is_none(home: Home, changes: dict[str, object]) -> None:
    publish(home, "http://127.0.0.1:8888/")
    alter(home, **changes)
    assert published(home) is None


def test_a_publication_that_others_can_read_is_not_trusted(home: Home) -> None:
    publish(home, "http://127.0.0.1:8888/")
    host_file(home).chmod(0o644)
    assert published(home) is None


def test_a_home_that_is_gone_has_no_host(home: Home) -> None:
    publish(home, "http://127.0.0.1:8888/")
    (home.path / ID_FILE).unlink()
    assert published(home) is None


class Handler(BaseHTTPRequestHandler):
    """Answers with what it was asked; `/fails` with an error, `/text` with no JSON."""

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: object) -> None:
        told = {"path": self.path, "body": body, "secret": self.headers[SECRET_HEADER]}
        text = b"nonsense" if self.path.endswith("text") else json.dumps(told).encode()
        self.send_response(403 if self.path.endswith("fails") else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/user/me/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_host_is_asked_with_the_secret(home: Home, url: str) -> None:
    secret = publish(home, url).secret
    told = ask(home, "retrieve", {"query": "dates"}, seconds=60)
    assert told == {"path": "/user/me/metaclaw/api/retrieve", "body": {"query": "dates"}, "secret": secret}


def test_without_a_body_it_is_a_get(home: Home, url: str) -> None:
    publish(home, url)
    told = ask(home, "health", seconds=60)
    assert isinstance(told, dict)
    assert told["body"] is None


@pytest.mark.parametrize("path", ["fails", "text"])
def test_an_answer_of_no_use_is_none(home: Home, url: str, path: str) -> None:
    publish(home, url)
    assert ask(home, path, seconds=60) is None


def test_where_nobody_listens_the_answer_is_none(home: Home) -> None:
    publish(home, "http://127.0.0.1:9/")
    assert ask(home, "health") is None


def test_where_there_is_no_host_the_answer_is_none(home: Home) -> None:
    assert ask(home, "health") is None


def test_a_host_of_elsewhere_is_not_asked(home: Home) -> None:
    publish(home, "http://example.org/")
    assert ask(home, "health") is None
