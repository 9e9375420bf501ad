"""What every HTTP server of this machine does alike: the token, the host check, errors, clients that leave."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, ExceptionHandler, Receive, Scope, Send

from metaclaw_jlab.core.errors import RequestInvalid
from metaclaw_jlab.engines.activity import Activity
from metaclaw_jlab.engines.answers import error_body

LARGEST_BODY = 16 * 1024 * 1024
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
JSON_HEADERS = [(b"content-type", b"application/json")]


class Door:
    """Lets in only what comes to a loopback name with the token; counts what is under way. /health is open."""

    def __init__(self, app: ASGIApp, token: str, activity: Activity) -> None:
        self._app = app
        self._token = token
        self._activity = activity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        # A page that has its own name resolve to 127.0.0.1 still sends that name.
        if _host_name(headers.get(b"host", "")) not in LOOPBACK_NAMES:
            sentence = "This server answers on this machine only. Use http://127.0.0.1 as its address."
            await send_json(send, 403, error_body(sentence, "permission_error", code="host_not_allowed"))
        elif scope["path"] == "/health":
            await self._app(scope, receive, send)
        elif not authorized(headers.get(b"authorization", ""), self._token):
            sentence = "The token is missing or wrong. Send it as `Authorization: Bearer <token>`."
            await send_json(send, 401, error_body(sentence, "authentication_error", code="invalid_api_key"))
        else:
            with self._activity.request():
                await self._app(scope, receive, send)


def authorized(header: str, token: str) -> bool:
    """Whether an Authorization header carries the token."""
    scheme, _, given = header.partition(" ")
    return scheme.lower() == "bearer" and secrets.compare_digest(given.strip().encode(), token.encode())


async def raw_body(request: Request) -> bytes:
    """The body. Raises RequestInvalid where it is too large."""
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > LARGEST_BODY:
            raise RequestInvalid(
                f"The body is larger than {LARGEST_BODY // 2**20} MiB.", "Send less.", status=413
            )
    return bytes(raw)


async def send_json(
    send: Send, status: int, body: bytes, headers: Mapping[bytes, bytes] | None = None
) -> None:
    """A whole JSON answer."""
    all_headers = [*JSON_HEADERS, (b"content-length", str(len(body)).encode()), *(headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": body})


async def while_connected(receive: Receive, answer: Coroutine[Any, Any, None]) -> None:
    """Run to the end, or cancel as soon as the client is gone."""
    gone, answering = asyncio.create_task(_left(receive)), asyncio.create_task(answer)
    try:
        await asyncio.wait({gone, answering}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        if not answering.done():
            answering.cancel()
        await asyncio.gather(gone, answering, return_exceptions=True)
    if not answering.cancelled() and (error := answering.exception()) is not None:
        raise error


def error_handlers(server: str) -> Mapping[Any, ExceptionHandler]:
    """What a Starlette application answers to exceptions. `server` is what it is called."""

    async def failed(_: Request, error: Exception) -> Response:
        sentence = f"The {server} failed: {type(error).__name__}. Its log says more."
        return Response(error_body(sentence, "server_error"), 500, media_type="application/json")

    return {RequestInvalid: _invalid, HTTPException: _http_error, Exception: failed}


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestInvalid)
    body = error_body(str(error), "invalid_request_error", error.param, error.code)
    return Response(body, error.status, media_type="application/json")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = f"{request.method} {request.url.path}: {error.detail}. The routes begin with /v1/."
    body = error_body(sentence, "invalid_request_error")
    return Response(body, error.status_code, media_type="application/json", headers=error.headers)


def _host_name(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name.lower() if colon and port.isdigit() else host.lower()
