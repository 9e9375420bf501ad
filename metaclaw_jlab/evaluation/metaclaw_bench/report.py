"""What a run came to, as JSON values and as a table, with the floor beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from metaclaw_jlab.evaluation.metaclaw_bench.comparing import comparisons
from metaclaw_jlab.evaluation.metaclaw_bench.curve import render_curve
from metaclaw_jlab.evaluation.metaclaw_bench.format import Benchmark, MultiChoice
from metaclaw_jlab.evaluation.metaclaw_bench.intervals import clustered_interval
from metaclaw_jlab.evaluation.metaclaw_bench.sanity import SANITY_POLICIES
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import (
    DayResult,
    RoundResult,
    Spent,
    added,
    choice_score,
)

CLUSTER = "day"
_HEADER = ("arm", "rounds", "accuracy", "95 % interval", "completion", "exact match")


@dataclass(frozen=True, slots=True)
class Prices:
    """Of a million tokens, in a currency of the user's."""

    prompt: float = 0.0
    completion: float = 0.0

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens cost."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6


def bench_report(
    benchmark: Benchmark,
    arms: Mapping[str, Sequence[DayResult]],
    *,
    reference: str | None = None,
    prices: Prices | None = None,
) -> dict[str, Any]:
    """Accuracy, completion and exact match of each arm and day as shares, the floor, and each round's score.

    `ci95` is that of the accuracy; all intervals are clustered by day. A share of nothing is None, and so is a cost
    without prices. Arms are compared with `reference`, where one is named.
    """
    return {
        "benchmark": benchmark.name,
        "arms": {arm: arm_report(results, prices) for arm, results in arms.items()},
        "floor": {"select_all": select_all_floor(benchmark)},
        "days": [
            {
                "id": day.id,
                "description": day.description,
                "arc": day.arc,
                "rounds": len(day.rounds),
                "arms": {
                    arm: _day_report(result)
                    for arm, results in arms.items()
                    for result in results
                    if result.day == day.id
                },
            }
            for day in benchmark.days
        ],
        "clustered_by": CLUSTER,
        "reference": reference,
        "comparisons": [] if reference is None else comparisons(_measured(arms), reference),
    }


def _measured(arms: Mapping[str, Sequence[DayResult]]) -> dict[str, Sequence[DayResult]]:
    """What is no sanity policy: of those it is known beforehand what they score."""
    return {arm: results for arm, results in arms.items() if arm not in SANITY_POLICIES}


def arm_report(results: Sequence[DayResult], prices: Prices | None = None) -> dict[str, Any]:
    """The shares of an arm over all its rounds, with their intervals, and what they took: tokens and cost of all that
    was said, feedback that was sent alone too, and the median seconds of a round."""
    accuracy = clustered_interval([[one.score for one in day.rounds] for day in results])
    report: dict[str, Any] = {
        **_shares([one for day in results for one in day.rounds]),
        "ci95": [accuracy.low, accuracy.high] if accuracy else None,
    }
    for name, kind in (("completion", "file_check"), ("exact_match", "multi_choice")):
        found = clustered_interval(
            [[float(one.right) for one in day.rounds if one.kind == kind] for day in results]
        )
        report[f"{name}_ci95"] = [found.low, found.high] if found else None
    failures = [one.failure for day in results for one in day.rounds if one.failure]
    report["failures"] = {"n": len(failures), "example": failures[0] if failures else None}
    report["notes"] = [f"{day.day}: {note}" for day in results for note in day.notes]
    return {**report, **_taken(results, prices)}


def _taken(results: Sequence[DayResult], prices: Prices | None) -> dict[str, Any]:
    rounds = [one for day in results for one in day.rounds]
    spent = Spent()
    for one in (*(one.spent for one in rounds), *(day.closing for day in results)):
        spent = added(spent, one)
    return {
        "tokens": {"prompt": spent.prompt_tokens, "completion": spent.completion_tokens},
        "cost": prices.cost(spent.prompt_tokens, spent.completion_tokens) if prices is not None else None,
        "seconds": median(one.seconds for one in rounds) if rounds else None,
        "policy_seconds": spent.policy_seconds,
        "steps": spent.steps,
        "with_skills": sum(bool(one.skills) for one in rounds),
        "shortened": sum(bool(one.left_out) for one in rounds),
    }


def select_all_floor(benchmark: Benchmark) -> float | None:
    """The accuracy of answering every multiple choice with all its options and doing no file work."""
    scores = [
        choice_score(round_, frozenset(round_.options)) if isinstance(round_, MultiChoice) else 0.0
        for day in benchmark.days
        for round_ in day.rounds
    ]
    return _mean(scores)


def render_report(report: Mapping[str, Any]) -> str:
    """The table of arms, and the floor that they have to be held against."""
    rows = [_HEADER]
    for arm, found in report["arms"].items():
        low, high = found["ci95"] or (None, None)
        interval = "-" if low is None else f"{_percent(low)} to {_percent(high)}"
        shares = (_percent(found[name]) for name in ("completion", "exact_match"))
        rows.append((arm, str(found["rounds"]), _percent(found["accuracy"]), interval, *shares))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "-" * len(lines[0]))
    if not report["arms"]:
        rounds = sum(day["rounds"] for day in report["days"])
        lines = [f"{report['benchmark']}: {len(report['days'])} days, {rounds} rounds, no fault found."]
    for arm, found in report["arms"].items():
        if found["failures"]["n"]:
            lines.append(
                f"{arm}: {found['failures']['n']} rounds had no answer: {found['failures']['example']}"
            )
    floor = _percent(report["floor"]["select_all"])
    lines.append(f"The floor, all options selected and no file work, is {floor} accuracy.")
    if report["arms"]:
        lines.append(f"Intervals are clustered by {report['clustered_by']}: its rounds share a conversation.")
    lines += [*render_curve(report), *_compared(report), *_took(report)]
    return "\n".join(line.rstrip() for line in lines)


def _compared(report: Mapping[str, Any]) -> list[str]:
    """The findings; the days of an arm that learns are one run of it, which another run may not repeat."""
    found = [comparison["sentence"] for comparison in report["comparisons"]]
    if not found:
        return []
    return [
        "",
        *found,
        f"The unit of each comparison is the {CLUSTER}; an arm that learns ran once through them.",
    ]


def _took(report: Mapping[str, Any]) -> list[str]:
    lines = []
    for arm, found in report["arms"].items():
        tokens = found["tokens"]
        if found["steps"]:
            cost = "" if found["cost"] is None else f", cost {found['cost']:.4g}"
            lines.append(
                f"{arm}: {tokens['prompt']:,} tokens read and {tokens['completion']:,} written{cost}, "
                f"{found['seconds']:.2f} s a round, {found['with_skills']} of {found['rounds']} rounds with skills"
            )
        if found["shortened"]:
            lines.append(
                f"{arm}: {found['shortened']} rounds were asked without the oldest messages of their day, for which "
                "the model has no room"
            )
        lines += [f"{arm}: {line}" for line in _noted(found["notes"])]
    return ["", *lines] if lines else []


def _noted(notes: Sequence[str]) -> list[str]:
    """Notes of days, one that several days share only once."""
    days: dict[str, list[str]] = {}
    for note in notes:
        day, _, text = note.partition(": ")
        days.setdefault(text, []).append(day)
    return [
        f"{where[0]}{f' and {len(where) - 1} more' if len(where) > 1 else ''}: {text}"
        for text, where in days.items()
    ]


def _day_report(result: DayResult) -> dict[str, Any]:
    return {**_shares(result.rounds), "results": [_round_report(one) for one in result.rounds]}


def _round_report(one: RoundResult) -> dict[str, Any]:
    return {
        "id": one.round,
        "type": one.kind,
        "score": one.score,
        "right": one.right,
        "selected": one.selected,
        "exit_code": one.check.exit_code if one.check else None,
        "failure": one.failure,
        "skills": list(one.skills),
        "seconds": one.seconds,
    }


def _shares(rounds: Sequence[RoundResult]) -> dict[str, Any]:
    def share(kind: str, value: Callable[[RoundResult], float]) -> float | None:
        return _mean([value(one) for one in rounds if kind in ("", one.kind)])

    return {
        "accuracy": share("", lambda one: one.score),
        "completion": share("file_check", lambda one: float(one.right)),
        "exact_match": share("multi_choice", lambda one: float(one.right)),
        "rounds": len(rounds),
    }


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
