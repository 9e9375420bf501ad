"""The same task in other names: files, columns and values of a task renamed alike wherever they occur."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping

_NAME = re.compile(r"[^\W\d_]{3,}")
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


def other_names(names: Iterable[str], variation: int) -> dict[str, str]:
    """A new pronounceable name for each, equal for equal arguments; variation 0 changes nothing."""
    if variation == 0:
        return {}
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        if not _NAME.fullmatch(name):
            continue
        rng = random.Random(f"{name.lower()}/{variation}")
        syllables = max(2, len(name) // 3)
        new = "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(syllables))
        found[name] = new.capitalize() if name[0].isupper() else new
    return found


def renamed(text: str, names: Mapping[str, str]) -> str:
    """The text with whole words replaced; underscores and digits part words too."""
    if not names:
        return text
    words = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return re.sub(rf"(?<![^\W\d_])(?:{words})(?![^\W\d_])", lambda found: names[found[0]], text)
