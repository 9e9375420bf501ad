"""An answer, its usage and its errors as Anthropic's Messages API tells them."""

from __future__ import annotations

import json
from typing import Any

from metaclaw_jlab.jupyter.server.proxy.completion import CallPiece, Usage, new_id, read_completion

STOPS = {"length": "max_tokens", "content_filter": "refusal"}
ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def whole(asked: dict[str, Any], completion: dict[str, Any]) -> dict[str, Any]:
    """A complete answer. Raises UpstreamError."""
    said = read_completion(completion)
    content: list[dict[str, Any]] = [
        {"type": "text", "text": text} for text in (said.text, said.refusal) if text
    ]
    content += [
        {"type": "tool_use", "id": call.id or new_id("toolu"), "name": call.name, "input": arguments(call)}
        for call in said.calls
    ]
    reason, sequence = stop_of(
        asked, said.finish, said.stop, calls=bool(said.calls), refused=bool(said.refusal)
    )
    return message(asked, new_id("msg"), said.model, content, reason, sequence, said.usage or Usage())


def message(
    asked: dict[str, Any],
    identity: str,
    model: str,
    content: list[dict[str, Any]],
    reason: str | None,
    sequence: str | None,
    usage: Usage,
) -> dict[str, Any]:
    """A message of the model's, complete or just begun."""
    return {
        "id": identity,
        "type": "message",
        "role": "assistant",
        "model": model or asked.get("model", ""),
        "content": content,
        "stop_reason": reason,
        "stop_sequence": sequence,
        "usage": usage_of(usage),
    }


def usage_of(usage: Usage) -> dict[str, int]:
    """Tokens; those that came from a cache are not counted among the input's."""
    return {
        "input_tokens": usage.prompt - usage.cached,
        "output_tokens": usage.completion,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
    }


def stop_of(
    asked: dict[str, Any], finish: str, stop: str, *, calls: bool, refused: bool
) -> tuple[str, str | None]:
    """Why the model stopped, and at which of the client's stop sequences where the policy says so."""
    if finish in STOPS:
        return STOPS[finish], None
    if calls:
        return "tool_use", None
    if refused:
        return "refusal", None
    if stop and stop in (asked.get("stop_sequences") or ()):
        return "stop_sequence", stop
    return "end_turn", None


def arguments(call: CallPiece) -> dict[str, Any]:
    """The input of a tool. What is no JSON object is handed on as it is, under a name of its own."""
    try:
        read = json.loads(call.arguments or "{}", parse_constant=_refuse)
    except (ValueError, RecursionError):
        return {"unreadable": call.arguments}
    return read if isinstance(read, dict) else {"unreadable": call.arguments}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON.")


def error_body(status: int, message: str) -> dict[str, Any]:
    """An error."""
    kind = ERRORS.get(status, "invalid_request_error" if status < 500 else "api_error")
    return {"type": "error", "error": {"type": kind, "message": message}}
