"""Secrets that only their randomness tells: long words in which the kinds of characters change all the time."""

from __future__ import annotations

import re
from itertools import pairwise

from metaclaw_jlab.redaction.pattern import Pattern

# Words of base 62 and 64. Hexadecimal ones stay: hashes of commits and files, UUIDs, ids of cells.
_WORD = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{20,}+={0,2}")
_RUN = re.compile(r"[A-Za-z0-9]{16,}")
_HEX = re.compile(r"(?:0x)?(?:[0-9a-f]+|[0-9A-F]+)\Z")
_SPELT = re.compile(r"[A-Za-z][a-z]{3,}")  # what reads as a word
_DIGITS = re.compile(r"\d+")
# Of neighbours in random text of letters and digits 62 % are of different kinds, in names of code under 35 %.
_MIXED_CHANGES = 0.42
_MOST_SPELT = 0.5
# In random text of small letters and digits 40 %; names with so many numbers in them are not found under that length.
_SMALL_CHANGES, _SMALL_LENGTH, _SMALL_NUMBERS = 0.26, 24, 5


def _is_random(match: re.Match[str]) -> bool:
    return any(_looks_random(run) for run in _RUN.findall(match[0]))


def _looks_random(run: str) -> bool:
    if _HEX.match(run):
        return False
    kinds = [_kind(character) for character in run]
    changes = sum(a != b for a, b in pairwise(kinds)) / (len(run) - 1)
    present = set(kinds)
    if len(present) == 3:
        spelt = sum(map(len, _SPELT.findall(run)))
        return changes >= _MIXED_CHANGES and spelt <= len(run) * _MOST_SPELT
    if present == {"a", "0"} or present == {"A", "0"}:
        numbers = len(_DIGITS.findall(run))
        return len(run) >= _SMALL_LENGTH and numbers >= _SMALL_NUMBERS and changes >= _SMALL_CHANGES
    return False


def _kind(character: str) -> str:
    return "0" if character.isdigit() else "a" if character.islower() else "A"


PATTERNS = (Pattern("secret", _WORD, (), _is_random),)
