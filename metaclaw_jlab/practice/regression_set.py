"""The frozen regression set: what a gate holds an adapter against, so that it stays obedient to any skill."""

from __future__ import annotations

from metaclaw_jlab.practice.demonstrations import PROMPT_SKILLS
from metaclaw_jlab.practice.names import Style
from metaclaw_jlab.practice.told_tasks import ToldTask, told_sha256, told_tasks

SIZE = 240
_SEED = 5


def regression_set(
    n: int = SIZE, *, names: Style = "random", most_skills: int = PROMPT_SKILLS
) -> tuple[ToldTask, ...]:
    """The first n tasks of the set. No task, option value, name or phrasing of it is in the replay set.

    None of their options is a habit: only what the skill says makes them right.
    """
    return told_tasks("regression", _SEED, n, names=names, most_skills=most_skills)


def regression_sha256() -> str:
    """SHA-256 of the whole set, names and number of skills being the defaults."""
    return told_sha256(regression_set())
