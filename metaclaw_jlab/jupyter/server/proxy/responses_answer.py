"""An answer, its items and its errors as OpenAI's Responses API tells them."""

from __future__ import annotations

from typing import Any

from metaclaw_jlab.jupyter.server.proxy.completion import Usage

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
# What the client asked for and is told again, with what holds where it said nothing.
ECHOED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
CODES = {400: "invalid_prompt", 429: "rate_limit_exceeded"}


def response(asked: dict[str, Any], identity: str, created: float, model: str) -> dict[str, Any]:
    """An answer that has just begun."""
    echoed = {name: default if asked.get(name) is None else asked[name] for name, default in ECHOED.items()}
    return {
        "id": identity,
        "object": "response",
        "created_at": int(created),
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": model or asked.get("model", ""),
        "output": [],
        "store": asked.get("store") is not False,
        "usage": None,
        **echoed,
    }


def ended(
    begun: dict[str, Any], output: list[dict[str, Any]], finish: str, usage: Usage | None
) -> dict[str, Any]:
    """The answer as it is at its end."""
    reason = INCOMPLETE.get(finish)
    return {
        **begun,
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "output": output,
        "usage": usage_of(usage or Usage()),
    }


def item_status(finish: str) -> str:
    """Whether the model could say all of its last message."""
    return "incomplete" if finish in INCOMPLETE else "completed"


def failed(begun: dict[str, Any], output: list[dict[str, Any]], status: int, message: str) -> dict[str, Any]:
    """The answer where it broke off."""
    error = {"code": CODES.get(status, "server_error"), "message": message}
    return {**begun, "status": "failed", "output": output, "error": error}


def part(kind: str, said: str) -> dict[str, Any]:
    """The content of a message: `output_text` or `refusal`."""
    if kind == "refusal":
        return {"type": kind, "refusal": said}
    return {"type": kind, "text": said, "annotations": [], "logprobs": []}


def message(identity: str, content: list[dict[str, Any]], status: str) -> dict[str, Any]:
    """What the model said."""
    return {"id": identity, "type": "message", "role": "assistant", "status": status, "content": content}


def call(identity: str, call_id: str, name: str, arguments: str, status: str) -> dict[str, Any]:
    """A call of a tool."""
    return {
        "id": identity,
        "type": "function_call",
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
        "status": status,
    }


def usage_of(usage: Usage) -> dict[str, Any]:
    """Tokens; those from a cache are among the input's, those of reasoning among the output's."""
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion,
    }
