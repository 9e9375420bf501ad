"""What a skill generation is: a numbered, immutable snapshot of the skill library."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a generation was made."""

    INITIAL = "initial"
    EVOLVER = "evolver"
    USER = "user"
    IMPORT = "import"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class SkillGeneration:
    """Snapshot `number` of the library. `members` maps skill names to content hashes; `evidence` are trajectory ids."""

    number: int
    parent: int | None
    cause: Cause
    members: tuple[tuple[str, str], ...]
    evidence: tuple[str, ...]
    created_at: float
