"""Which names, option values, wordings and phrasings belong to which split: decided once, in splits.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import PracticeError

SPLITS = ("train", "replay", "validation", "regression", "test")
FILE = Path(__file__).with_name("splits.json")


@cache
def load() -> dict[str, Any]:
    """The content of splits.json."""
    data: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return data


@cache
def splits_sha256() -> str:
    """SHA-256 of splits.json; published results quote it."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()


def require(split: str) -> str:
    """The split itself. Raises PracticeError where there is none of this name."""
    if split not in SPLITS:
        raise PracticeError(f"{split!r} is no split.", f"Use one of {', '.join(SPLITS)}.")
    return split


def pool(kind: str, split: str) -> Sequence[str]:
    """The names of a kind (`names`, `files`, `columns`, `words`) in a split."""
    found: Sequence[str] = load()[kind][require(split)]
    return found


def values(rule: str, split: str) -> Sequence[str]:
    """The option values of a rule in a split, the habit aside."""
    found: Sequence[str] = load()["values"][rule][require(split)]
    return found


def trained_wordings(group: str, split: str) -> Sequence[int]:
    """Ids of the wordings of a group that training knows too; replay and regression share none."""
    found: Sequence[int] = load()["wordings"][group][split if split in ("replay", "regression") else "train"]
    return found


def held_out_wordings(group: str, split: str) -> Sequence[int]:
    """Ids of the wordings that training never sees; empty but for validation and test."""
    found: Sequence[int] = load()["wordings"][group].get(split, ()) if split in ("validation", "test") else ()
    return found


def phrasings(group: str, split: str, *, held_out: bool) -> Sequence[int]:
    """Ids of the phrasings of a group of templates."""
    key = split if split in ("replay", "regression") else "train"
    if held_out:
        key = "validation" if split == "validation" else "test"
    found: Sequence[int] = load()["phrasings"][group][key]
    return found


@cache
def held_out_pairs() -> frozenset[tuple[str, str]]:
    """Pairs of family and rule that occur together in the test split only."""
    return frozenset((family, rule) for family, rule in load()["held_out_pairs"])
