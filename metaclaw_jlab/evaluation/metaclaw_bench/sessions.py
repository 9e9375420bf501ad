"""Reads the messages that open a day: one message a line, or a session file as OpenClaw writes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.evaluation.metaclaw_bench.faults import Place

_MEND = "Put in one message a line: an object of `role` and `content`."


def read_opening(path: Path, place: Place) -> tuple[Message, ...]:
    """The messages of a session file in order. OpenClaw's lines that are no message (session, model, thinking level,
    custom) say nothing to a model and are passed over."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        place.fault(f"It cannot be read: {error}.", "Fetch it again, as UTF-8 text.")
        return ()
    messages = read_messages(lines, place)
    if not messages:
        place.fault("It holds no message.", _MEND)
    elif messages[0].role != "user":
        place.fault("The first message is not the user's.", "Begin with the message that carries the date.")
    return messages


def read_messages(lines: Iterable[str], place: Place) -> tuple[Message, ...]:
    """The messages among the lines of a session, in order."""
    read = (_message(line, number, place) for number, line in enumerate(lines, 1) if line.strip())
    return tuple(message for message in read if message is not None)


def _message(line: str, number: int, place: Place) -> Message | None:
    try:
        entry = json.loads(line)
    except ValueError as error:
        place.fault(f"Line {number} is no JSON: {error}.", _MEND)
        return None
    if isinstance(entry, dict) and entry.get("type", "message") != "message":
        return None
    body = entry.get("message") if isinstance(entry, dict) and "type" in entry else entry
    if not isinstance(body, dict):
        place.fault(f"Line {number} is no message.", _MEND)
        return None
    role, text = _role(body), _text(body.get("content"))
    if role is None:
        place.fault(f"Line {number} has the role {body.get('role')!r}.", "Make it user or assistant.")
        return None
    if text is None:
        place.fault(f"Line {number} has a `content` that is not text alone.", "Leave only its text parts.")
        return None
    return Message(role, text)


def _role(body: Mapping[str, Any]) -> Literal["user", "assistant"] | None:
    match body.get("role"):
        case "user":
            return "user"
        case "assistant":
            return "assistant"
    return None


def _text(content: object) -> str | None:
    """The text of a message's content: a text, or parts of type `text`. None for anything else."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = [
        part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
        for part in content
    ]
    texts = [part for part in parts if isinstance(part, str)]
    return "\n".join(texts) if texts and len(texts) == len(parts) else None
