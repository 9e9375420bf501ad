"""Numbers in a path: versions of adapters, numbers of runs."""

from __future__ import annotations

import re

from metaclaw_jlab.core.errors import NotFound

_NUMBER = re.compile(r"[1-9][0-9]{0,15}\Z")


def number_in(text: str, noun: str) -> int:
    """The number that a part of a path is. Raises NotFound where it is none: then nothing has it."""
    if not _NUMBER.match(text):
        raise NotFound(f"There is no {noun} {text[:40]!r}.", "Give a number, 1 or more.")
    return int(text)
