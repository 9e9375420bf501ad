"""What the runs of the pipeline came to, by arm. The unit is the run: its stages share a topic, a paper and a fate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from metaclaw_jlab.core.resampling import bootstrap_interval
from metaclaw_jlab.evaluation.research.measuring import MOST_CYCLES, WEIGHTS

# Each with the most that it can be: an interval needs bounds.
MEASURES: Mapping[str, float] = {
    "completion": 1.0,
    "retry_rate": 1.0,
    "refine_cycles": float(MOST_CYCLES),
    "composite": 1.0,
}
COSTS = ("seconds", "calls", "prompt_tokens", "completion_tokens")
SCALES = (
    "The composite has the published weights; how retries and refine cycles are scaled is not published, and is our "
    "own: it is not to be held against published values."
)
NOT_COUNTED = (
    "Calls and tokens are the pipeline's; those of a judge or of a model that writes skills don't count."
)
ONE_RUN = (
    "One run of an arm tells nothing about the arm: a second run of the same arm differs too. Use --runs."
)
_HEADER = (
    "arm",
    "runs",
    "stages done",
    "retries a stage",
    "refine cycles",
    "composite",
    "minutes",
    "calls",
    "tokens",
    "skills",
)


def research_report(
    results: Sequence[Mapping[str, Any]], arms: Sequence[str], *, config: str, topic: str, out: str
) -> dict[str, Any]:
    """The report as JSON. Every arm is compared with the first."""
    by_arm = {arm: [one for one in results if one["arm"] == arm] for arm in arms}
    reference = arms[0]
    return {
        "benchmark": "AutoResearchClaw",
        "config": config,
        "topic": topic,
        "out": out,
        "unit": "run",
        "composite": {"weights": dict(WEIGHTS), "most_refine_cycles": MOST_CYCLES},
        "arms": {arm: _arm(found) for arm, found in by_arm.items()},
        "differences": [
            _difference(arm, by_arm[arm], reference, by_arm[reference]) for arm in arms if arm != reference
        ],
        "runs": [dict(one) for one in results],
        "notes": list(_notes(results, by_arm)),
    }


def render_report(report: Mapping[str, Any]) -> str:
    """The table of arms, what they differ in, and what is to be known about it."""
    rows = [_HEADER, *(_row(arm, found) for arm, found in report["arms"].items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines.insert(1, "-" * len(lines[0]))
    weights = ", ".join(f"{weight:g} {name}" for name, weight in report["composite"]["weights"].items())
    lines += [f"composite: {weights}", *(one["sentence"] for one in report["differences"])]
    for arm, found in report["arms"].items():
        lines += [
            f"{arm}, {stage}: {', '.join(f'{name} x{count}' for name, count in skills.items())}"
            for stage, skills in found["skills_by_stage"].items()
        ]
    return "\n".join([*lines, *report["notes"]])


def _arm(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    measures = {
        name: {
            "mean": fmean(one[name] for one in results),
            "ci95": _interval([float(one[name]) for one in results], 0.0, most),
            "runs": [one[name] for one in results],
        }
        for name, most in MEASURES.items()
    }
    skills: dict[str, Counter[str]] = {}
    for one in results:
        for stage, counts in one["skills_by_stage"].items():
            skills.setdefault(stage, Counter()).update(counts)
    return {
        "runs": len(results),
        "states": dict(Counter(one["state"] for one in results)),
        "stages_done": [one["stages_done"] for one in results],
        "stages_total": max(one["stages_total"] for one in results),
        "retries": [one["retries"] for one in results],
        "pivots": [one["pivots"] for one in results],
        **measures,
        **{name: [one[name] for one in results] for name in COSTS},
        "skills_by_stage": {stage: dict(found) for stage, found in skills.items()},
        "learnt": [one["learnt"] for one in results],
    }


def _difference(
    arm: str, ours: Sequence[Mapping[str, Any]], reference: str, theirs: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Of two arms, over the runs of the same number, each of which had the same time of day."""
    pairs = list(zip(ours, theirs, strict=False))
    measures = {}
    for name, most in MEASURES.items():
        found = [float(one[name]) - float(other[name]) for one, other in pairs]
        measures[name] = {"mean": fmean(found), "ci95": _interval(found, -most, most)}
    return {
        "arm": arm,
        "reference": reference,
        "runs": len(pairs),
        **measures,
        "sentence": _sentence(arm, reference, len(pairs), measures["composite"]),
    }


def _sentence(arm: str, reference: str, runs: int, composite: Mapping[str, Any]) -> str:
    apart = f"{arm} - {reference}: composite {composite['mean']:+.3f}"
    if composite["ci95"] is None:
        return f"{apart} in one run, from which nothing follows."
    low, high = composite["ci95"]
    shown = "no difference is shown" if low <= 0 <= high else "a difference is shown"
    return f"{apart} over {runs} runs (95 % interval {low:+.3f} to {high:+.3f}): {shown}."


def _interval(values: Sequence[float], least: float, most: float) -> list[float] | None:
    """The interval of the mean, None for one run; what lies beyond the bounds counts as they do."""
    if len(values) < 2:
        return None
    held = [min(most, max(least, value)) for value in values]
    found = bootstrap_interval(held, least=least, most=most)
    return [found.low, found.high]


def _notes(
    results: Sequence[Mapping[str, Any]], by_arm: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[str]:
    notes = [ONE_RUN] if any(len(found) == 1 for found in by_arm.values()) else []
    notes.append(
        "A retry is a stage that was carried out again, not after a decision to go back; a stage that failed is tried "
        "again as often as runtime.retry_limit says."
    )
    told = Counter[str]()
    for one in results:
        told.update(one["stage_told_by"])
    if told["time"]:
        notes.append(
            f"{told['time']} of {sum(told.values())} turns carried no X-AutoRC-Stage: their stage is told by the time."
        )
    if told["unknown"]:
        notes.append(f"Of {told['unknown']} turns nothing tells the stage; they stand under ?.")
    notes += [SCALES, NOT_COUNTED]
    if trouble := next((one["learnt"]["trouble"] for one in results if one["learnt"]), ""):
        notes.append(f"Failures still wait to be learnt from: {trouble}")
    notes.append(
        "The pipeline's own searches and experiments differ from run to run; no weights are trained between runs."
    )
    return notes


def _row(arm: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    done = ", ".join(map(str, found["stages_done"]))
    tokens = sum(found["prompt_tokens"]) + sum(found["completion_tokens"])
    names = {name for counts in found["skills_by_stage"].values() for name in counts}
    return (
        arm,
        str(found["runs"]),
        f"{done} of {found['stages_total']}",
        _measure(found["retry_rate"]),
        _measure(found["refine_cycles"]),
        _measure(found["composite"]),
        f"{sum(found['seconds']) / 60:.1f}",
        str(sum(found["calls"])),
        f"{tokens:,}",
        str(len(names)),
    )


def _measure(found: Mapping[str, Any]) -> str:
    if found["ci95"] is None:
        return f"{found['mean']:.3f}"
    low, high = found["ci95"]
    return f"{found['mean']:.3f} ({low:.3f} to {high:.3f})"
