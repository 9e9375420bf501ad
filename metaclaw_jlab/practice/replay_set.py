"""The frozen replay set: tasks under other houses' rules, mixed into every training so that skills stay obeyed."""

from __future__ import annotations

from metaclaw_jlab.practice.told_tasks import ToldTask, told_sha256, told_tasks

SIZE = 400
_SEED = 5


def replay_set(n: int = SIZE) -> tuple[ToldTask, ...]:
    """The first n tasks of the set; about any one house their skills mostly say something else."""
    return told_tasks("replay", _SEED, n)


def replay_sha256() -> str:
    """SHA-256 of the whole set."""
    return told_sha256(replay_set())
