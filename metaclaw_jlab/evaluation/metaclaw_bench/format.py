"""What MetaClaw-Bench is made of: days of rounds in one conversation and one workspace."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from metaclaw_jlab.core.policy import Message

CHECK_SECONDS = 30.0  # the longest that a check may run


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

    @property
    def kind(self) -> str:
        """The name of the type in the benchmark's files."""
        return "multi_choice"


Round = FileCheck | MultiChoice


@dataclass(frozen=True, slots=True)
class Day:
    """A day: the messages that open its conversation, then its rounds. `group` names its rounds in result files."""

    id: str
    group: str
    description: str
    arc: str
    preferences: tuple[str, ...]
    opening: tuple[Message, ...]
    rounds: tuple[Round, ...]

    @property
    def sha256(self) -> str:
        """Hash of all that the day says and asks."""
        said = asdict(self)
        for round_ in said["rounds"]:
            if "answer" in round_:
                round_["answer"] = sorted(round_["answer"])
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The days in order. `workspaces` holds what they start with, `checkers` the scripts that score, by path."""

    name: str
    days: tuple[Day, ...]
    workspaces: Path
    checkers: Mapping[str, bytes]
