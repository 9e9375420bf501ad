"""A scripted OpenAI-compatible server on loopback, for tests: each request takes the next behaviour of a queue.

scripted_server.say("```python\nx = 1\n```\nDone.")
policy = EndpointPolicy(scripted_server.base_url)
"""

from __future__ import annotations

import json
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[["Exchange"], None]
Reply = str | Callable[[dict[str, Any]], str]
_HANG_LIMIT = 30.0


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent. Header names are in lower case; `body` is {} for a GET."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def messages(self) -> list[dict[str, str]]:
        """The conversation."""
        return list(self.body.get("messages", []))


class ClientGone(Exception):
    """The client closed the connection."""


class Exchange:
    """One request being answered: what a behaviour writes to."""

    def __init__(self, handler: BaseHTTPRequestHandler, request: Request, server: ScriptedServer) -> None:
        self.handler = handler
        self.request = request
        self.server = server

    @property
    def model(self) -> str:
        """The model that was asked for."""
        return str(self.request.body.get("model", self.server.models[0] if self.server.models else "none"))

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status line and headers; the connection ends with the answer."""
        self.handler.send_response(status)
        for name, value in {**headers, "Connection": "close"}.items():
            self.handler.send_header(name, value)
        self.handler.end_headers()
        self.handler.close_connection = True

    def whole(
        self, status: int, body: str | bytes, kind: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a complete answer."""
        data = body.encode() if isinstance(body, str) else body
        self.head(status, {"Content-Type": kind, "Content-Length": str(len(data)), **(headers or {})})
        self.write(data)

    def json(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        """Send a JSON answer."""
        self.whole(status, json.dumps(body), "application/json", headers)

    def open_stream(self) -> None:
        """Begin a stream of server-sent events in HTTP chunks, so that a cut can be told from an end."""
        self.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})

    def event(self, data: str) -> None:
        """Send one event."""
        body = f"data: {data}\n\n".encode()
        self.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")

    def delta(self, delta: Mapping[str, object], finish: str | None = None) -> None:
        """Send one piece of a completion."""
        self.event(json.dumps(self.chunk([{"index": 0, "delta": delta, "finish_reason": finish}])))

    def chunk(self, choices: Sequence[object], usage: object = None) -> dict[str, object]:
        """A `chat.completion.chunk`."""
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": self.model,
            "choices": choices,
            "usage": usage,
        }

    def end_stream(self) -> None:
        """Say that the stream is complete."""
        self.event("[DONE]")
        self.write(b"0\r\n\r\n")

    def write(self, data: bytes) -> None:
        """Send bytes. Raises ClientGone where nobody reads them."""
        if self.gone():
            raise ClientGone
        try:
            self.handler.wfile.write(data)
            self.handler.wfile.flush()
        except OSError:
            raise ClientGone from None

    def gone(self) -> bool:
        """Whether the client has closed the connection."""
        connection = self.handler.connection
        try:
            return _readable(connection, 0) and connection.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True

    def wait_for_leave(self) -> None:
        """Keep the client waiting until it leaves or the server is closed. Raises ClientGone where it left."""
        end = time.monotonic() + _HANG_LIMIT
        while not self.server.closing.is_set() and time.monotonic() < end:
            if _readable(self.handler.connection, 0.02) and self.gone():
                raise ClientGone

    def reset(self) -> None:
        """Break the connection off."""
        connection = self.handler.connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        self.handler.close_connection = True


def _readable(connection: socket.socket, seconds: float) -> bool:
    """Whether there is something to read, or the end. `select` knows no more than 1,024 open files. Raises ValueError,
    OSError where it is closed."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


class ScriptedServer:
    """The server. Methods named for a behaviour put it in the queue, in order; `always` answers when it is empty."""

    def __init__(self, models: Sequence[str] = ("scripted",)) -> None:
        self.models = list(models)
        self.listing: object = None
        self.key: str | None = None
        self.unsupported: dict[str, str] = {}
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self._queue: deque[Behaviour] = deque()
        self._default: Behaviour | None = None
        self._changed = threading.Condition()
        self._disconnects = 0
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def base_url(self) -> str:
        """What a client is pointed at."""
        return f"{self.origin}/v1"

    @property
    def chats(self) -> list[Request]:
        """The requests for a completion."""
        return [request for request in self.requests if request.path.endswith("/chat/completions")]

    @property
    def disconnects(self) -> int:
        """How many clients left before their answer was complete."""
        return self._disconnects

    def close(self) -> None:
        """Stop answering."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def wait_for_requests(self, count: int = 1, seconds: float = 10.0) -> bool:
        """Whether so many requests for a completion have come, waiting for them."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.chats) >= count, seconds)

    def wait_for_disconnect(self, count: int = 1, seconds: float = 10.0) -> bool:
        """Whether so many clients have left early, waiting for them."""
        with self._changed:
            return self._changed.wait_for(lambda: self._disconnects >= count, seconds)

    # ---------------------------------------------------------------- behaviours

    def script(self, *behaviours: Behaviour) -> None:
        """Queue behaviours of a test's own."""
        self._queue.extend(behaviours)

    def always(self, reply: Reply, **options: Any) -> None:
        """Answer with this text, or what a function makes of the request's body, when the queue is empty."""
        self._default = _saying(reply, **options)

    def say(self, *replies: Reply, **options: Any) -> None:
        """Complete with each text in turn. Options: piece (characters), delay (seconds a piece), reasoning, finish
        (None: leave it out), usage (False: leave it out), on_piece (called after each with its number)."""
        self.script(*(_saying(reply, **options) for reply in replies))

    def huge(self, characters: int) -> None:
        """Complete with a very long text in large pieces."""
        self.say("x" * characters, piece=65_536)

    def endless(self, key: str = "content") -> None:
        """Stream pieces until the client leaves."""

        def behave(exchange: Exchange) -> None:
            exchange.open_stream()
            while not self.closing.is_set():
                exchange.delta({key: "word " * 200})

        self.script(behave)

    def hang(self, after: str | None = None) -> None:
        """Send nothing, or `after` and then nothing more, until the client leaves."""

        def behave(exchange: Exchange) -> None:
            if after is not None:
                exchange.open_stream()
                exchange.delta({"content": after})
            exchange.wait_for_leave()

        self.script(behave)

    def html(self, status: int = 200) -> None:
        """Answer with a web page."""
        page = "<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>"
        self.script(lambda exchange: exchange.whole(status, page, "text/html; charset=utf-8"))

    def cut(self, text: str = "", *, reset: bool = False, politely: bool = False) -> None:
        """Stream `text`, then break off: in the middle of a chunk, by a reset, or politely without a finish reason."""

        def behave(exchange: Exchange) -> None:
            exchange.open_stream()
            if text:
                exchange.delta({"content": text})
            if reset:
                exchange.reset()
            else:
                exchange.write(b"0\r\n\r\n" if politely else b"40\r\ndata: {")

        self.script(behave)

    def malformed(self, text: str = "", data: str = '{"choices": [{"delta": ') -> None:
        """Stream `text`, then an event whose data is no completion's."""

        def behave(exchange: Exchange) -> None:
            exchange.open_stream()
            if text:
                exchange.delta({"content": text})
            exchange.event(data)
            exchange.end_stream()

        self.script(behave)

    def no_choices(self) -> None:
        """Stream a completion that has no choices."""

        def behave(exchange: Exchange) -> None:
            exchange.open_stream()
            exchange.event(json.dumps(exchange.chunk([])))
            exchange.end_stream()

        self.script(behave)

    def plain(self, body: object, kind: str = "application/json") -> None:
        """Answer with one document instead of a stream."""
        text = body if isinstance(body, str) else json.dumps(body)
        self.script(lambda exchange: exchange.whole(200, text, kind))

    def fail(
        self,
        status: int,
        message: str = "It went wrong.",
        *,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        **error: object,
    ) -> None:
        """Refuse with an OpenAI-like error; `error` are its other fields (`code`, `param`)."""
        body = {"error": {"message": message, "type": "error", "param": None, "code": None, **error}}
        self.script(*([lambda exchange: exchange.json(status, body, headers)] * times))

    # ---------------------------------------------------------------- inside

    def _answer(self, exchange: Exchange) -> None:
        with self._changed:
            self.requests.append(exchange.request)
            self._changed.notify_all()
        try:
            self._behaviour(exchange.request)(exchange)
        except ClientGone:
            with self._changed:
                self._disconnects += 1
                self._changed.notify_all()

    def _behaviour(self, request: Request) -> Behaviour:
        if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
            return _refusing(401, "Incorrect API key provided.", code="invalid_api_key")
        if request.path == "/v1/models":
            listed = {"object": "list", "data": [{"id": name, "object": "model"} for name in self.models]}
            body = listed if self.listing is None else self.listing
            text = body if isinstance(body, str) else json.dumps(body)
            return lambda exchange: exchange.whole(200, text, "application/json")
        if request.path not in ("/v1/chat/completions", "/v1/embeddings"):
            return lambda exchange: exchange.whole(404, "404 page not found", "text/plain")
        for name, message in self.unsupported.items():
            if name in request.body:
                return _refusing(400, message, code="unsupported_parameter", param=name)
        if self._queue:
            return self._queue.popleft()
        return self._default or _refusing(500, "The script is empty.")


def _saying(
    reply: Reply,
    *,
    piece: int = 8,
    delay: float = 0.0,
    reasoning: str = "",
    finish: str | None = "stop",
    usage: bool = True,
    on_piece: Callable[[int], None] | None = None,
) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        body = exchange.request.body
        text = reply(body) if callable(reply) else reply
        counts = {
            "prompt_tokens": len(str(exchange.request.messages)),
            "completion_tokens": len(text.split()),
        }
        if not body.get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
            exchange.json(200, {"model": exchange.model, "choices": [choice], "usage": counts})
            return
        exchange.open_stream()
        exchange.delta({"role": "assistant", "content": ""})
        if reasoning:
            exchange.delta({"reasoning_content": reasoning})
        for number, start in enumerate(range(0, len(text), piece)):
            exchange.delta({"content": text[start : start + piece]})
            if on_piece:
                on_piece(number)
            exchange.server.closing.wait(delay)
        if finish:
            exchange.delta({}, finish)
        if usage and (body.get("stream_options") or {}).get("include_usage"):
            exchange.event(json.dumps(exchange.chunk([], counts)))
        exchange.end_stream()

    return behave


def _refusing(status: int, message: str, **error: object) -> Behaviour:
    body = {"error": {"message": message, "type": "invalid_request_error", **error}}
    return lambda exchange: exchange.json(status, body)


def _handler_of(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._take({})

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._take(json.loads(data or b"{}"))

        def _take(self, body: dict[str, Any]) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, body)
            server._answer(Exchange(self, request, server))

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Tests read `requests` instead."""

    return Handler
