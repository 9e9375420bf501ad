"""The card of an adapter, `metaclaw.json` beside its weights: which version it is, and of what."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from metaclaw_jlab.core.errors import AdapterRefused
from metaclaw_jlab.runtime.home import replace_private

CARD = "metaclaw.json"
CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
KINDS = {"version": int, "base": str, "base_sha256": str, "skill_generation": int, "sha256": str}


@dataclass(frozen=True, slots=True)
class AdapterCard:
    """`sha256` is of the weights file; `base` names the model, `base_sha256` is `base_identity.base_sha256` of it."""

    version: int
    base: str
    base_sha256: str
    skill_generation: int
    sha256: str


def write_card(folder: Path, card: AdapterCard) -> None:
    """Put the card into an adapter's folder."""
    replace_private(folder / CARD, json.dumps(asdict(card), indent=2) + "\n")


def read_card(folder: Path) -> AdapterCard:
    """The card of an adapter. Raises AdapterRefused."""
    try:
        found = json.loads((folder / CARD).read_text(encoding="utf-8"))
        values = [found[name] for name in KINDS]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AdapterRefused(
            f"{folder / CARD} cannot be read ({type(error).__name__}: {error}).",
            "The adapter is not complete: train again, or put its files back.",
        ) from error
    for value, (name, kind) in zip(values, KINDS.items(), strict=True):
        if type(value) is not kind:
            raise AdapterRefused(
                f"{folder / CARD} has no valid {name}.", "Train again, or put the adapter's files back."
            )
    return AdapterCard(*values)
