"""How much of what a skill says is said already by others: by its words and its literal values, whatever its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.words import stem

NEAR_DUPLICATE = 0.8
_REMEMBERED = 4096
_EDGES = "\"'`“”‘’«»()[]{}*,;:!?"
_BULLETS = {"", "-", "–", "—", "•", "+", "*", "="}
_WORD = re.compile(r"[^\W\d_]+|\d+")
_LETTERS = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
# They change nothing of what a rule asks for; the common words that retrieval leaves out may: one, before, not.
_PLAIN_WORDS = """a an the of in is are be to and your you it its that this these for as always every each must should
sure ensure please remember note house rule standing make whenever"""
_FILLERS = frozenset(map(stem, _PLAIN_WORDS.split()))


def duplicated(skill: Skill, library: Sequence[Skill]) -> str | None:
    """The name of the skill that says all that this one says and little else, None where it says something new.

    One other literal, negation or telling word makes another rule: most rules differ from their opposite in a word.
    """
    own = _said(skill.body)
    for other in library:
        said = _said(other.body)
        if own <= said and _likeness(own, said) >= NEAR_DUPLICATE:
            return other.name
    return None


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


@lru_cache(_REMEMBERED)
def _said(body: str) -> frozenset[str]:
    """The words of a text without fillers, and its literal values as they stand, marked by `=`."""
    tokens = (token.rstrip(".").strip(_EDGES) or token for token in body.split())
    telling = {stem(word) for word in _WORD.findall(body.lower())} - _FILLERS
    return frozenset(telling) | {f"={token}" for token in tokens if _is_literal(token)}


def _is_literal(token: str) -> bool:
    if token in _BULLETS:
        return False
    return not _LETTERS.fullmatch(token) or (len(token) > 1 and token.isupper())
