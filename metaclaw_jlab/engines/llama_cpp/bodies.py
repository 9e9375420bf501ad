"""What a client sends, as it goes to llama.cpp: a bound on every answer, and messages that the template takes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from metaclaw_jlab.core.errors import RequestInvalid
from metaclaw_jlab.engines.llama_cpp.system_message import folded, named

CHAT_TOKENS = 1024  # of an answer whose length nobody bounded: some models never end theirs
COMPLETION_TOKENS = 16  # as OpenAI has it for /v1/completions
LENGTHS = ("max_completion_tokens", "max_tokens", "n_predict")
REFUSED = frozenset(
    {"id_slot", "lora"}
)  # they would answer as another version, or in another request's place


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for `model`; `content` is its body."""

    model: str
    content: dict[str, Any]
    stream: bool
    chat: bool


def read(raw: bytes, *, chat: bool) -> Asked:
    """Read a body. Raises RequestInvalid."""
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise RequestInvalid(f"The body is not JSON: {error}.", "Send a JSON object.") from error
    if not isinstance(content, dict):
        raise RequestInvalid("The body is not a JSON object.", "Send one with model and messages or prompt.")
    model = content.get("model")
    if not isinstance(model, str):
        raise _wrong("model", "is missing" if model is None else "is no text")
    if chat:
        messages = content.get("messages")
        if (
            not isinstance(messages, list)
            or not messages
            or not all(isinstance(one, dict) for one in messages)
        ):
            raise _wrong("messages", "is no list of messages")
    elif "prompt" not in content:
        raise _wrong("prompt", "is missing")
    for name in REFUSED & content.keys():
        raise RequestInvalid(f"The parameter {name} is not supported here.", "Leave it out.", param=name)
    return Asked(model, content, content.get("stream") is True, chat)


def forwarded(asked: Asked, name: str, slot_tokens: int, *, folds: bool) -> bytes:
    """The body for an instance that answers as `name`. Raises RequestInvalid."""
    content = {key: value for key, value in asked.content.items() if key not in LENGTHS}
    content["model"] = name
    content["max_tokens"] = min(_length(asked), slot_tokens)
    if asked.chat:
        messages = asked.content["messages"]
        content["messages"] = folded(messages) if folds else named(messages)
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _length(asked: Asked) -> int:
    for name in LENGTHS:
        value = asked.content.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise _wrong(name, "is not at least 1")
        return value
    return CHAT_TOKENS if asked.chat else COMPLETION_TOKENS


def _wrong(name: str, what: str) -> RequestInvalid:
    return RequestInvalid(f"The parameter {name} {what}.", "Correct it.", param=name)
