"""What an adapter is: a LoRA version of the local policy."""

from __future__ import annotations

import re
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


_PINNED = re.compile(r"(?P<base>.+)@v(?P<version>\d+)\Z", re.DOTALL)


def pinned(base: str, version: int | None) -> str:
    """The model name that asks for exactly this version of the weights; None: the base without adapter."""
    return f"{base}@v{version or 0}"


def answering(model: str) -> tuple[str, int | None]:
    """What a trajectory is stamped with: the model that answers to a name, and its adapter's version.

    The base pinned without adapter is the base: `m@v0` gives (`m`, None), `m@v3` gives (`m@v3`, 3).
    """
    found = _PINNED.match(model)
    if found is None:
        return model, None
    version = int(found["version"])
    return (model, version) if version else (found["base"], None)
