"""The frozen regression set: what a gate holds an adapter against, so that it stays obedient to any skill."""

from __future__ import annotations

from metaclaw_jlab.practice.told_tasks import ToldTask, told_sha256, told_tasks

SIZE = 240
_SEED = 5


def regression_set(n: int = SIZE) -> tuple[ToldTask, ...]:
    """The first n tasks of the set. No task, option value, name or phrasing of it is in the replay set.

    None of their options is a habit: only what the skill says makes them right.
    """
    return told_tasks("regression", _SEED, n)


def regression_sha256() -> str:
    """SHA-256 of the whole set."""
    return told_sha256(regression_set())
