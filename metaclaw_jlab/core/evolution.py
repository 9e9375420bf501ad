"""What evolution works on: a failure as an evolver sees it, and the skills that it drafts from failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from metaclaw_jlab.core.skill import Skill


class FailureKind(StrEnum):
    """What told that a task failed."""

    CHECK = "check"
    EXCEPTION = "exception"  # of the last code that ran
    BAD = "bad"  # the user said so
    EDITED = "edited"
    REJECTED = "rejected"
    JUDGED = "judged"  # a judge's majority, of a turn of another agent


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed trajectory, redacted. `code` is what ran, `observation` what it showed, `feedback` what was wrong, a
    sentence each; `instead` is the code that the user ran in its place; `skills` were in the prompt."""

    trajectory: str
    kind: FailureKind
    task: str
    code: str
    observation: str
    feedback: tuple[str, ...]
    instead: str = ""
    skills: tuple[Skill, ...] = ()
    skill_generation: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """Where a skill came from: a failed trajectory, and the sentence about it that the skill answers."""

    trajectory: str
    said: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A skill to be: `wordings` are bodies that say the same, the best guess first. `amends` names the skill that it
    replaces. `others` answer the same failures and are tried where this one does not help. One that is `doubtful` was
    written by a model that is often wrong: where nothing can be tried another goes before it."""

    name: str
    description: str
    wordings: tuple[str, ...]
    sources: tuple[Source, ...]
    amends: str | None = None
    others: tuple[Draft, ...] = ()
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an evolver makes of failures.

    `explained` are failures that a skill of the library (named) already answers, injected or not; `kept` those that
    teach nothing, with the reason in a sentence. A trajectory with several sentences may be in more than one.
    """

    drafts: tuple[Draft, ...] = ()
    explained: tuple[tuple[Source, str], ...] = ()
    kept: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class Evolver(Protocol):
    """Distils failures into skills."""

    def propose(self, failures: Sequence[Failure], library: Sequence[Skill]) -> Proposal:
        """At most 3 drafts. Raises PolicyError where a model behind it fails, EvolverError for useless replies."""
