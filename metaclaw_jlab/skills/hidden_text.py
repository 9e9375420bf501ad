"""Characters that a reader does not see but a policy does: refused in skills (they carry smuggled instructions)."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"  # part of words in some scripts, and of emoji
_EMOJI_SELECTORS = "\ufe0e\ufe0f"
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u17b4\u17b5")


def find_hidden(text: str) -> str | None:
    """A phrase that names the first hidden character and its line; None where everything shows."""
    for position, character in enumerate(text):
        if (character < "\x7f" and character >= " ") or character in "\n\t":
            continue
        if _is_hidden(character, text[position - 1] if position else ""):
            line = text.count("\n", 0, position) + 1
            name = unicodedata.name(character, "a control character")
            return f"U+{ord(character):04X} ({name}) in line {line}"
    return None


def _is_hidden(character: str, before: str) -> bool:
    if character in _JOINERS:
        return before <= "\x7f" or _is_hidden(before, "")
    if character in _EMOJI_SELECTORS:
        return not before or before.isspace() or before.isalpha()
    if (
        character in _BLANK_LETTERS
        or 0xE0100 <= ord(character) <= 0xE01EF
        or 0xFE00 <= ord(character) <= 0xFE0F
    ):
        return True
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
