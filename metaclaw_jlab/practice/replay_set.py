"""The frozen replay set: tasks under other houses' rules, mixed into every training so that skills stay obeyed."""

from __future__ import annotations

from metaclaw_jlab.practice.demonstrations import PROMPT_SKILLS
from metaclaw_jlab.practice.names import Style
from metaclaw_jlab.practice.told_tasks import ToldTask, told_sha256, told_tasks

SIZE = 400
_SEED = 5


def replay_set(
    n: int = SIZE, *, names: Style = "random", most_skills: int = PROMPT_SKILLS
) -> tuple[ToldTask, ...]:
    """The first n tasks of the set; about any one house their skills mostly say something else."""
    return told_tasks("replay", _SEED, n, names=names, most_skills=most_skills)


def replay_sha256() -> str:
    """SHA-256 of the whole set, names and number of skills being the defaults."""
    return told_sha256(replay_set())
