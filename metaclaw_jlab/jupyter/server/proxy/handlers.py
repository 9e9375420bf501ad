"""The routes of the proxy under the server's base URL: who may ask, how large a body is, how many ask at once."""

from __future__ import annotations

import asyncio
import json
import weakref
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.identity import User
from jupyter_server.base.handlers import APIHandler
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, authenticated, stream_request_body

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.jupyter.server.proxy.anthropic import AnthropicDialect, count_tokens
from metaclaw_jlab.jupyter.server.proxy.asking import read_body
from metaclaw_jlab.jupyter.server.proxy.chunks import chunk_in
from metaclaw_jlab.jupyter.server.proxy.conversations import Conversations
from metaclaw_jlab.jupyter.server.proxy.dialect import ChatDialect, Dialect, kind_of
from metaclaw_jlab.jupyter.server.proxy.exchange import Exchange, Incoming, status_of
from metaclaw_jlab.jupyter.server.proxy.identity import Client, credential, looks_like_client_key
from metaclaw_jlab.jupyter.server.proxy.recording import open_recording
from metaclaw_jlab.jupyter.server.proxy.responses import ResponsesDialect
from metaclaw_jlab.jupyter.server.proxy.room import SERVED
from metaclaw_jlab.jupyter.server.proxy.service import Proxy, ProxyHost
from metaclaw_jlab.jupyter.server.proxy.upstream import told_headers, whole

ROOT = r"/metaclaw/v1"
RESOURCE = "metaclaw"
DISCARDED = 256 << 20  # bytes of a body that is too large are read and dropped, so that the client hears why
Speaking = Callable[[str], Dialect]  # which dialect the client of an id is spoken to in
_proxies: weakref.WeakKeyDictionary[ProxyHost, Proxy] = weakref.WeakKeyDictionary()
_REFUSED = "Send Jupyter's token or a client's key, as a Bearer token or as x-api-key."


class ProxyHandler(APIHandler):
    """What the routes share: a client with a key of its own, or Jupyter's own user."""

    auth_resource = RESOURCE
    _track_activity = False  # other agents at work are no user at the page

    def initialize(self, proxy: Proxy, speak: Speaking) -> None:
        """Called by tornado for every request."""
        self.proxy = proxy
        self.client = Client()
        self.speak = speak
        self.refusal: tuple[int, str] | None = None
        self._left = False
        self._running: asyncio.Future[None] | None = None

    async def prepare(self) -> None:  # type: ignore[override]
        """Find out who asks. What is refused to a POST is told once its body has been read: a connection that is closed
        before that loses the answer."""
        if self.request.method == "OPTIONS":
            await super().prepare()
            return
        try:
            await self._admit()
        except HTTPError as error:
            self.refusal = (error.status_code, error.log_message or "")
        except MetaclawError as error:
            self.refusal = (status_of(error), str(error))
        if self.refusal is not None and self.request.method != "POST":
            self.refuse(*self.refusal)

    async def _admit(self) -> None:
        given = credential(self.request.headers)
        if given is not None and looks_like_client_key(given):
            await self._admit_client(given)
        else:
            await self._admit_user(given)
        if not (await self.proxy.limits()).enabled:
            raise HTTPError(
                403, "The proxy is turned off. Turn it on with: metaclaw config set proxy.enabled true."
            )

    async def _admit_client(self, key: str) -> None:
        if not self.check_host():
            raise HTTPError(403, "This name of the server is not allowed.")
        client = await self.proxy.client(key)
        if client is None:
            raise HTTPError(401, "This key is unknown or revoked. See: metaclaw keys list.")
        self.client = client
        self.current_user = self._jupyter_current_user = User(username=f"metaclaw-client-{client.id}")
        self.set_cors_headers()

    async def _admit_user(self, given: str | None) -> None:
        if given is not None and "Authorization" not in self.request.headers:
            self.request.headers["Authorization"] = f"Bearer {given}"  # of x-api-key Jupyter knows nothing
        try:
            await super().prepare()
        except HTTPError as error:
            if not self.current_user:
                raise HTTPError(401, _REFUSED) from error
            raise
        user = self.current_user
        if not user:
            raise HTTPError(401, _REFUSED)
        action = "read" if self.request.method in ("GET", "HEAD") else "write"
        if not await ensure_async(self.authorizer.is_authorized(self, user, action, RESOURCE)):
            raise HTTPError(403, f"You may not {action} here.")

    @property
    def dialect(self) -> Dialect:
        """What this client is spoken to in."""
        return self.speak(self.client.id)

    def set_secure_cookie(self, *_: Any, **__: Any) -> None:
        """Jupyter hands out a login cookie with every token: an agent has no use for one."""

    def refuse(self, status: int, message: str) -> None:
        """Answer with an error in the client's dialect."""
        if status == 429:
            self.set_header("Retry-After", "1")
        body = self.dialect.error(status, message, kind_of(status))
        self.whole(status, {"Content-Type": "application/json"}, json.dumps(body).encode())

    def write_error(self, status_code: int, **details: Any) -> None:
        """Tell what tornado or Jupyter refused as the dialect tells errors."""
        if self.refusal is not None:
            self.refuse(*self.refusal)
            return
        error = details.get("exc_info", (None, None, None))[1]
        message = error.log_message if isinstance(error, HTTPError) and error.log_message else self._reason
        self.refuse(status_code, message)

    # ---------------------------------------------------------------- the way back to the client

    def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a complete answer."""
        self._head(status, headers)
        self.set_header("Content-Length", str(len(body)))
        with suppress(StreamClosedError):
            self.finish(body, set_content_type=headers.get("Content-Type", "application/json"))

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin an answer that comes in pieces."""
        self._head(status, headers)
        stream: Any = getattr(self.request.connection, "stream", None)
        if stream is not None:
            stream.set_nodelay(
                True
            )  # pieces are small: without it each waits for the client to say it got the last

    async def send(self, data: bytes) -> None:
        """Send a piece, and wait until it is out. Raises CancelledError where the client has left."""
        self.write(data)
        try:
            await self.flush()
        except StreamClosedError:
            raise asyncio.CancelledError from None

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.set_status(status)
        for name, value in headers.items():
            with suppress(ValueError):  # what an upstream tells in a header may be no header of ours
                self.set_header(name, value)

    async def run(self, work: Any) -> None:
        """Do what answers the request; where the client leaves meanwhile, it is cancelled."""
        left_before = self._left
        if left_before:
            work.close()
            return
        self._running = asyncio.ensure_future(work)
        try:
            await self._running
        except asyncio.CancelledError:
            if not self._left and not self._running.cancelled():
                self._running.cancel()
                raise
        if not (self._finished or self._left):
            with suppress(StreamClosedError):
                self.finish(set_content_type=self._headers.get("Content-Type", "application/json"))

    def on_connection_close(self) -> None:
        """The client has left: nobody waits for what is under way."""
        super().on_connection_close()
        self._left = True
        if self._running is not None:
            self._running.cancel()


@stream_request_body
class CompletionHandler(ProxyHandler):
    """A request for a completion in one dialect."""

    def initialize(self, proxy: Proxy, speak: Speaking) -> None:
        """Called by tornado for every request."""
        super().initialize(proxy, speak)
        self._body = bytearray()
        self._received = 0
        self._most = 0
        self._counted = False

    async def prepare(self) -> None:  # type: ignore[override]
        """Let in whoever may ask, while others are not too many."""
        await super().prepare()
        if self.refusal is not None or self.request.method != "POST":
            return
        limits = await self.proxy.limits()
        self._most = int(limits.max_body_mb * 2**20)
        if self.request.headers.get("Content-Encoding", "identity").lower() != "identity":
            self.refusal = (415, "The body is compressed. Send it as it is.")
        elif self.proxy.under_way >= limits.concurrency:
            self.refusal = (
                429,
                f"{limits.concurrency} requests are under way. Ask again soon, or raise proxy.concurrency.",
            )
        elif not self._left:
            self.proxy.under_way += 1
            self._counted = True

    def data_received(self, chunk: bytes) -> None:
        """Keep a part of the body, as long as all of it may be kept."""
        self._received += len(chunk)
        if self.refusal is None and self._received > self._most:
            self.refusal = (
                413,
                f"The body is larger than {self._most / 2**20:g} MiB. Send less, or raise proxy.max_body_mb.",
            )
        if self.refusal is None:
            self._body += chunk
            return
        self._body.clear()
        if self._received > DISCARDED and not self._finished:
            self.refuse(*self.refusal)

    @authenticated
    async def post(self) -> None:
        """Answer with a completion."""
        if self.refusal is not None:
            self.refuse(*self.refusal)
            return
        raw, self._body = bytes(self._body), bytearray()
        await self.run(self.work(raw))

    def work(self, raw: bytes) -> Coroutine[Any, Any, None]:
        """What answers a request with this body."""
        incoming = Incoming(self.client, self.dialect, self.request.headers, raw)
        return Exchange(self.proxy, incoming, self).run()

    def on_connection_close(self) -> None:
        """The client has left."""
        super().on_connection_close()
        self._discount()

    def on_finish(self) -> None:
        """The request has been answered."""
        self._discount()

    def _discount(self) -> None:
        if self._counted:
            self._counted = False
            self.proxy.under_way -= 1


class ModelsHandler(ProxyHandler):
    """Which models may be asked for: the upstream's, and the name for whichever the configuration names."""

    @authenticated
    async def get(self, name: str = "") -> None:
        """Answer with the list, or with one of it."""
        await self.run(self._list(name))

    async def _list(self, name: str) -> None:
        try:
            room = await self.proxy.room(self.client.namespace)
            target = await room.target()
            async with self.proxy.upstream.ask(target, "/models") as answer:
                status, told, body = answer.status, told_headers(answer.headers), await whole(target, answer)
        except MetaclawError as error:
            self.refuse(status_of(error), str(error))
            return
        found = chunk_in(body.decode(errors="replace")) or {}
        listed = found.get("data")
        if status != 200 or not isinstance(listed, list):
            self.whole(status, told, body)
            return
        listed.append({"id": SERVED, "object": "model", "created": 0, "owned_by": "metaclaw-jlab"})
        if not name:
            self.whole(200, {"Content-Type": "application/json"}, json.dumps(found).encode())
            return
        one = next((one for one in listed if isinstance(one, dict) and one.get("id") == name), None)
        if one is None:
            self.refuse(404, f"The model {name[:200]!r} is not listed. See {ROOT}/models.")
            return
        self.whole(200, {"Content-Type": "application/json"}, json.dumps(one).encode())


class TokensHandler(CompletionHandler):
    """Anthropic's count of tokens, which is an estimate here."""

    def work(self, raw: bytes) -> Coroutine[Any, Any, None]:
        """What answers a request with this body."""
        return self._count(raw)

    async def _count(self, raw: bytes) -> None:
        try:
            counted = count_tokens(read_body(raw))
        except MetaclawError as error:
            self.refuse(status_of(error), str(error))
            return
        self.whole(200, {"Content-Type": "application/json"}, json.dumps(counted).encode())


def get_handlers(
    host: ProxyHost, proxy: Proxy | None = None
) -> list[tuple[str, type[ProxyHandler], dict[str, Any]]]:
    """The routes, relative to the server's base URL. They work on `proxy_of(host)`, which `close_proxy` ends."""
    proxy = proxy or proxy_of(host)
    chat, anthropic, kept = ChatDialect(), AnthropicDialect(), Conversations()
    speaking: dict[str, Speaking] = {
        "chat/completions": lambda _: chat,
        "messages": lambda _: anthropic,
        "responses": lambda client: ResponsesDialect(kept, client),
    }
    return [
        *(
            (f"{ROOT}/{path}", CompletionHandler, {"proxy": proxy, "speak": speak})
            for path, speak in speaking.items()
        ),
        (f"{ROOT}/messages/count_tokens", TokensHandler, {"proxy": proxy, "speak": speaking["messages"]}),
        (
            f"{ROOT}/models(?:/(?P<name>.+))?",
            ModelsHandler,
            {"proxy": proxy, "speak": speaking["chat/completions"]},
        ),
    ]


def proxy_of(host: ProxyHost) -> Proxy:
    """The proxy of a host, made when it is first asked for."""
    found = _proxies.get(host)
    if found is None:
        found = _proxies[host] = Proxy(host, open_recording())
    return found


async def close_proxy(host: ProxyHost) -> None:
    """End the proxy of a host, where it has one: called when the server ends, before the host closes its home."""
    proxy = _proxies.pop(host, None)
    if proxy is not None:
        await proxy.close()
