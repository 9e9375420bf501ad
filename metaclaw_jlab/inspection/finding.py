"""What a finding of the doctor is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from metaclaw_jlab.core.errors import MetaclawError


class Level(StrEnum):
    """How good or bad it is. `warn`: it works, but less well than it could."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part that was looked at. `next_step` says what to do wherever `level` is not ok."""

    name: str
    level: Level
    sentence: str
    next_step: str = ""


def ok(name: str, sentence: str) -> Finding:
    """It works."""
    return Finding(name, Level.OK, sentence)


def warn(name: str, sentence: str, next_step: str) -> Finding:
    """It works, but."""
    return Finding(name, Level.WARN, sentence, next_step)


def fail(name: str, sentence: str, next_step: str) -> Finding:
    """It does not work."""
    return Finding(name, Level.FAIL, sentence, next_step)


def failed(name: str, error: MetaclawError) -> Finding:
    """It does not work, for the reason of an error."""
    return fail(name, error.cause, error.next_step or "Run `metaclaw doctor` again when that is mended.")
