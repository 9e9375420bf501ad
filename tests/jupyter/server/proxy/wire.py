"""Chunks as a policy sends them, and events as a client reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: object) -> dict[str, Any]:
    """A chunk with one choice."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice], **more}


def counted(prompt: int, completion: int, cached: int = 0) -> dict[str, Any]:
    """The last chunk, which has the usage."""
    details = {"cached_tokens": cached}
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "prompt_tokens_details": details}
    return {"id": "chatcmpl-1", "model": "m", "choices": [], "usage": usage}


def calling(
    index: int | None, identity: str | None, name: str | None, arguments: str | None
) -> dict[str, Any]:
    """A chunk with a piece of a call; None leaves a field out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    call: dict[str, Any] = {"function": function}
    if index is not None:
        call["index"] = index
    if identity is not None:
        call |= {"id": identity, "type": "function"}
    return chunk({"tool_calls": [call]})


def completion(
    text: str | None, calls: Sequence[dict[str, Any]] = (), finish: str = "stop", **message: object
) -> dict[str, Any]:
    """A whole completion."""
    said: dict[str, Any] = {"role": "assistant", "content": text, **message}
    if calls:
        said["tool_calls"] = list(calls)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "m",
        "choices": [{"index": 0, "message": said, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": 10,
            "completion_tokens": 4,
            "prompt_tokens_details": {"cached_tokens": 3},
        },
    }


def call(identity: str, name: str, arguments: str) -> dict[str, Any]:
    """A whole call."""
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def events(data: bytes) -> list[dict[str, Any]]:
    """The events of a stream; each is named as its data say."""
    found = []
    for block in data.decode().split("\n\n"):
        if block:
            name, _, body = block.partition("\n")
            told: dict[str, Any] = json.loads(body.removeprefix("data: "))
            assert name == f"event: {told['type']}"
            found.append(told)
    return found
