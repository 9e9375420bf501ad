"""Keeps a conversation within a length: outputs that were seen before are shortened, the oldest first."""

from __future__ import annotations

from collections.abc import Sequence

from metaclaw_jlab.core.policy import Message

KEPT_CHARS = 400
_OPENING = "<output>\n"
_CLOSING = "\n</output>"


def within(messages: Sequence[Message], limit: int) -> tuple[Message, ...]:
    """The conversation in about `limit` characters: old outputs go first, then the last output gives way.

    Instructions, skills, the task and the replies are never cut, so what they take may exceed the limit.
    """
    kept = list(messages)
    excess = sum(len(message.content) for message in kept) - limit
    outputs = [index for index, message in enumerate(kept) if _is_output(message)]
    for index in outputs:
        if excess <= 0:
            break
        length = len(kept[index].content)
        room = KEPT_CHARS if index != outputs[-1] else max(KEPT_CHARS, length - excess)
        kept[index] = _shortened(kept[index], room)
        excess -= length - len(kept[index].content)
    return tuple(kept)


def _is_output(message: Message) -> bool:
    return message.role == "user" and message.content.startswith(_OPENING) and _CLOSING in message.content


def _shortened(message: Message, room: int) -> Message:
    if len(message.content) <= room:
        return message
    text, _, rest = message.content[len(_OPENING) :].rpartition(_CLOSING)
    mark = f"\n[... {len(text) - room} characters left out ...]\n"
    first = max(1, (room - len(_OPENING) - len(_CLOSING) - len(rest) - len(mark)) // 2)
    return Message("user", f"{_OPENING}{text[:first]}{mark}{text[-first:]}{_CLOSING}{rest}")
