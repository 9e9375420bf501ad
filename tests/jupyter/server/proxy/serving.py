"""The proxy's routes in a server of their own, with Jupyter's identity and checks, on a thread."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_server.auth import AllowAllAuthorizer
from jupyter_server.auth.identity import IdentityProvider
from jupyter_server.base.handlers import APIVersionHandler
from jupyter_server.services.api.handlers import IdentityHandler
from jupyter_server.utils import url_path_join
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.exchange import Asked, Replied
from metaclaw_jlab.jupyter.server.proxy.handlers import get_handlers
from metaclaw_jlab.jupyter.server.proxy.service import Proxy
from tests.loopback.server import ScriptedServer

TOKEN = "jupyters-own-token"
DEADLINE = 90.0


class Kept:
    """Keeps what is recorded for a test to read."""

    def __init__(self) -> None:
        self.exchanges: list[tuple[Workspace, Asked, Replied]] = []
        self._changed = threading.Condition()

    def record(self, workspace: Workspace, asked: Asked, replied: Replied) -> str | None:
        with self._changed:
            self.exchanges.append((workspace, asked, replied))
            self._changed.notify_all()
            return f"turn{len(self.exchanges)}"

    def close(self, seconds: float) -> None:
        """There is nothing to write."""

    def wait(self, count: int = 1) -> tuple[Workspace, Asked, Replied]:
        """The newest of so many exchanges, waiting for them."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.exchanges) >= count, DEADLINE)
            return self.exchanges[-1]


@dataclass(eq=False)
class Home:
    """What the proxy needs of a host."""

    workspace: Workspace


@dataclass(frozen=True)
class Answer:
    """A whole answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[str]:
        """The data of the events of a stream."""
        return [part[6:] for part in self.body.decode().split("\n\n") if part.startswith("data: ")]


@dataclass(eq=False)
class Served:
    """The server. `url` ends with the base URL and no slash."""

    workspace: Workspace
    kept: Kept = field(default_factory=Kept)
    host: str = "127.0.0.1"
    port: int = 0
    token: str = TOKEN

    def __post_init__(self) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(DEADLINE)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/at/base"

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self.proxy = Proxy(Home(self.workspace), self.kept)
        handlers: list[Any] = [
            *get_handlers(Home(self.workspace), self.proxy),
            (r"/api/me", IdentityHandler),
            (r"/api", APIVersionHandler),
        ]
        application = Application(
            [(url_path_join("/at/base", pattern), *rest) for pattern, *rest in handlers],
            base_url="/at/base/",
            identity_provider=IdentityProvider(token=self.token),
            authorizer=AllowAllAuthorizer(),
            cookie_secret=b"of this test",
            xsrf_cookies=True,
            allow_unauthenticated_access=False,
            allow_remote_access=False,
            local_hostnames=["localhost", "127.0.0.1"],
            log_function=lambda _: None,
        )
        server = HTTPServer(application, max_body_size=512 << 20, max_buffer_size=512 << 20)
        sockets = bind_sockets(0, self.host)
        self.port = sockets[0].getsockname()[1]
        server.add_sockets(sockets)
        self._ready.set()
        await self._end.wait()
        server.stop()
        await self.proxy.close()
        await server.close_all_connections()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(DEADLINE)

    @contextlib.contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        found = http.client.HTTPConnection(self.host, self.port, timeout=DEADLINE)
        try:
            yield found
        finally:
            found.close()

    def open(
        self,
        connection: http.client.HTTPConnection,
        body: object,
        headers: Mapping[str, str] | None = None,
        path: str = "chat/completions",
    ) -> http.client.HTTPResponse:
        """Send a request and give its answer, whose body is still to come."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **self.credentials, **(headers or {})}
        sent = {name: value for name, value in sent.items() if value}
        connection.request("POST", f"/at/base/metaclaw/v1/{path}", raw, sent)
        return connection.getresponse()

    def post(
        self, body: object, headers: Mapping[str, str] | None = None, path: str = "chat/completions"
    ) -> Answer:
        with self.connection() as connection:
            return read(self.open(connection, body, headers, path))

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        with self.connection() as connection:
            sent = {**self.credentials, **(headers or {})}
            connection.request("GET", f"/at/base{path}", headers={k: v for k, v in sent.items() if v})
            return read(connection.getresponse())

    @property
    def credentials(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def read(response: http.client.HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


def ask(text: str = "Say hello.", **more: object) -> dict[str, Any]:
    """The body of a request."""
    return {"model": "scripted", "messages": [{"role": "user", "content": text}], **more}


def workspace_of(home: Path, upstream: ScriptedServer, **overrides: object) -> Workspace:
    """A home whose policy is the scripted server. Overrides: `proxy_skills=False` is proxy.skills = false."""
    values = {name.replace("_", ".", 1): value for name, value in overrides.items()}
    return open_workspace(home, {"policy.base_url": upstream.base_url, "policy.model": "scripted", **values})
