"""The HTTP face of the policy server: routes, the token, the host check, errors in OpenAI's shape."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from metaclaw_jlab.core.errors import RequestInvalid
from metaclaw_jlab.engines import chat
from metaclaw_jlab.engines.activity import Activity
from metaclaw_jlab.engines.adapter_bank import LoadedAdapter
from metaclaw_jlab.engines.adapters import ServedAdapters
from metaclaw_jlab.engines.answers import ChatShape, CompletionShape, Envelope, Shape
from metaclaw_jlab.engines.bodies import MOST_ROWS, Body, ChatBody, CompletionBody, parse
from metaclaw_jlab.engines.decoding import Decoder
from metaclaw_jlab.engines.exchange import Exchange
from metaclaw_jlab.engines.local_models import LocalModel
from metaclaw_jlab.engines.loopback_http import Door, authorized, error_handlers, raw_body
from metaclaw_jlab.engines.rows import Parameters, Piece, Request
from metaclaw_jlab.engines.served_versions import Chosen
from metaclaw_jlab.engines.version_routes import VersionRoutes

DEFAULT_COMPLETION = 16  # tokens, OpenAI's default for /v1/completions


@dataclass(frozen=True, slots=True)
class Service:
    """What the routes work on."""

    served: LocalModel
    decoder: Decoder
    activity: Activity
    token: str = field(repr=False)
    started: int
    adapters: ServedAdapters


def application(service: Service) -> ASGIApp:
    """The ASGI application."""
    app = Starlette(
        routes=[
            Route("/health", partial(_health, service), methods=["GET"]),
            *VersionRoutes(service.adapters, service.started, service.served.context).routes(),
            Route("/v1/chat/completions", partial(_chat, service), methods=["POST"]),
            Route("/v1/completions", partial(_complete, service), methods=["POST"]),
        ],
        exception_handlers=error_handlers("policy server"),
    )
    return Door(app, service.token, service.activity)


async def _health(service: Service, request: HttpRequest) -> Response:
    body: dict[str, object] = {"status": "ok"}
    if authorized(request.headers.get("authorization", ""), service.token):
        decoder = service.decoder
        body |= {"model": service.served.name, "running": decoder.running, "waiting": decoder.waiting}
    return JSONResponse(body)


async def _chosen(service: Service, model: str) -> Chosen[LoadedAdapter]:
    """What answers a request from its first token to its last, whatever serves next."""
    found = service.adapters.chosen(model)
    return found if found is not None else await asyncio.to_thread(service.adapters.fetched, model)


async def _chat(service: Service, request: HttpRequest) -> ASGIApp:
    body = parse(ChatBody, await raw_body(request))
    chosen = await _chosen(service, body.model)
    messages = [message.plain() for message in body.messages]
    # Long conversations take a while to tokenise; others are answered meanwhile.
    prompt = await asyncio.to_thread(chat.conversation, service.served, messages, body.chat_template_kwargs)
    asked = body.max_completion_tokens or body.max_tokens
    logprobs = (body.top_logprobs or 0) if body.logprobs else None
    shape = ChatShape(service.served)
    return _exchange(service, body, chosen, (prompt,), asked, logprobs, shape)


async def _complete(service: Service, request: HttpRequest) -> ASGIApp:
    body = parse(CompletionBody, await raw_body(request))
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
    chosen: Chosen[LoadedAdapter],
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
