"""Several completions of one prompt in one request, where the endpoint can; it is remembered what it cannot."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.errors import PolicyError, PolicyMalformed
from metaclaw_jlab.core.policy import Message, Sampling
from metaclaw_jlab.policies.client import transport_errors
from metaclaw_jlab.policies.endpoint import OPTIONAL, EndpointPolicy
from metaclaw_jlab.policies.failure import (
    Target,
    error_in_answer,
    explain,
    unsupported_parameter,
    web_page,
)
from metaclaw_jlab.settings.secrets import Secret

if TYPE_CHECKING:
    from openai import APIResponse
    from openai.types.chat import ChatCompletion

MAX_TOKENS = 1024
LARGEST_ANSWER = 4_000_000
N, FORMAT = "n", "response_format"
_MALFORMED = (ValueError, TypeError, AttributeError, LookupError)
# Endpoints refuse what they cannot do in words of their own, and some of them as a fault of theirs.
_REFUSALS = {400, 422, 500, 501}
_ONE_ONLY = re.compile(r"(?<!\\)\bn\b|\bchoices?\b", re.I)
_STRUCTURE = re.compile(
    r"response_?format|json[ _]?(?:schema|mode|object)|structured|guided|grammar|schema", re.I
)


class VotingEndpoint(EndpointPolicy):
    """An endpoint that is asked for several replies at once. It may be used from several threads.

    `timeout`: seconds without a byte, and seconds that the answer may take once it has begun.
    """

    def __init__(
        self,
        base_url: str,
        model: str | None = None,
        key: Secret | str | None = None,
        *,
        temperature: float = 0.6,
        max_tokens: int = MAX_TOKENS,
        timeout: float = 60.0,
        retries: int = 2,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(base_url, model, key, timeout=timeout, retries=retries, sleep=sleep, jitter=jitter)
        self._sampling = Sampling(temperature, max_tokens)
        self._clock = clock

    def ask(
        self, messages: tuple[Message, ...], n: int, response_format: Mapping[str, object] | None = None
    ) -> tuple[tuple[str, str], ...]:
        """Replies with their finish reasons, from one answered request: at least one, at most `n`. Raises PolicyError.

        Fewer than `n` come from an endpoint that gives one reply a request, which it is then asked for at once.
        """
        model = self.model
        target = self._target(model)
        expected: tuple[type[Exception], ...] = (*transport_errors(), *_MALFORMED, PolicyError)
        attempt = 0
        while True:
            try:
                return self._once(messages, n, response_format, target)
            except expected as error:
                failure = explain(error, target)
            if not failure.retry or attempt >= self._retries:
                raise failure.error
            self._sleep(self._wait(attempt, failure))
            attempt += 1

    def _once(
        self,
        messages: tuple[Message, ...],
        n: int,
        response_format: Mapping[str, object] | None,
        target: Target,
    ) -> tuple[tuple[str, str], ...]:
        """One answered request; it is sent again without what the endpoint says that it cannot do."""
        from openai import APIStatusError

        while True:
            request = self._ballot(messages, n, response_format, target.model)
            try:
                with self._opened().chat.completions.with_streaming_response.create(**request) as response:
                    replies = _replies(self._body(response, target), target)[: request.get(N, 1)]
            except APIStatusError as error:
                name = _refused(error, request)
                if name is None:
                    raise
                self._left_out.add(name)
                continue
            if len(replies) == 1 and N in request:
                self._left_out.add(N)
            return replies

    def _ballot(
        self,
        messages: tuple[Message, ...],
        n: int,
        response_format: Mapping[str, object] | None,
        model: str,
    ) -> dict[str, Any]:
        request = self._request(messages, self._sampling, model)
        del request["stream"]
        request.pop("stream_options", None)
        if n > 1 and N not in self._left_out:
            request[N] = n
        if response_format is not None and FORMAT not in self._left_out:
            request[FORMAT] = dict(response_format)
        return request

    def _body(self, response: APIResponse[ChatCompletion], target: Target) -> Any:
        """The answer's JSON, given up where it grows too large or trickles for longer than the time-out."""
        if "html" in response.headers.get("content-type", ""):
            raise web_page(target)
        data, deadline = bytearray(), self._clock() + self._timeout
        for piece in response.iter_bytes():
            data += piece
            if len(data) > LARGEST_ANSWER or self._clock() > deadline:
                raise PolicyMalformed(
                    f"{target.base_url} did not finish its answer: {len(data):,} bytes came.",
                    "Look at the server's log, or name another endpoint.",
                )
        return json.loads(bytes(data))


def _replies(body: Any, target: Target) -> tuple[tuple[str, str], ...]:
    if not isinstance(body, dict):
        raise TypeError("The answer is no object.")
    if body.get("error"):
        raise error_in_answer(body["error"], target)
    replies = tuple(_reply(choice) for choice in body.get("choices") or ())
    if not replies:
        raise PolicyMalformed(
            f"{target.base_url} answered without choices.",
            "Check that it is an OpenAI-compatible server and that the model does chat completions.",
        )
    return replies


def _reply(choice: Any) -> tuple[str, str]:
    text = (choice.get("message") or {}).get("content") or ""
    if not isinstance(text, str):
        raise TypeError("The text of a choice is no string.")
    return text, str(choice.get("finish_reason") or "stop")


def _refused(error: Exception, request: Mapping[str, object]) -> str | None:
    """Which part of the request the endpoint refuses, None where it complains of something else."""
    if getattr(error, "status_code", None) in _REFUSALS:
        param, said = getattr(error, "param", None), str(error)
        if FORMAT in request and (param == FORMAT or _STRUCTURE.search(said)):
            return FORMAT
        if N in request and (param == N or _ONE_ONLY.search(said)):
            return N
    return unsupported_parameter(error, {name: OPTIONAL[name] for name in OPTIONAL if name in request})
