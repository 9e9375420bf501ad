"""What an ablation shows, and what it does not, in one sentence for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metaclaw_jlab.core.ablation import AblationPlan
from metaclaw_jlab.core.arm import BASE, Arm, SkillSource
from metaclaw_jlab.core.conclusion import WORTHWHILE, Finding
from metaclaw_jlab.core.power import about

Record = Mapping[str, Any]


def verdict(
    plan: AblationPlan, comparisons: Sequence[Record], training: Sequence[Record], *, done: int, of: int
) -> str:
    """What the report's comparisons and trainings say together: what is shown first, then what is not."""
    if not done:
        return "Nothing has been attempted yet."
    far = f"So far ({done:,} of {of:,} attempts): " if done < of else ""
    found = [*((one, _told(one)) for one in comparisons), *((one, _told_training(one)) for one in training)]
    if not found:
        missing = "there is one arm alone, and nothing to compare it with" if len(plan.arms) < 2 else None
        return _sentence(f"{far}{missing or 'no two arms have a test task in common yet'}")
    order = (Finding.BETTER, Finding.WORSE, Finding.NOT_SHOWN)
    found.sort(key=lambda one: order.index(Finding(one[0]["finding"])))
    clauses = "; ".join(words for _, words in found)
    lead = _lead(plan, [one for one, _ in found])
    text = f"{far}{lead}{clauses}{_needed(comparisons)}"
    # An arm's name is written as it is, at the beginning too.
    return f"{text}." if text.startswith(tuple(arm.name for arm in plan.arms)) else _sentence(text)


def _lead(plan: AblationPlan, found: Sequence[Record]) -> str:
    """The answer to the question that an ablation is about, where it is about that: did learning help?"""
    arms = {arm.name: arm for arm in plan.arms}
    if _has_learnt(arms[plan.reference]):
        return ""
    findings = {
        Finding(one["finding"])
        for one in found
        if one["reference"] == plan.reference and _has_learnt(arms[one["arm"]])
    }
    if not findings:
        return ""
    if Finding.BETTER in findings:
        return "learning helped and did harm: " if Finding.WORSE in findings else "learning helped: "
    return "learning did harm: " if Finding.WORSE in findings else "it is not shown that learning helped: "


def _has_learnt(arm: Arm) -> bool:
    """Whether the arm uses what was learnt; a placebo's skills, for one, are of another house."""
    return arm.skills is SkillSource.LIBRARY or arm.adapter != BASE or arm.learning.weights


def _told(one: Record) -> str:
    low, high = one["ci95"]
    interval = f"95 % interval {100 * low:+.1f} to {100 * high:+.1f}"
    if one["finding"] == Finding.NOT_SHOWN:
        return (
            f"no difference shown between {one['arm']} and {one['reference']} "
            f"({100 * one['difference']:+.1f} points, {interval})"
        )
    return (
        f"{one['arm']} is {_points(one['difference'])} {one['finding']} than {one['reference']} ({interval})"
    )


def _told_training(one: Record) -> str:
    differences = {seed["seed"]: seed["difference"] for seed in one["seeds"]}
    count = len(differences)
    arm, reference, finding = one["arm"], one["reference"], one["finding"]
    if count == 1:
        (difference,) = differences.values()
        if finding == Finding.NOT_SHOWN:
            return (
                f"no difference shown between the one training of {arm} and {reference} "
                f"({100 * difference:+.1f} points)"
            )
        return (
            f"{arm} is {_points(difference)} {finding} than {reference} in its one training, and how much of "
            "that is luck is not known"
        )
    worst, best = differences[one["worst"]], differences[one["best"]]
    span = f"the worst at {100 * worst:+.1f} points, the best at {100 * best:+.1f}"
    if finding == Finding.NOT_SHOWN:
        return f"it is not shown that each of {count} trainings of {arm} differs from {reference} ({span})"
    return f"{arm} is {finding} than {reference} in each of {count} trainings ({span})"


def _needed(comparisons: Sequence[Record]) -> str:
    """What would settle it, for the arm that is hardest to tell; only where something is open."""
    needed = [
        one["needed"]
        for one in comparisons
        if one["finding"] == Finding.NOT_SHOWN and one["needed"] and one["needed"] > one["tasks"]
    ]
    if not needed:
        return ""
    return f", where {100 * WORTHWHILE:g} points would take about {about(max(needed))} tasks to be seen"


def _points(difference: float) -> str:
    size = f"{100 * abs(difference):.1f}"
    return f"{size} point{'' if size == '1.0' else 's'}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
