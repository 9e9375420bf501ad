"""Obedience to skills that contradict what a house has taught the weights: with the adapter, and without."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.evaluation.practice_arms import Attempt, measure
from metaclaw_jlab.evaluation.practice_attempt import Conditions
from metaclaw_jlab.practice import House, PracticeTask
from metaclaw_jlab.practice.told_tasks import ToldTask, told_tasks

TASKS = 240
KEPT = 0.95
_BESIDE_THE_FROZEN_SET = 1000
_DIGITS = 4


def contradicting_tasks(house: House, seed: int, n: int = TASKS) -> tuple[ToldTask, ...]:
    """n tasks of the regression split of which some told option is another one than this house's.

    They are drawn anew: a gate has chosen adapters by the frozen regression set, which would flatter them.
    """
    drawn = told_tasks("regression", _BESIDE_THE_FROZEN_SET + seed, 2 * n)
    found = [one for one in drawn if any(house.options[r] != o for r, o in one.task.options.items())]
    half = [[one for one in found if one.task.compound is compound][: n // 2] for compound in (False, True)]
    return (*half[0], *half[1])


def told_attempts(
    arm: str,
    told: Sequence[ToldTask],
    conditions: Conditions,
    on_progress: Callable[[Attempt], None] = lambda _: None,
) -> tuple[Attempt, ...]:
    """One attempt at each task under the skills that it comes with."""
    skills = {one.task.id: tuple(Match(skill, 1.0) for skill in one.skills) for one in told}

    def skills_of(task: PracticeTask) -> tuple[Match, ...]:
        return skills[task.id]

    tasks = [one.task for one in told]
    return measure(arm, tasks, conditions, skills_of=skills_of, on_progress=on_progress)


def contradiction_report(base: Sequence[Attempt], adapted: Sequence[Attempt]) -> dict[str, Any]:
    """Strict shares without and with the adapter and their ratio, over all tasks and those of one step.

    Training lifts compounds, which would hide a loss elsewhere: `kept` wants the ratio of both. Raises ValueError
    where there are no attempts.
    """
    groups = {
        name: _compared([a for a in base if within(a)], [a for a in adapted if within(a)])
        for name, within in _GROUPS.items()
    }
    ratios = [groups[name]["ratio"] for name in ("all", "single")]
    return {**groups, "kept": all(ratio is None or ratio >= KEPT for ratio in ratios)}


_GROUPS: Mapping[str, Callable[[Attempt], bool]] = {
    "all": lambda _: True,
    "single": lambda attempt: not attempt.task.compound,
    "compound": lambda attempt: attempt.task.compound,
}


def _compared(base: Sequence[Attempt], adapted: Sequence[Attempt]) -> dict[str, Any]:
    if not base or len(base) != len(adapted):
        raise ValueError(f"{len(base)} and {len(adapted)} attempts cannot be compared.")
    before, after = (sum(a.verdict.strict for a in found) / len(found) for found in (base, adapted))
    return {
        "n": len(base),
        "base": round(before, _DIGITS),
        "adapter": round(after, _DIGITS),
        "ratio": round(after / before, _DIGITS) if before else None,
    }
