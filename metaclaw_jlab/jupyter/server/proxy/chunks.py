"""Reading a streamed completion: lines, server-sent events, and what the chunks add up to."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from metaclaw_jlab.core.exchange import Replied

LONGEST_LINE = 1 << 20  # bytes that are held back until a line is whole
LONGEST_TEXT = 8 << 20  # characters of one answer that are kept
DONE = "[DONE]"


class WholeLines:
    """Holds back the beginning of a line until its end has come, so that what was passed on can always be followed by
    an event of our own."""

    def __init__(self) -> None:
        self._held = b""
        self._last = b""

    def push(self, data: bytes) -> bytes:
        """What can be passed on now."""
        data = self._held + data
        end = data.rfind(b"\n") + 1
        if len(data) - end > LONGEST_LINE:
            end = len(data)
        self._held = data[end:]
        return self._passed(data[:end])

    def rest(self) -> bytes:
        """What was held back, where the stream ends there."""
        held, self._held = self._held, b""
        return self._passed(held)

    def gap(self) -> bytes:
        """What must be written before an event so that it is one of its own."""
        if not self._last or self._last.endswith((b"\n\n", b"\n\r\n")):
            return b""
        return b"\n" if self._last.endswith(b"\n") else b"\n\n"

    def _passed(self, data: bytes) -> bytes:
        if data:
            self._last = (self._last + data)[-3:]
        return data


class Events:
    """Takes a stream of server-sent events apart."""

    def __init__(self) -> None:
        self._held = b""
        self._data: list[bytes] = []

    def push(self, data: bytes) -> Iterator[str]:
        """The data of each event that is complete now."""
        *lines, self._held = (self._held + data).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                event, self._data = b"\n".join(self._data), []
                yield event.decode(errors="replace")

    def end(self) -> Iterator[str]:
        """The last event, where no empty line followed it."""
        yield from self.push(b"\n\n")


def chunk_in(event: str) -> dict[str, Any] | None:
    """The chunk that an event holds; None where it holds none."""
    try:
        found = json.loads(event)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


class Assembled:
    """What the chunks of an answer add up to, of several choices the first."""

    def __init__(self) -> None:
        self.done = False  # the stream said that it is complete
        self.trouble = ""  # what an upstream said in the middle of its stream
        self.finish_reason = ""
        self._text: list[str] = []
        self._kept = 0
        self._calls: dict[int, dict[str, Any]] = {}
        self._first: dict[str, Any] = {}
        self._usage: Mapping[str, Any] = {}

    @property
    def complete(self) -> bool:
        """Whether the upstream has ended its answer by itself."""
        return not self.trouble and (self.done or bool(self.finish_reason))

    def event(self, event: str) -> dict[str, Any] | None:
        """Take in one event; its chunk where it holds one."""
        if event.strip() == DONE:
            self.done = True
            return None
        chunk = chunk_in(event)
        if chunk is None:
            self.trouble = self.trouble or "The policy sent an event that is no JSON."
        elif chunk.get("error"):
            self.trouble = f"The policy broke off: {message_in(chunk) or 'it did not say why'}."
            return None
        else:
            self.add(chunk)
        return chunk

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Take in one chunk."""
        if not self._first:
            self._first = {name: chunk[name] for name in ("id", "created", "model") if name in chunk}
        if isinstance(usage := chunk.get("usage"), dict):
            self._usage = usage
        for choice in _dicts(chunk.get("choices")):
            if choice.get("index", 0) != 0:
                continue
            if isinstance(reason := choice.get("finish_reason"), str):
                self.finish_reason = reason
            if isinstance(delta := choice.get("delta"), dict):
                self._take(delta)

    def _take(self, delta: Mapping[str, Any]) -> None:
        text = text_of(delta.get("content"))
        if text and self._kept < LONGEST_TEXT:
            self._text.append(text)
            self._kept += len(text)
        for call in _dicts(delta.get("tool_calls")):
            index = call.get("index", 0)
            if not isinstance(index, int):
                continue
            kept = self._calls.setdefault(
                index, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
            )
            kept["id"] = kept["id"] or str(call.get("id") or "")
            function = call.get("function")
            if isinstance(function, dict):
                kept["function"]["name"] += str(function.get("name") or "")
                kept["function"]["arguments"] += str(function.get("arguments") or "")

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._text)

    @property
    def calls(self) -> tuple[Mapping[str, Any], ...]:
        """The tool calls so far."""
        return tuple(self._calls[index] for index in sorted(self._calls))

    def completion(self) -> dict[str, Any]:
        """The answer as one `chat.completion`."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text or None}
        if self.calls:
            message["tool_calls"] = list(self.calls)
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason or "stop"}
        return {
            "object": "chat.completion",
            **self._first,
            "choices": [choice],
            "usage": dict(self._usage) or None,
        }

    def replied(self, seconds: float, error: str = "") -> Replied:
        """The answer as it is recorded."""
        return Replied(
            self.text,
            self.calls,
            self.finish_reason,
            str(self._first.get("model") or ""),
            _count(self._usage, "prompt_tokens"),
            _count(self._usage, "completion_tokens"),
            seconds,
            error,
        )


def replied_by(completion: Mapping[str, Any], seconds: float) -> Replied:
    """A whole `chat.completion` as it is recorded."""
    choice = next(iter(_dicts(completion.get("choices"))), {})
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    usage = completion.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Replied(
        text_of(message.get("content")),
        tuple(_dicts(message.get("tool_calls"))),
        str(choice.get("finish_reason") or ""),
        str(completion.get("model") or ""),
        _count(usage, "prompt_tokens"),
        _count(usage, "completion_tokens"),
        seconds,
    )


def chunk_of(completion: Mapping[str, Any]) -> dict[str, Any]:
    """A whole completion as the only chunk of a stream, for an upstream that does not stream."""
    choices = []
    for choice in _dicts(completion.get("choices")):
        message = choice.get("message")
        delta = dict(message) if isinstance(message, dict) else {}
        calls = _dicts(delta.get("tool_calls"))
        if calls:
            delta["tool_calls"] = [{"index": number, **call} for number, call in enumerate(calls)]
        index, reason = choice.get("index", 0), choice.get("finish_reason")
        choices.append({"index": index, "delta": delta, "finish_reason": reason})
    return {**completion, "object": "chat.completion.chunk", "choices": choices}


def empty_completion(model: str) -> dict[str, Any]:
    """A chat completion that says nothing and cost nothing."""
    message = {"role": "assistant", "content": ""}
    return {
        "id": f"chatcmpl-{model}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }


def is_completion(body: object) -> bool:
    """Whether this is a chat completion with an answer in it."""
    return isinstance(body, dict) and bool(_dicts(body.get("choices")))


def text_of(content: object) -> str:
    """The text of a message's content, which may be in parts."""
    if isinstance(content, str):
        return content
    texts = (part.get("text") for part in _dicts(content))
    return "\n".join(text for text in texts if isinstance(text, str))


def message_in(body: object) -> str:
    """What an error's body says, whatever the shape it came in; "" where it says nothing."""
    for name in ("error", "message", "detail"):
        if isinstance(body, dict) and body.get(name):
            body = body[name]
    if isinstance(body, dict):
        body = body.get("message")
    return " ".join(body.split())[:1000].rstrip(".") if isinstance(body, str) else ""


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value >= 0 else 0
