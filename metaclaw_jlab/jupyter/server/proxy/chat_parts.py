"""The pieces of a chat/completions request: contents, tools and their calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Part = dict[str, Any]


def text_part(text: str) -> Part:
    """A text."""
    return {"type": "text", "text": text}


def image_part(url: str, detail: object = None) -> Part:
    """An image by address, which may be a `data:` URL."""
    image = {"url": url} if detail is None else {"url": url, "detail": detail}
    return {"type": "image_url", "image_url": image}


def file_part(data: str, name: str) -> Part:
    """A file as a `data:` URL."""
    return {"type": "file", "file": {"filename": name, "file_data": data}}


def content(parts: Sequence[Part]) -> str | list[Part]:
    """A message's content; one text alone is told as a string, which every server takes."""
    if not parts:
        return ""
    if len(parts) == 1 and parts[0]["type"] == "text":
        return str(parts[0]["text"])
    return list(parts)


def texts(parts: Sequence[Part]) -> str:
    """The texts alone, a line each."""
    return "\n".join(part["text"] for part in parts if part["type"] == "text")


def user(parts: Sequence[Part]) -> dict[str, Any]:
    """What a user says."""
    return {"role": "user", "content": content(parts)}


def assistant(text: str | None, calls: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the model said; a message that only calls tools has no content."""
    if not calls:
        return {"role": "assistant", "content": text or ""}
    return {"role": "assistant", "content": text or None, "tool_calls": list(calls)}


def call(identity: str, name: str, arguments: str) -> dict[str, Any]:
    """A call of a tool; the arguments are JSON."""
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def tool_result(identity: str, parts: Sequence[Part]) -> list[dict[str, Any]]:
    """What a tool gave. A tool's message holds text only, so its images follow in a message of the user's."""
    said = {"role": "tool", "tool_call_id": identity, "content": texts(parts)}
    seen = [part for part in parts if part["type"] != "text"]
    if not seen:
        return [said]
    return [said, user([text_part(f"What the tool call {identity} returned besides text:"), *seen])]


def in_order(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results of one turn's calls, those of the tools before all else: nothing may stand between them."""
    return sorted(messages, key=lambda message: message["role"] != "tool")


def tool(name: str, described: Mapping[str, Any], parameters: object) -> dict[str, Any]:
    """A function that the model may call."""
    function: dict[str, Any] = {"name": name}
    if isinstance(described.get("description"), str):
        function["description"] = described["description"]
    function["parameters"] = parameters
    if isinstance(described.get("strict"), bool):
        function["strict"] = described["strict"]
    return {"type": "function", "function": function}


def schema_format(name: str, schema: object, strict: object = True) -> dict[str, Any]:
    """Wants an answer of this JSON schema."""
    wanted = {"name": name, "schema": schema}
    if strict is not None:
        wanted["strict"] = strict
    return {"type": "json_schema", "json_schema": wanted}


def compact(value: object) -> str:
    """JSON without spaces."""
    return json.dumps(value, separators=(",", ":"))


def event(name: str, data: Mapping[str, Any]) -> bytes:
    """A server-sent event that has a name."""
    return f"event: {name}\ndata: {compact(data)}\n\n".encode()
