"""Reads the answer to a request for a completion, streamed or whole, and tells a complete one from a broken one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.errors import PolicyMalformed, PolicyUnavailable
from metaclaw_jlab.core.policy import Usage
from metaclaw_jlab.policies.failure import Target, cut_off, error_in_answer, web_page

if TYPE_CHECKING:
    from openai import Stream
    from openai.types.chat import ChatCompletionChunk


@dataclass(slots=True)
class Arrival:
    """What has come of one completion. At `limit` characters, reasoning included, it is cut."""

    limit: int
    parts: list[str] = field(default_factory=list)
    characters: int = 0
    reasoning: int = 0
    choices: bool = False
    finish_reason: str | None = None
    model: str | None = None
    usage: Usage = field(default_factory=Usage)


def read(stream: Stream[ChatCompletionChunk], target: Target, arrival: Arrival) -> Iterator[str]:
    """The pieces of text as they come; what else the answer tells goes into `arrival`.

    Raises PolicyError, the client's errors, and ValueError, TypeError or AttributeError where it cannot be read.
    """
    kind = stream.response.headers.get("content-type", "")
    if "html" in kind:
        raise web_page(target)
    pieces = _whole(stream.response.read(), target, arrival) if "json" in kind else _streamed(stream, arrival)
    for piece in pieces:
        arrival.parts.append(piece)
        arrival.characters += len(piece)
        yield piece
    _check_end(target, arrival)


def _streamed(stream: Stream[ChatCompletionChunk], arrival: Arrival) -> Iterator[str]:
    for chunk in stream:
        if piece := _take(chunk, arrival):
            yield piece
        if arrival.characters + arrival.reasoning > arrival.limit:
            arrival.finish_reason = "length"
            return


def _take(chunk: ChatCompletionChunk, arrival: Arrival) -> str:
    """The text of one chunk; everything else that it tells goes into `arrival`. Reasoning is counted, not kept."""
    arrival.model = chunk.model or arrival.model
    if chunk.usage is not None:
        arrival.usage = _usage(chunk.usage)
    if not chunk.choices:
        return ""
    choice = chunk.choices[0]
    arrival.choices = True
    arrival.finish_reason = choice.finish_reason or arrival.finish_reason
    delta: Any = choice.delta
    if delta is None:
        return ""
    reasoning = getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None)
    arrival.reasoning += len(reasoning) if isinstance(reasoning, str) else 0
    content = delta.content
    if content is not None and not isinstance(content, str):
        raise TypeError("The text of a chunk is no string.")
    return content or ""


def _whole(data: bytes, target: Target, arrival: Arrival) -> Iterator[str]:
    """The text of an answer that came as one document although a stream was asked for."""
    body = json.loads(data)
    if not isinstance(body, dict):
        raise TypeError("The answer is no object.")
    if "error" in body:
        raise error_in_answer(body["error"], target)
    if not body.get("choices"):
        raise _no_choices(target)
    choice = body["choices"][0]
    text = (choice.get("message") or {}).get("content") or ""
    if not isinstance(text, str):
        raise TypeError("The text is no string.")
    arrival.finish_reason = choice.get("finish_reason") or "stop"
    arrival.model = body.get("model")
    usage = body.get("usage") or {}
    arrival.usage = Usage(int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0))
    if text:
        yield text


def _usage(usage: Any) -> Usage:
    return Usage(int(usage.prompt_tokens or 0), int(usage.completion_tokens or 0))


def _check_end(target: Target, arrival: Arrival) -> None:
    """Raise where a stream that ended by itself was no complete answer."""
    if arrival.finish_reason is None:
        if arrival.characters:
            raise cut_off(target, arrival.characters)
        if arrival.model is not None and not arrival.choices:
            raise _no_choices(target)
        raise PolicyUnavailable(
            f"{target.base_url} ended its answer before it began.", "Look at the server's log, or try again."
        )
    if arrival.finish_reason == "length" and arrival.reasoning and not arrival.characters:
        raise PolicyMalformed(
            f"{target.model} spent all its tokens on reasoning and answered nothing.",
            "Raise policy.max_tokens: %metaclaw config policy.max_tokens N.",
        )


def _no_choices(target: Target) -> PolicyMalformed:
    return PolicyMalformed(
        f"{target.base_url} answered without choices.",
        "Check that it is an OpenAI-compatible server and that the model does chat completions.",
    )
