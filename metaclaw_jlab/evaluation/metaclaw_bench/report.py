"""What a run came to, as JSON values and as a table, with the floor beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from metaclaw_jlab.evaluation.metaclaw_bench.format import Benchmark, MultiChoice
from metaclaw_jlab.evaluation.metaclaw_bench.intervals import clustered_interval
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import DayResult, RoundResult, choice_score

CLUSTER = "day"
_HEADER = ("arm", "rounds", "accuracy", "95 % interval", "completion", "exact match")


def bench_report(benchmark: Benchmark, arms: Mapping[str, Sequence[DayResult]]) -> dict[str, Any]:
    """Accuracy, completion and exact match of each arm and day as shares, the floor, and each round's score.

    `ci95` is that of the accuracy; all intervals are clustered by day. A share of nothing is None.
    """
    return {
        "benchmark": benchmark.name,
        "arms": {arm: arm_report(results) for arm, results in arms.items()},
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
    }


def arm_report(results: Sequence[DayResult]) -> dict[str, Any]:
    """The shares of an arm over all its rounds, with their intervals."""
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
    return report


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
    return "\n".join(line.rstrip() for line in lines)


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
