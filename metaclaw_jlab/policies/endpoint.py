"""A policy behind an OpenAI-compatible endpoint: any server that has chat completions."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.errors import PolicyError, PolicyRefused
from metaclaw_jlab.core.policy import Completion, Message, Sampling
from metaclaw_jlab.policies.answer import Arrival, read
from metaclaw_jlab.policies.client import open_client, transport_errors
from metaclaw_jlab.policies.failure import (
    Failure,
    Target,
    error_in_answer,
    explain,
    unsupported_parameter,
    web_page,
)
from metaclaw_jlab.settings.address import normalise
from metaclaw_jlab.settings.secrets import Secret

if TYPE_CHECKING:
    from openai import OpenAI, Stream
    from openai.types.chat import ChatCompletionChunk

FIRST_WAIT = 0.5
LAST_WAIT = 8.0
# Parameters that some servers do not know, and what they want instead.
OPTIONAL = {
    "max_tokens": "max_completion_tokens",
    "stream_options": "",
    "temperature": "",
    "seed": "",
}
_CHARS_PER_TOKEN = 64
_SHORTEST_LIMIT = 65_536
_MALFORMED = (ValueError, TypeError, AttributeError, LookupError)


class EndpointPolicy:
    """Asks one endpoint. It may be used from several threads; `sleep` and `jitter` are for tests.

    `timeout`: seconds without a byte. `retries`: after 429, 5xx or a connection lost before the first text.
    """

    def __init__(
        self,
        base_url: str,
        model: str | None = None,
        key: Secret | str | None = None,
        *,
        timeout: float = 120.0,
        retries: int = 3,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.base_url = normalise(base_url)
        self._model = model
        self._key = _secret(key)
        self._timeout = timeout
        self._retries = retries
        self._sleep = sleep
        self._jitter = jitter
        self._left_out: set[str] = set()
        self._client: OpenAI | None = None
        self._lock = threading.Lock()

    @property
    def model(self) -> str:
        """The model's name; the first that the endpoint lists where none was given. Raises PolicyError."""
        if self._model is None:
            listed = _list(self._opened(), self._target(""))
            if not listed:
                raise PolicyRefused(
                    f"{self.base_url} lists no models.", "Load one there, or name one with --model."
                )
            self._model = listed[0]
        return self._model

    @property
    def left_out(self) -> tuple[str, ...]:
        """Parameters that this endpoint turned out not to know, so that they are replaced or not sent."""
        return tuple(sorted(self._left_out))

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        """One completion, streamed. What `on_text` raises, or Ctrl-C, closes the connection. Raises PolicyError."""
        started = time.perf_counter()
        model = self.model
        target = self._target(model)
        attempt = 0
        while True:
            arrival = Arrival(max(_SHORTEST_LIMIT, sampling.max_tokens * _CHARS_PER_TOKEN))
            failure = self._receive(messages, sampling, target, arrival, on_text)
            if failure is None:
                break
            if not failure.retry or arrival.characters or attempt >= self._retries:
                raise failure.error
            self._sleep(self._wait(attempt, failure))
            attempt += 1
        return Completion(
            "".join(arrival.parts),
            arrival.finish_reason or "stop",
            arrival.model or model,
            arrival.usage,
            time.perf_counter() - started,
        )

    def close(self) -> None:
        """Close idle connections. The policy can be used again."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _receive(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        target: Target,
        arrival: Arrival,
        on_text: Callable[[str], None] | None,
    ) -> Failure | None:
        """One attempt. Only the client's errors are explained: those of `on_text` go to the caller as they are."""
        client = self._opened()
        expected: tuple[type[Exception], ...] = (*transport_errors(), *_MALFORMED, PolicyError)
        with closing(self._pieces(client, messages, sampling, target, arrival)) as pieces:
            while True:
                try:
                    piece = next(pieces)
                except StopIteration:
                    return None
                except expected as error:
                    return explain(error, target, arrival.characters)
                if on_text is not None:
                    on_text(piece)

    def _pieces(
        self,
        client: OpenAI,
        messages: tuple[Message, ...],
        sampling: Sampling,
        target: Target,
        arrival: Arrival,
    ) -> Generator[str, None, None]:
        with self._open_stream(client, messages, sampling, target) as stream:
            yield from read(stream, target, arrival)

    def _open_stream(
        self, client: OpenAI, messages: tuple[Message, ...], sampling: Sampling, target: Target
    ) -> Stream[ChatCompletionChunk]:
        """Ask, and ask again without a parameter that the endpoint does not know."""
        from openai import APIStatusError

        while True:
            request = self._request(messages, sampling, target.model)
            try:
                stream: Stream[ChatCompletionChunk] = client.chat.completions.create(**request)
                return stream
            except APIStatusError as error:
                remaining = {name: OPTIONAL[name] for name in OPTIONAL if name in request}
                name = unsupported_parameter(error, remaining)
                if name is None:
                    raise
                self._left_out.add(name)

    def _request(self, messages: tuple[Message, ...], sampling: Sampling, model: str) -> dict[str, Any]:
        optional: dict[str, Any] = {
            "temperature": sampling.temperature,
            "max_tokens": sampling.max_tokens,
            "stream_options": {"include_usage": True},
            "seed": sampling.seed,
        }
        request: dict[str, Any] = {
            "model": model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "stream": True,
        }
        for name, value in optional.items():
            sent = OPTIONAL[name] if name in self._left_out else name
            if sent and value is not None:
                request[sent] = value
        if sampling.stop:
            request["stop"] = list(sampling.stop)
        if sampling.extra:
            request["extra_body"] = dict(sampling.extra)
        return request

    def _wait(self, attempt: int, failure: Failure) -> float:
        """Seconds before the next attempt: twice as long each time, spread out so that many clients don't come at
        once; at least what the endpoint asked for."""
        backoff = min(LAST_WAIT, FIRST_WAIT * 2.0**attempt) * (0.5 + self._jitter() / 2)
        return backoff if failure.wait is None else failure.wait + backoff * 0.1

    def _opened(self) -> OpenAI:
        with self._lock:
            if self._client is None:
                self._client = open_client(self.base_url, self._key, self._timeout)
            return self._client

    def _target(self, model: str) -> Target:
        return Target(self.base_url, model, self._key, self._timeout)


def list_models(base_url: str, key: Secret | str | None = None, timeout: float = 10.0) -> tuple[str, ...]:
    """Names of the models that an endpoint lists, in its order. Raises PolicyError."""
    url = normalise(base_url)
    secret = _secret(key)
    with open_client(url, secret, timeout) as client:
        return _list(client, Target(url, "", secret, timeout))


def _list(client: OpenAI, target: Target) -> tuple[str, ...]:
    expected: tuple[type[Exception], ...] = (*transport_errors(), *_MALFORMED, PolicyError)
    try:
        response = client.models.with_raw_response.list().http_response
        if "html" in response.headers.get("content-type", ""):
            raise web_page(target)
        body = json.loads(response.content)
        if isinstance(body, dict) and "error" in body:
            raise error_in_answer(body["error"], target)
        return tuple(str(entry["id"]) for entry in body["data"] or ())
    except expected as error:
        failure = explain(error, target)
    raise failure.error


def _secret(key: Secret | str | None) -> Secret | None:
    return (Secret(key) if key else None) if isinstance(key, str) else key
