"""The HTTP face of the policy server: routes, the token, the host check, errors in OpenAI's shape."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from metaclaw_jlab.core.errors import RequestInvalid
from metaclaw_jlab.engines import chat
from metaclaw_jlab.engines.activity import Activity
from metaclaw_jlab.engines.adapters import Chosen, ServedAdapters
from metaclaw_jlab.engines.answers import ChatShape, CompletionShape, Envelope, Shape, error_body
from metaclaw_jlab.engines.bodies import MOST_ROWS, Body, ChatBody, CompletionBody, parse
from metaclaw_jlab.engines.decoding import Decoder
from metaclaw_jlab.engines.exchange import Exchange, send_json
from metaclaw_jlab.engines.local_models import LocalModel
from metaclaw_jlab.engines.rows import Parameters, Piece, Request

LARGEST_BODY = 16 * 1024 * 1024
DEFAULT_COMPLETION = 16  # tokens, OpenAI's default for /v1/completions
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(frozen=True, slots=True)
class Service:
    """What the routes work on."""

    served: LocalModel
    decoder: Decoder
    activity: Activity
    token: str
    started: int
    adapters: ServedAdapters


def application(service: Service) -> ASGIApp:
    """The ASGI application."""
    app = Starlette(
        routes=[
            Route("/health", partial(_health, service), methods=["GET"]),
            Route("/v1/models", partial(_models, service), methods=["GET"]),
            Route("/v1/models/{name:path}", partial(_model, service), methods=["GET"]),
            Route("/v1/adapters", partial(_adapters, service), methods=["GET"]),
            Route("/v1/adapters/refresh", partial(_refresh, service), methods=["POST"]),
            Route("/v1/chat/completions", partial(_chat, service), methods=["POST"]),
            Route("/v1/completions", partial(_complete, service), methods=["POST"]),
        ],
        exception_handlers={RequestInvalid: _invalid, HTTPException: _http_error, Exception: _failed},
    )
    return _Door(app, service)


class _Door:
    """Lets in only what comes to a loopback name with the token; counts what is under way."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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
        elif not _authorized(headers.get(b"authorization", ""), self._service.token):
            sentence = "The token is missing or wrong. Send it as `Authorization: Bearer <token>`."
            await send_json(send, 401, error_body(sentence, "authentication_error", code="invalid_api_key"))
        else:
            with self._service.activity.request():
                await self._app(scope, receive, send)


def _host_name(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name.lower() if colon and port.isdigit() else host.lower()


def _authorized(header: str, token: str) -> bool:
    scheme, _, given = header.partition(" ")
    return scheme.lower() == "bearer" and secrets.compare_digest(given.strip().encode(), token.encode())


async def _health(service: Service, request: HttpRequest) -> Response:
    body: dict[str, object] = {"status": "ok"}
    if _authorized(request.headers.get("authorization", ""), service.token):
        decoder = service.decoder
        body |= {"model": service.served.name, "running": decoder.running, "waiting": decoder.waiting}
    return JSONResponse(body)


def _card(service: Service, name: str) -> dict[str, object]:
    base = service.served.name
    card: dict[str, object] = {
        "id": name,
        "object": "model",
        "created": service.started,
        "owned_by": "local",
        "max_model_len": service.served.context,
    }
    return card if name == base else card | {"root": base, "parent": base}


async def _models(service: Service, _: HttpRequest) -> Response:
    base = service.served.name
    names = [base, *(f"{base}@v{version}" for version in service.adapters.versions)]
    return JSONResponse({"object": "list", "data": [_card(service, name) for name in names]})


async def _model(service: Service, request: HttpRequest) -> Response:
    name: str = request.path_params["name"]
    service.adapters.check(name)
    return JSONResponse(_card(service, name))


async def _adapters(service: Service, _: HttpRequest) -> Response:
    return JSONResponse(service.adapters.report())


async def _refresh(service: Service, _: HttpRequest) -> Response:
    await asyncio.to_thread(service.adapters.refresh, again=True)
    return JSONResponse(service.adapters.report())


async def _chosen(service: Service, model: str) -> Chosen:
    """What answers a request from its first token to its last, whatever serves next."""
    found = service.adapters.chosen(model)
    return found if found is not None else await asyncio.to_thread(service.adapters.fetched, model)


async def _chat(service: Service, request: HttpRequest) -> ASGIApp:
    body = parse(ChatBody, await _raw(request))
    chosen = await _chosen(service, body.model)
    messages = [message.plain() for message in body.messages]
    # Long conversations take a while to tokenise; others are answered meanwhile.
    prompt = await asyncio.to_thread(chat.conversation, service.served, messages, body.chat_template_kwargs)
    asked = body.max_completion_tokens or body.max_tokens
    logprobs = (body.top_logprobs or 0) if body.logprobs else None
    shape = ChatShape(service.served)
    return _exchange(service, body, chosen, (prompt,), asked, logprobs, shape)


async def _complete(service: Service, request: HttpRequest) -> ASGIApp:
    body = parse(CompletionBody, await _raw(request))
    chosen = await _chosen(service, body.model)
    prompts = await asyncio.to_thread(
        lambda: tuple(_prompt(service.served, prompt) for prompt in body.prompts())
    )
    asked = body.max_tokens or DEFAULT_COMPLETION
    return _exchange(service, body, chosen, prompts, asked, body.logprobs, CompletionShape(service.served))


def _prompt(served: LocalModel, prompt: str | list[int]) -> tuple[int, ...]:
    if isinstance(prompt, str):
        return chat.plain(served, prompt)
    if not all(0 <= token < served.vocabulary for token in prompt):
        raise RequestInvalid(
            f"The prompt has tokens outside 0 to {served.vocabulary - 1}.",
            "Use the tokens of the served model, or send text.",
            param="prompt",
        )
    return tuple(prompt)


def _exchange(
    service: Service,
    body: Body,
    chosen: Chosen,
    prompts: tuple[tuple[int, ...], ...],
    asked: int | None,
    logprobs: int | None,
    shape: Shape,
) -> Exchange:
    n, stream = body.n or 1, bool(body.stream)
    if len(prompts) * n > MOST_ROWS:
        raise RequestInvalid(
            f"{len(prompts)} prompts times n={n} are more than {MOST_ROWS} completions.",
            "Send several requests.",
            param="n",
        )
    chatting = isinstance(shape, ChatShape)
    parameters = Parameters(
        max_tokens=chat.fit(service.served, prompts, asked),
        temperature=1.0 if body.temperature is None else body.temperature,
        top_p=1.0 if body.top_p is None else body.top_p,
        top_k=max(0, body.top_k or 0),
        stop=body.stops(),
        logprobs=logprobs,
        ignore_eos=body.ignore_eos,
    )
    envelope = Envelope(
        id=("chatcmpl-" if chatting else "cmpl-") + secrets.token_hex(12),
        kind="chat.completion" if chatting else "text_completion",
        created=int(time.time()),
        model=chosen.name,
        prompt_tokens=sum(map(len, prompts)),
        shape=shape,
    )

    def make(deliver: Callable[[Piece], None]) -> Request:
        return Request(
            prompts,
            parameters,
            deliver,
            n=n,
            seed=body.seed,
            stream=stream,
            continues=not chatting,
            adapter=chosen.adapter,
        )

    with_usage = bool(body.stream_options and body.stream_options.include_usage)
    return Exchange(
        service.decoder, envelope, make, rows=len(prompts) * n, stream=stream, with_usage=with_usage
    )


async def _raw(request: HttpRequest) -> bytes:
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > LARGEST_BODY:
            raise RequestInvalid(
                f"The body is larger than {LARGEST_BODY // 2**20} MiB.", "Send less.", status=413
            )
    return bytes(raw)


async def _invalid(_: HttpRequest, error: Exception) -> Response:
    assert isinstance(error, RequestInvalid)
    body = error_body(str(error), "invalid_request_error", error.param, error.code)
    return Response(body, error.status, media_type="application/json")


async def _http_error(request: HttpRequest, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = f"{request.method} {request.url.path}: {error.detail}. The routes begin with /v1/."
    body = error_body(sentence, "invalid_request_error")
    return Response(body, error.status_code, media_type="application/json", headers=error.headers)


async def _failed(_: HttpRequest, error: Exception) -> Response:
    sentence = f"The policy server failed: {type(error).__name__}. Its log says more."
    return Response(error_body(sentence, "server_error"), 500, media_type="application/json")
