"""What MetaClaw-Bench is made of: days of rounds in one conversation and one workspace."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from metaclaw_jlab.core.policy import Message

CHECK_SECONDS = 30.0  # the longest that a check may run


class Change(StrEnum):
    """What an update does to a file, in the format's own words."""

    NEW = "new"
    APPEND = "append"
    INSERT = "insert"  # after so many lines
    DELETE = "delete"  # lines


@dataclass(frozen=True, slots=True)
class Update:
    """What changes in the workspace before a round, or, where `path` is None, what the user and another side have said
    meanwhile. `lines` are the places of lines to delete, from 0; slices may be open (None)."""

    change: Change
    path: str | None
    content: bytes = b""
    after: int = 0
    lines: tuple[tuple[int, int | None], ...] = ()
    said: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class FileCheck:
    """A round whose workspace is looked at by a shell line. `stdout` is what its output must hold, or a pattern."""

    id: str
    question: str
    command: str
    when_right: str
    when_wrong: str
    expect_exit: int = 0
    stdout: str | None = None
    stdout_is_pattern: bool = False
    seconds: float = CHECK_SECONDS
    group: str = ""
    updates: tuple[Update, ...] = ()

    @property
    def kind(self) -> str:
        """The name of the type in the benchmark's files."""
        return "file_check"


@dataclass(frozen=True, slots=True)
class MultiChoice:
    """A round answered by a set of options' letters. `lines` has a line of feedback for each option."""

    id: str
    question: str
    options: Mapping[str, str]
    answer: frozenset[str]
    when_right: str
    lines: Mapping[str, str]
    group: str = ""
    updates: tuple[Update, ...] = ()

    @property
    def kind(self) -> str:
        """The name of the type in the benchmark's files."""
        return "multi_choice"


Round = FileCheck | MultiChoice


@dataclass(frozen=True, slots=True)
class Day:
    """A day: the messages that open its conversation, then its rounds, which may come in several groups: each begins
    without feedback, in the same conversation and workspace. The id of a round of one of several groups begins with
    its group's, `group/round`."""

    id: str
    description: str
    arc: str
    preferences: tuple[str, ...]
    opening: tuple[Message, ...]
    rounds: tuple[Round, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of its rounds, in order."""
        return tuple(dict.fromkeys(round_.group for round_ in self.rounds))

    @property
    def sha256(self) -> str:
        """Hash of all that the day says and asks."""
        said = asdict(self)
        for round_ in said["rounds"]:
            if "answer" in round_:
                round_["answer"] = sorted(round_["answer"])
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=bytes.hex).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The days in order. `workspaces` holds what they start with, `checkers` the scripts that score, by path."""

    name: str
    days: tuple[Day, ...]
    workspaces: Path
    checkers: Mapping[str, bytes]
