"""Conversations that clients of the Responses API continue by an id. They are kept in memory only, and not for ever."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

MOST = 500
MOST_CHARACTERS = 32 << 20

Messages = tuple[dict[str, Any], ...]


class Conversations:
    """What was said up to an answer, by the answer's id. A client finds its own only; the longest unused go first."""

    def __init__(self, *, most: int = MOST, most_characters: int = MOST_CHARACTERS) -> None:
        self._most, self._most_characters = most, most_characters
        self._kept: OrderedDict[tuple[str, str], tuple[Messages, int]] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()

    def keep(self, client: str, identity: str, messages: Sequence[dict[str, Any]]) -> None:
        """Keep a conversation; one that alone is too long is not kept."""
        size = _characters(messages)
        if size > self._most_characters:
            return
        with self._lock:
            self._drop((client, identity))
            self._kept[client, identity] = (tuple(messages), size)
            self._characters += size
            while len(self._kept) > self._most or self._characters > self._most_characters:
                self._drop(next(iter(self._kept)))

    def find(self, client: str, identity: str) -> Messages | None:
        """What was said up to this answer, None where it is not kept."""
        with self._lock:
            found = self._kept.get((client, identity))
            if found is None:
                return None
            self._kept.move_to_end((client, identity))
            return found[0]

    def _drop(self, key: tuple[str, str]) -> None:
        self._characters -= self._kept.pop(key, ((), 0))[1]


def _characters(value: object) -> int:
    """About how much a message takes; images are long texts, which nobody wants to copy on the event loop."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(len(name) + _characters(inner) for name, inner in value.items())
    return sum(map(_characters, value)) if isinstance(value, Sequence) else 1
