"""Anthropic's Messages API, as a dialect of the proxy: /v1/messages and /v1/messages/count_tokens."""

from __future__ import annotations

from typing import Any

from metaclaw_jlab.jupyter.server.proxy.anthropic_answer import error_body, whole
from metaclaw_jlab.jupyter.server.proxy.anthropic_request import chat_messages, chat_request
from metaclaw_jlab.jupyter.server.proxy.anthropic_stream import MessageStream
from metaclaw_jlab.jupyter.server.proxy.chat_parts import compact
from metaclaw_jlab.jupyter.server.proxy.fields import record, several
from metaclaw_jlab.skills.retrieval import estimate_tokens

TOKENS_PER_IMAGE = 1600  # about what one costs at full size


class AnthropicDialect:
    """The Messages API."""

    name = "anthropic"
    as_is = False

    def request(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body of a chat/completions request. Raises RequestInvalid."""
        return chat_request(body)

    def answer(self, asked: dict[str, Any], completion: dict[str, Any]) -> dict[str, Any]:
        """A message. Raises UpstreamError."""
        return whole(asked, completion)

    def stream(self, asked: dict[str, Any]) -> MessageStream:
        """What writes the answer as events."""
        return MessageStream(asked)

    def error(self, status: int, message: str, kind: str) -> dict[str, Any]:  # noqa: ARG002
        """An error, named as Anthropic's clients know it."""
        return error_body(status, message)


def count_tokens(body: dict[str, Any]) -> dict[str, int]:
    """An estimate of the tokens of a request, by its characters: the policy's tokenizer lies elsewhere.

    Raises RequestInvalid.
    """
    tokens = 0
    for message in chat_messages(body):
        said = message.get("content") or ""
        parts = [{"type": "text", "text": said}] if isinstance(said, str) else said
        for part in parts:
            tokens += estimate_tokens(part["text"]) if part["type"] == "text" else TOKENS_PER_IMAGE
        if calls := message.get("tool_calls"):
            tokens += estimate_tokens(compact(calls))
    for number, tool in enumerate(several(body.get("tools"), "tools")):
        tokens += estimate_tokens(compact(record(tool, f"tools.{number}")))
    return {"input_tokens": tokens}
