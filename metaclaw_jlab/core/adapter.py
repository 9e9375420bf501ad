"""What an adapter is: a LoRA version of the local policy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AdapterStatus(StrEnum):
    """Where an adapter stands between training and serving."""

    CANDIDATE = "candidate"
    PROMOTED = "promoted"
    REJECTED = "rejected"
    FORCED = "forced"


@dataclass(frozen=True, slots=True)
class Adapter:
    """Version `version` of a LoRA adapter over the base model `base`; `sha256` is of its weights file."""

    version: int
    base: str
    sha256: str
    status: AdapterStatus
    skill_generation: int
    created_at: float
    reason: str = ""
