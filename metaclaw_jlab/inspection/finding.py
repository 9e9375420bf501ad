"""What a finding of the doctor is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from metaclaw_jlab.core.errors import MetaclawError, MissingExtra


class Level(StrEnum):
    """How good or bad it is. `warn`: it works, but less well than it could."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part that was looked at. `next_step` says what to do wherever `level` is not ok, and `command` does it, where
    one command can: in a terminal, or in a notebook where it begins with %."""

    name: str
    level: Level
    sentence: str
    next_step: str = ""
    command: str = ""


def ok(name: str, sentence: str) -> Finding:
    """It works."""
    return Finding(name, Level.OK, sentence)


def warn(name: str, sentence: str, next_step: str, command: str = "") -> Finding:
    """It works, but."""
    return Finding(name, Level.WARN, sentence, next_step, command)


def fail(name: str, sentence: str, next_step: str, command: str = "") -> Finding:
    """It does not work."""
    return Finding(name, Level.FAIL, sentence, next_step, command)


def failed(name: str, error: MetaclawError, command: str = "") -> Finding:
    """It does not work, for the reason of an error."""
    if not command and isinstance(error, MissingExtra):
        command = install(error.extra)
    next_step = error.next_step or "Run `metaclaw doctor` again when that is mended."
    return fail(name, error.cause, next_step, command)


def install(extra: str) -> str:
    """The command that installs an optional extra."""
    return f'pip install "metaclaw-jlab[{extra}]"'
