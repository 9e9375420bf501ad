"""The policy behind the proxy: where it is, and one HTTP session to it with its open connections."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from metaclaw_jlab.core.errors import PolicyTimeout, UpstreamError
from metaclaw_jlab.settings.address import is_loopback
from metaclaw_jlab.settings.secrets import Secret

if TYPE_CHECKING:
    import aiohttp

CONNECT_SECONDS = 10.0
KEEP_SECONDS = 4.0  # many servers close a connection that was idle for 5
LARGEST_ANSWER = 64 << 20
# What of an upstream's answer is told to the client besides its status and body.
TOLD = frozenset(
    {"content-type", "retry-after", "retry-after-ms", "x-should-retry", "x-request-id", "request-id"}
)
TOLD_PREFIXES = ("x-ratelimit-", "ratelimit", "anthropic-ratelimit-", "openai-")


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go. `model`: what is asked for where the client leaves it open. `local`: our own policy server."""

    base_url: str
    key: Secret | None
    model: str | None
    local: bool
    timeout: float


class Upstream:
    """The session. It is made at the first request, in the event loop that then runs."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def ask(
        self, target: Target, path: str, data: bytes | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request (POST where there is data) and give its answer, whose body is still to come (see `parts`);
        leaving early ends it. Raises UpstreamError, PolicyTimeout."""
        import aiohttp

        limit = aiohttp.ClientTimeout(
            total=None, sock_connect=min(CONNECT_SECONDS, target.timeout), sock_read=target.timeout
        )
        url = f"{target.base_url}{path}"
        async with translated(target):
            answer = await self._opened().request(
                "GET" if data is None else "POST",
                url,
                data=data,
                headers=_headers(target, data),
                timeout=limit,
                allow_redirects=False,
                proxy=_proxy(url),
            )
        try:
            yield answer
        finally:
            if answer.content.at_eof():
                answer.release()
            else:
                answer.close()

    def _opened(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,  # it would take passwords from ~/.netrc too
                skip_auto_headers=("User-Agent",),
            )
        return self._session

    async def close(self) -> None:
        """End the session and what is under way in it."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
            await asyncio.sleep(0)


@asynccontextmanager
async def translated(target: Target, *, began: bool = False) -> AsyncIterator[None]:
    """What the HTTP library raises, as errors with a next step. Raises UpstreamError, PolicyTimeout."""
    import aiohttp

    try:
        yield
    except TimeoutError as error:
        raise PolicyTimeout(
            f"{target.base_url} sent nothing for {target.timeout:g} s.",
            "Raise policy.timeout, or look at that server.",
        ) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise UpstreamError(*_told(target, error, began=began)) from error


async def parts(target: Target, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The body of an answer as it comes. Raises UpstreamError, PolicyTimeout."""
    async with translated(target, began=True):
        async for part in answer.content.iter_any():
            yield part


async def whole(target: Target, answer: aiohttp.ClientResponse) -> bytes:
    """All of an answer's body. Raises UpstreamError, also where it is too large, PolicyTimeout."""
    body = bytearray()
    async for part in parts(target, answer):
        body += part
        if len(body) > LARGEST_ANSWER:
            raise UpstreamError(
                f"The policy's answer is larger than {LARGEST_ANSWER >> 20} MiB.", "Ask for less."
            )
    return bytes(body)


def told_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Of an upstream's headers those that the client is told: the type, request ids, rate limits."""
    return {
        name: value
        for name, value in headers.items()
        if name.lower() in TOLD or name.lower().startswith(TOLD_PREFIXES)
    }


def _headers(target: Target, data: bytes | None) -> dict[str, str]:
    # Nothing of the client's own headers goes on: neither its key nor its cookies.
    headers = {"Accept-Encoding": "identity", "User-Agent": "metaclaw-jlab"}
    if data is not None:
        headers["Content-Type"] = "application/json"
    if target.key is not None:
        headers["Authorization"] = f"Bearer {target.key.reveal()}"
    return headers


def _proxy(url: str) -> str | None:
    """The proxy of the environment; it has no business on loopback."""
    if is_loopback(url):
        return None
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    if not proxies or urllib.request.proxy_bypass(parts.netloc):
        return None
    return proxies.get(parts.scheme) or proxies.get("all")


def _told(target: Target, error: Exception, *, began: bool) -> tuple[str, str]:
    what = "broke off in the middle of its answer" if began else "cannot be reached"
    name: Any = getattr(error, "os_error", None)
    why = getattr(name, "strerror", None) or type(error).__name__
    step = "See metaclaw doctor." if target.local else "Look at that server, and at policy.base_url."
    return f"{target.base_url} {what} ({why}).", step
