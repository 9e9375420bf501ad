"""What a dialect is: how a client's API is told in chat completions, which is what the policy speaks; and that API
itself, which passes as it is."""

from __future__ import annotations

import json
from typing import Any, Protocol

from metaclaw_jlab.core.errors import RequestInvalid

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    502: "upstream_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def kind_of(status: int) -> str:
    """The usual name of what an HTTP status tells; what a dialect calls it otherwise is its own affair."""
    return KINDS.get(status, "invalid_request_error" if status < 500 else "api_error")


class StreamRenderer(Protocol):
    """Writes one streamed answer in a client's own events."""

    def feed(self, chunk: dict[str, Any]) -> bytes:
        """The events for one `chat.completion.chunk`; may be empty."""

    def close(self) -> bytes:
        """The events that end a complete answer; called once, after the last chunk."""

    def error(self, status: int, message: str) -> bytes:
        """The events that end an answer which broke off; called instead of `close`."""


class Dialect(Protocol):
    """One client API. `as_is`: what the upstream answers goes to the client byte for byte, errors too, and neither
    `answer` nor `stream().feed` is asked."""

    name: str
    as_is: bool

    def request(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body of a chat/completions request; the client's is left unchanged. Raises RequestInvalid."""

    def answer(self, asked: dict[str, Any], completion: dict[str, Any]) -> dict[str, Any]:
        """A whole answer. `asked` is the client's own body, `completion` a `chat.completion`."""

    def stream(self, asked: dict[str, Any]) -> StreamRenderer:
        """What writes the answer to `asked` as a stream."""

    def error(self, status: int, message: str, kind: str) -> dict[str, Any]:
        """The body of an error. `kind` is of KINDS, or what the upstream called it."""


class ChatDialect:
    """OpenAI's chat completions."""

    name = "chat"
    as_is = True

    def request(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body itself, once its messages are some. What else is in it is for the upstream to judge."""
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise RequestInvalid(
                "The parameter messages is missing or empty.", "Send a list of messages.", param="messages"
            )
        for number, message in enumerate(messages):
            if not isinstance(message, dict) or not isinstance(message.get("role"), str):
                raise RequestInvalid(
                    f"The parameter messages.{number} is no message.",
                    "Send an object with a role and a content.",
                    param="messages",
                )
        if not isinstance(body.get("model", ""), str):
            raise RequestInvalid("The parameter model is no text.", "Send a model's name.", param="model")
        return body

    def answer(self, asked: dict[str, Any], completion: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """The completion itself."""
        return completion

    def stream(self, asked: dict[str, Any]) -> StreamRenderer:  # noqa: ARG002
        """Chunks as server-sent events."""
        return ChatStream()

    def error(self, status: int, message: str, kind: str) -> dict[str, Any]:
        """An error in OpenAI's shape."""
        return {"error": {"message": message, "type": kind, "param": None, "code": status}}


class ChatStream:
    """Chunks as server-sent events, ended by `[DONE]`."""

    def feed(self, chunk: dict[str, Any]) -> bytes:
        """One event."""
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"

    def close(self) -> bytes:
        """The mark that all has been said."""
        return b"data: [DONE]\n\n"

    def error(self, status: int, message: str) -> bytes:
        """An event that OpenAI's clients raise as an error; no mark follows it."""
        return self.feed(ChatDialect().error(status, message, kind_of(status)))
