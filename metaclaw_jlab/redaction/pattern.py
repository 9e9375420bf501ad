"""What a pattern is: how one kind of secret or personal data is found in a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

KINDS = ("secret", "email", "phone", "iban", "card", "id", "ip", "user")
VALUES = ("value", "double", "single", "escaped")


def placeholder(kind: str) -> str:
    """What stands in the place of something of this kind."""
    return f"[{kind}]"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A kind, the expression that finds it, and a test of what it found.

    The group named as in VALUES is replaced, the whole match where there is none. With `hints`, lower-case pieces of
    text, only lines that have one are looked at. Expressions must run in linear time: what repeats is possessive or
    bounded, and a match begins only where its run of characters does.
    """

    kind: str
    expression: re.Pattern[str]
    hints: tuple[str, ...] = ()
    holds: Callable[[re.Match[str]], bool] | None = None

    def apply(self, text: str, lowered: str) -> str:
        """The text with each finding replaced; `lowered` is the text in lower case, as long as the text."""
        if not self.hints:
            return self.expression.sub(self._replaced, text)
        parts, position = [], 0
        for start, end in _lines_with(self.hints, lowered):
            parts += [text[position:start], self.expression.sub(self._replaced, text[start:end])]
            position = end
        return "".join((*parts, text[position:])) if parts else text

    def _replaced(self, match: re.Match[str]) -> str:
        if self.holds is not None and not self.holds(match):
            return match[0]
        group = next((name for name in VALUES if match.groupdict().get(name) is not None), 0)
        start, end = match.start(group) - match.start(), match.end(group) - match.start()
        return match[0][:start] + placeholder(self.kind) + match[0][end:]


def _lines_with(pieces: tuple[str, ...], text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each line that has one of the pieces, in order."""
    lines = set()
    for piece in pieces:
        found = text.find(piece)
        while found >= 0:
            end = text.find("\n", found)
            end = len(text) if end < 0 else end
            lines.add((text.rfind("\n", 0, found) + 1, end))
            found = text.find(piece, end)
    yield from sorted(lines)
