"""The HTTP face of a GGUF model: the routes of the policy server, answered by the instances behind it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from metaclaw_jlab.core.errors import ModelUnusable, UpstreamError
from metaclaw_jlab.engines.activity import Activity
from metaclaw_jlab.engines.answers import error_body, event
from metaclaw_jlab.engines.llama_cpp.bodies import Asked, forwarded, read
from metaclaw_jlab.engines.llama_cpp.running_instance import RunningInstance
from metaclaw_jlab.engines.llama_cpp.served_instances import ServedInstances
from metaclaw_jlab.engines.llama_cpp.upstream import Reply, post
from metaclaw_jlab.engines.loopback_http import (
    Door,
    authorized,
    error_handlers,
    raw_body,
    send_json,
    while_connected,
)
from metaclaw_jlab.engines.version_routes import VersionRoutes

EVENTS = b"text/event-stream"
TOO_LONG = "exceed_context_size_error"  # llama.cpp's name for it
AGAIN = {b"retry-after": b"1"}


@dataclass(frozen=True, slots=True)
class Service:
    """What the routes work on; `slot_tokens` is the context of each request."""

    versions: ServedInstances
    activity: Activity
    token: str = field(repr=False)
    started: int
    slot_tokens: int


def application(service: Service) -> ASGIApp:
    """The ASGI application."""
    app = Starlette(
        routes=[
            Route("/health", partial(_health, service), methods=["GET"]),
            *VersionRoutes(service.versions, service.started, service.slot_tokens).routes(),
            Route("/v1/chat/completions", partial(_complete, service, True), methods=["POST"]),
            Route("/v1/completions", partial(_complete, service, False), methods=["POST"]),
        ],
        exception_handlers=error_handlers("policy server"),
    )
    return Door(app, service.token, service.activity)


async def _health(service: Service, request: Request) -> Response:
    body: dict[str, object] = {"status": "ok"}
    if authorized(request.headers.get("authorization", ""), service.token):
        running = service.activity.under_way
        body |= {"model": service.versions.base, "form": "gguf", "running": running, "waiting": 0}
    return JSONResponse(body)


async def _complete(service: Service, chat: bool, request: Request) -> ASGIApp:
    return _Answer(service, read(await raw_body(request), chat=chat))


class _Answer:
    """An ASGI response that an instance gives. A client that leaves ends the generation."""

    def __init__(self, service: Service, asked: Asked) -> None:
        self._service = service
        self._asked = asked
        self._begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        await while_connected(receive, self._answer(send))

    async def _answer(self, send: Send) -> None:
        versions, model = self._service.versions, self._asked.model
        try:
            found = versions.running(model)
            if found is None:
                found = await asyncio.to_thread(versions.started, model)
        except ModelUnusable as error:
            await send_json(send, 503, error_body(str(error), "server_error"))
            return
        instance, name = found
        try:
            await self._ask(send, instance, name)
        except (UpstreamError, ModelUnusable) as error:
            await self._broken(send, error)
        finally:
            instance.leave()

    async def _ask(self, send: Send, instance: RunningInstance, name: str) -> None:
        address = await asyncio.wrap_future(instance.where)
        body = forwarded(self._asked, name, self._service.slot_tokens, folds=address.folds)
        path = "/v1/chat/completions" if self._asked.chat else "/v1/completions"
        async with post(address, path, body) as reply:
            if reply.status != 200:
                await send_json(send, reply.status, await self._complaint(reply))
                return
            await self._pass_on(send, reply)

    async def _pass_on(self, send: Send, reply: Reply) -> None:
        headers = [(b"content-type", reply.content_type)]
        if reply.content_type.startswith(EVENTS):
            headers.append((b"cache-control", b"no-cache"))
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            self._begun = True
            async for piece in reply.pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            return
        whole = await reply.whole()
        headers.append((b"content-length", str(len(whole)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": whole})

    async def _complaint(self, reply: Reply) -> bytes:
        """An error of llama.cpp in OpenAI's shape."""
        raw = await reply.whole()
        try:
            error: dict[str, Any] = json.loads(raw)["error"]
            message, kind = str(error["message"]), error.get("type")
        except (ValueError, KeyError, TypeError, AttributeError):
            message, error, kind = raw.decode(errors="replace"), {}, None
        if kind == TOO_LONG:
            sentence = (
                f"The prompt has {error.get('n_prompt_tokens')} tokens, and the context of "
                f"{self._service.versions.base} holds {self._service.slot_tokens} with the answer. "
                "Shorten the messages."
            )
            return error_body(sentence, "invalid_request_error", "messages", "context_length_exceeded")
        return error_body(message, "invalid_request_error" if reply.status < 500 else "server_error")

    async def _broken(self, send: Send, error: Exception) -> None:
        body = error_body(str(error), "server_error", code="instance_lost")
        if self._begun:
            await send({"type": "http.response.body", "body": event(body)})
        else:
            await send_json(send, 503, body, AGAIN)
