"""Whether an evolved skill alone is obeyed as well as the given one: both on fresh tasks of their one rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.evaluation.practice_arms import Attempt, Household, measure
from metaclaw_jlab.evaluation.practice_attempt import Conditions
from metaclaw_jlab.practice import PracticeTask, sample_task

TRIALS = 10
MARGIN = 0.10
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Candidate:
    """An evolved skill of a house, and the rule that it states."""

    household: Household
    skill: Skill
    rule: str

    @property
    def given(self) -> Skill:
        """The given skill of the same rule."""
        return next(skill for skill in self.household.skills if skill.name == self.rule)


@dataclass(frozen=True, slots=True)
class Obeyed:
    """The shares of fresh tasks that were strict with the evolved skill alone, and with the given one alone."""

    candidate: Candidate
    evolved: float
    given: float

    @property
    def reaches(self) -> bool:
        """Whether the evolved skill is obeyed as the given one is, within the margin."""
        return self.evolved >= self.given - MARGIN - 1e-9


def compare_obedience(
    candidates: Sequence[Candidate],
    conditions: Conditions,
    *,
    seed: int,
    trials: int = TRIALS,
    on_progress: Callable[[Attempt], None] = lambda _: None,
) -> tuple[Obeyed, ...]:
    """Both skills of each candidate on `trials` tasks of the test split to which the rule alone applies."""
    drawn = [_draw(candidate, f"{seed}/{number}", trials) for number, candidate in enumerate(candidates)]
    tasks = [task for of_candidate in drawn for task in of_candidate]
    owners = {task.id: candidate for candidate, own in zip(candidates, drawn, strict=True) for task in own}
    shares: dict[str, list[float]] = {}
    for arm, skill_of in (("evolved", _evolved), ("given", _given)):
        found = measure(
            arm,
            tasks,
            conditions,
            skills_of=lambda task, skill_of=skill_of: (Match(skill_of(owners[task.id]), 1.0),),  # type: ignore[misc]
            on_progress=on_progress,
        )
        strict = [attempt.verdict.strict for attempt in found]
        shares[arm] = [sum(strict[i : i + trials]) / trials for i in range(0, len(strict), trials)]
    return tuple(map(Obeyed, candidates, shares["evolved"], shares["given"]))


def obedience_report(found: Sequence[Obeyed]) -> dict[str, Any]:
    """How many of the skills reach the given ones, and the mean shares; None where there are no skills."""
    count = len(found)
    mean: Mapping[str, float] = {
        "evolved": sum(one.evolved for one in found) / max(count, 1),
        "given": sum(one.given for one in found) / max(count, 1),
    }
    reach = sum(one.reaches for one in found)
    return {
        "skills": count,
        "trials": TRIALS,
        "margin": MARGIN,
        "share_within_margin": round(reach / count, _DIGITS) if count else None,
        "mean_evolved": round(mean["evolved"], _DIGITS) if count else None,
        "mean_given": round(mean["given"], _DIGITS) if count else None,
        "by_rule": _by_rule(found),
    }


def _by_rule(found: Sequence[Obeyed]) -> dict[str, dict[str, float]]:
    report = {}
    for rule in sorted({one.candidate.rule for one in found}):
        own = [one for one in found if one.candidate.rule == rule]
        report[rule] = {
            "skills": len(own),
            "evolved": round(sum(one.evolved for one in own) / len(own), _DIGITS),
            "given": round(sum(one.given for one in own) / len(own), _DIGITS),
        }
    return report


def _evolved(candidate: Candidate) -> Skill:
    return candidate.skill


def _given(candidate: Candidate) -> Skill:
    return candidate.given


def _draw(candidate: Candidate, key: str, trials: int) -> list[PracticeTask]:
    house, found = candidate.household.house, []
    for number in range(trials):
        rng = Random(f"obedience/{key}/{number}")
        task = sample_task(rng, "test", house, compound=False, rules=1, rule=candidate.rule)
        found.append(replace(task, id=f"obedience-{key}-{number}"))
    return found
