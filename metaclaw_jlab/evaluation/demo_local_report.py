"""What was measured with a local model: the keys of the demo's report, and those that a small real model needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from metaclaw_jlab.core.estimate import proportion_interval
from metaclaw_jlab.evaluation.arm_report import arm_report, paired_report, share_of_distance
from metaclaw_jlab.evaluation.learnt_arms import FULL, SKILLS
from metaclaw_jlab.evaluation.practice_arms import BASELINE, GIVEN_SKILLS, Attempt

_PAIRS = ((BASELINE, GIVEN_SKILLS), (BASELINE, SKILLS), (SKILLS, FULL), (SKILLS, GIVEN_SKILLS))
_DIGITS = 4
_HEADER = (
    "arm",
    "n",
    "task right",
    "95 % interval",
    "strict",
    "95 % interval",
    "s",
    "tokens",
    "repaired",
    "skill",
)


def local_arms_report(attempts: Mapping[str, Sequence[Attempt]], max_skills: int) -> dict[str, Any]:
    """The arms as the demo reports them, their share of tasks right with intervals, and what they cost.

    Raises ValueError where there is no task that every arm has done.
    """
    pairs = [pair for pair in _PAIRS if attempts.keys() >= set(pair)]
    report = arm_report(attempts, max_skills, pairs)
    return {
        **report,
        "share_of_distance": share_of_distance(report, BASELINE, SKILLS, GIVEN_SKILLS),
        "task_right": {arm: _right(found) for arm, found in attempts.items()},
        "pairs_task_right": {
            f"{a} {b}": paired_report(attempts[a], attempts[b], lambda one: one.verdict.task_right)
            for a, b in pairs
        },
        "repairs": {arm: _repairs(found) for arm, found in attempts.items()},
        "with_skill": {arm: _mean(bool(one.skills) for one in found) for arm, found in attempts.items()},
        "cost": {arm: _cost(found) for arm, found in attempts.items()},
    }


def render_local_arms(report: Mapping[str, Any]) -> str:
    """The table of the arms, and what failed and differs, in lines."""
    from metaclaw_jlab.evaluation.arm_report import render_pair

    rows = [_HEADER, *(_row(arm, report) for arm in report["arms"])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "-" * len(lines[0]))
    lines += [_parts_line(report)] if report.get("compound") else []
    for arm, failures in report["failures"].items():
        if failures["n"]:
            lines.append(
                f"{arm}: attempts that failed and count as wrong: {failures['n']}. {failures['example']}"
            )
    lines += ["", "strict, paired:", *(render_pair(*pair) for pair in report["pairs"].items())]
    lines += ["task right, paired:", *(render_pair(*pair) for pair in report["pairs_task_right"].items())]
    return "\n".join(line.rstrip() for line in lines)


def _row(arm: str, report: Mapping[str, Any]) -> tuple[str, ...]:
    strict, right = report["arms"][arm], report["task_right"][arm]
    cost, repairs = report["cost"][arm], report["repairs"][arm]
    return (
        arm,
        str(strict["n"]),
        f"{right['task_right']:.3f}",
        _between(right["ci95"]),
        f"{strict['strict']:.3f}",
        _between(strict["ci95"]),
        f"{cost['seconds']:.1f}",
        f"{cost['prompt_tokens']:.0f} + {cost['completion_tokens']:.0f}",
        f"{repairs['n']} ({repairs['task_right']} right)",
        f"{report['with_skill'][arm]:.2f}",
    )


def _parts_line(report: Mapping[str, Any]) -> str:
    told = [
        f"{arm} {report['single'][arm]['task_right']:.3f} and {shares['task_right']:.3f}"
        for arm, shares in report["compound"].items()
        if arm in report["single"]
    ]
    return f"task right of tasks with one part and with two: {', '.join(told)}"


def _right(found: Sequence[Attempt]) -> dict[str, Any]:
    interval = proportion_interval(sum(one.verdict.task_right for one in found), len(found))
    return {
        "n": len(found),
        "task_right": round(interval.estimate, _DIGITS),
        "ci95": [round(interval.low, _DIGITS), round(interval.high, _DIGITS)],
    }


def _repairs(found: Sequence[Attempt]) -> dict[str, Any]:
    """Attempts that were asked to mend what had raised, how many then ran, and were right."""
    tried = [one for one in found if one.repairs]
    return {
        "n": len(tried),
        "steps": sum(one.repairs for one in tried),
        "ran": sum(one.mended for one in tried),
        "task_right": sum(one.mended and one.verdict.task_right for one in tried),
    }


def _cost(found: Sequence[Attempt]) -> dict[str, float]:
    """Means of an attempt."""
    return {
        "seconds": round(fmean(one.seconds for one in found), 2),
        "prompt_tokens": round(fmean(one.prompt_tokens for one in found), 1),
        "completion_tokens": round(fmean(one.completion_tokens for one in found), 1),
        "steps": round(fmean(one.steps for one in found), 2),
    }


def _mean(values: Any) -> float:
    return round(fmean(map(float, values)), _DIGITS)


def _between(interval: Sequence[float]) -> str:
    low, high = interval
    return f"{low:.3f} to {high:.3f}"
