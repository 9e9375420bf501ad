"""Reading what the policy answered: a whole completion, or a chunk of a streamed one. Of several choices the first."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metaclaw_jlab.core.errors import UpstreamError


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens. `cached` are of the prompt's, `reasoning` of the completion's."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A call of a tool, or the next piece of one, which then has neither id nor name. `arguments` are JSON."""

    index: int
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Piece:
    """What a completion or a chunk says. `finish` is "" until it ends, `stop` the stop string that ended it."""

    text: str = ""
    refusal: str = ""
    calls: tuple[CallPiece, ...] = field(default=())
    finish: str = ""
    stop: str = ""
    model: str = ""
    usage: Usage | None = None


def read_completion(completion: Mapping[str, Any]) -> Piece:
    """A whole answer. Raises UpstreamError where it is none."""
    choices = completion.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict) or not isinstance(first.get("message"), dict):
        raise UpstreamError(
            "The policy answered with something that is no completion.", "See that its address is right."
        )
    return _piece(completion, first, first["message"])


def read_chunk(chunk: Mapping[str, Any]) -> Piece:
    """A chunk; one without choices can still tell the usage."""
    choices = chunk.get("choices")
    found = [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
    first = next((choice for choice in found if choice.get("index", 0) == 0), {})
    delta = first.get("delta")
    return _piece(chunk, first, delta if isinstance(delta, dict) else {})


def new_id(prefix: str) -> str:
    """An id that nobody guesses."""
    return f"{prefix}_{secrets.token_hex(16)}"


def _piece(whole: Mapping[str, Any], choice: Mapping[str, Any], message: Mapping[str, Any]) -> Piece:
    calls = message.get("tool_calls")
    return Piece(
        text=_content(message.get("content")),
        refusal=_text(message.get("refusal")),
        calls=tuple(
            _call(number, call)
            for number, call in enumerate(calls if isinstance(calls, list) else ())
            if isinstance(call, dict)
        ),
        finish=_text(choice.get("finish_reason")),
        stop=_text(choice.get("stop_reason")),
        model=_text(whole.get("model")),
        usage=_usage(whole.get("usage")),
    )


def _call(number: int, call: Mapping[str, Any]) -> CallPiece:
    function = call.get("function")
    told = function if isinstance(function, dict) else {}
    arguments = told.get("arguments")
    if isinstance(arguments, dict):
        arguments = json.dumps(arguments)
    index = call.get("index")
    return CallPiece(
        index if isinstance(index, int) else number,
        _text(call.get("id")),
        _text(told.get("name")),
        _text(arguments),
    )


def _content(value: object) -> str:
    if isinstance(value, list):
        return "".join(_text(part.get("text")) for part in value if isinstance(part, dict))
    return _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _usage(value: object) -> Usage | None:
    if not isinstance(value, dict):
        return None
    prompt, completion = _number(value, "prompt_tokens"), _number(value, "completion_tokens")
    cached = _number(value.get("prompt_tokens_details"), "cached_tokens")
    reasoning = _number(value.get("completion_tokens_details"), "reasoning_tokens")
    return Usage(prompt, completion, min(cached, prompt), min(reasoning, completion))


def _number(value: object, name: str) -> int:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, int) and found > 0 else 0
