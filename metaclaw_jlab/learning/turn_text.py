"""A chat body as text: what its messages say, and the calls of tools in them. Nothing is believed of their shape."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from metaclaw_jlab.core.policy import Message

PROMPT_CHARS = 64_000  # kept of one prompt: its first message and as many of the last as there is room for
RESULT_CHARS = 8_000  # kept of what the tools gave in one step
TOOL_CHARS, TOOLS_CHARS = 200, 2_000  # kept of what one tool is for, and of all
OMITTED = "(… earlier messages are not kept …)"
SYSTEM_ROLES = frozenset({"system", "developer"})
TOOL_ROLES = frozenset({"tool", "function"})

_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system",
    "developer": "system",
    "assistant": "assistant",
}


def messages_of(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The messages of a chat body that are ones."""
    found = body.get("messages")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list | tuple) else []


def text_of(content: object) -> str:
    """The text of a message's content, parts joined; what is no text is named by its type."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list | tuple):
        return ""
    return "".join(_part(part) for part in content)


def calls_of(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and arguments of the tools that a message calls, in order."""
    calls = message.get("tool_calls")
    found = calls if isinstance(calls, list | tuple) else ()
    functions = [one.get("function") or one.get("custom") for one in found if isinstance(one, Mapping)]
    functions.append(message.get("function_call"))
    return [
        (str(one.get("name", "")), _arguments(one.get("arguments", one.get("input", ""))))
        for one in functions
        if isinstance(one, Mapping)
    ]


def calls_in_words(calls: Sequence[tuple[str, str]]) -> str:
    """Calls of tools as lines such as `search({"query": "x"})`."""
    return "\n".join(f"{name}({arguments})" for name, arguments in calls)


def reply_in_words(text: str, calls: Sequence[tuple[str, str]]) -> str:
    """A reply as text, with the calls that it makes."""
    return "\n\n".join(part for part in (text, calls_in_words(calls)) if part)


def rendered(messages: Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    """A prompt as plain messages: calls and results of tools as text, the middle left out where it is long."""
    names = _names(messages)
    plain = [_plain(message, names) for message in messages]
    if sum(len(message.content) for message in plain) <= PROMPT_CHARS:
        return tuple(plain)
    return tuple(_shortened(plain))


def tools_in_words(body: Mapping[str, Any]) -> str:
    """The tools that a body offers, a line each, or used before; "" where there are none."""
    offered = body.get("tools", body.get("functions"))
    lines = []
    for one in offered if isinstance(offered, list | tuple) else ():
        function = one.get("function", one) if isinstance(one, Mapping) else None
        if isinstance(function, Mapping):
            about = " ".join(str(function.get("description") or "").split())[:TOOL_CHARS]
            lines.append(f"{function.get('name', one.get('type', 'tool'))}: {about}".rstrip(": "))
    if not lines and any(one.get("role") in TOOL_ROLES or calls_of(one) for one in messages_of(body)):
        lines.append("(tools that were called earlier)")
    text = "\n".join(lines)
    return text if len(text) <= TOOLS_CHARS else f"{text[:TOOLS_CHARS]}\n(…)"


def attachments(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The types of what is no text in a body's messages."""
    contents = [one.get("content") for one in messages_of(body)]
    parts = [part for content in contents if isinstance(content, list | tuple) for part in content]
    return tuple(
        dict.fromkeys(
            str(part.get("type", "part"))
            for part in parts
            if isinstance(part, Mapping) and not isinstance(part.get("text", part.get("refusal")), str)
        )
    )


def is_whole(messages: Sequence[Message]) -> bool:
    """Whether nothing of a rendered prompt was left out."""
    return all(message.content != OMITTED for message in messages)


def results_after(messages: Sequence[Mapping[str, Any]]) -> tuple[str, int] | None:
    """What the tools gave after the last reply in these messages, and how many characters of it were left out.

    None where they gave nothing.
    """
    names, found = _names(messages), list[str]()
    for message in reversed(messages):
        if message.get("role") == "assistant":
            break
        if message.get("role") in TOOL_ROLES:
            found.append(_result(message, names))
    if not found:
        return None
    text = "\n".join(reversed(found))
    if len(text) <= RESULT_CHARS:
        return text, 0
    half = RESULT_CHARS // 2
    return f"{text[:half]}\n(…)\n{text[-half:]}", len(text) - 2 * half


def _plain(message: Mapping[str, Any], names: Mapping[str, str]) -> Message:
    role = str(message.get("role", ""))
    if role in TOOL_ROLES:
        return Message("user", _result(message, names))
    text = text_of(message.get("content"))
    return Message(_ROLES.get(role, "user"), reply_in_words(text, calls_of(message)))


def _result(message: Mapping[str, Any], names: Mapping[str, str]) -> str:
    name = str(message.get("name") or names.get(str(message.get("tool_call_id")), "a tool"))
    return f"Result of {name}:\n{text_of(message.get('content'))}"


def _names(messages: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Names of tools by the ids of their calls."""
    return {str(call.get("id")): name for call, name in _called(messages)}


def _called(messages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], str]]:
    for message in messages:
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list | tuple) else ():
            if isinstance(call, Mapping) and isinstance(function := call.get("function"), Mapping):
                yield call, str(function.get("name", ""))


def _shortened(plain: Sequence[Message]) -> list[Message]:
    head = plain[:1] if plain[0].role == "system" else []
    left = PROMPT_CHARS - sum(len(message.content) for message in head)
    kept: list[Message] = []
    for message in reversed(plain[len(head) :]):
        if len(message.content) > left:
            break
        left -= len(message.content)
        kept.append(message)
    if not kept:  # the last message alone is too long
        last = plain[-1]
        kept = [Message(last.role, last.content[-max(left, PROMPT_CHARS // 2) :])]
    return [*head, Message("user", OMITTED), *reversed(kept)]


def _part(part: object) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        return ""
    text = part.get("text", part.get("refusal"))
    return text if isinstance(text, str) else f"[{part.get('type', 'part')}]"


def _arguments(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
