"""Chat templates that know no system message: what it says is put before the first message of the user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Message = dict[str, Any]
MARK = "a word of the system"
# A template made for our prompts may take the skills out of a system message, and leave the rest out on purpose.
PROBE = f"{MARK}\n<skills>\n{MARK}\n</skills>"
SYSTEM_ROLES = frozenset({"system", "developer"})


def must_fold(render: Callable[[list[Message]], str | None]) -> bool:
    """Whether a template drops or refuses system messages. `render` gives the prompt, None where the template fails."""
    user = {"role": "user", "content": "hello"}
    shown = render([{"role": "system", "content": PROBE}, user])
    if shown is not None and MARK in shown:
        return False
    return render([user]) is not None


def folded(messages: Sequence[Message]) -> list[Message]:
    """The same conversation without system messages."""
    rest = [dict(message) for message in messages if message.get("role") not in SYSTEM_ROLES]
    said = [_text(message) for message in messages if message.get("role") in SYSTEM_ROLES]
    if not said:
        return rest
    first = next((message for message in rest if message.get("role") == "user"), None)
    if first is None:
        return [{"role": "user", "content": "\n\n".join(said)}, *rest]
    first["content"] = "\n\n".join([*said, _text(first)])
    return rest


def named(messages: Sequence[Message]) -> list[Message]:
    """The same conversation, with the name that templates know for what comes from the developer."""
    return [
        message | {"role": "system"} if message.get("role") == "developer" else message
        for message in messages
    ]


def _text(message: Message) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content if isinstance(part, dict))
