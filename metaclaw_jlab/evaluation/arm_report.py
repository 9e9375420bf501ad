"""What was measured of some arms, as JSON values and as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from metaclaw_jlab.core.estimate import mean_interval, paired_p_value, proportion_interval
from metaclaw_jlab.evaluation.practice_arms import Attempt

Attempts = Mapping[str, Sequence[Attempt]]
_DIGITS = 4
_MAIN = 3  # arms whose shares by number of rules are shown
_HEADER = ("arm", "tasks", "n", "strict", "95 % interval", "task right")


def arm_report(attempts: Attempts, max_skills: int, pairs: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """Shares of each arm over all tasks, and by kind and number of rules.

    `by_rules` has the tasks with more applying rules than `max_skills`, which skills cannot all tell, in a group of
    its own. `pairs` of arms are compared in their strict outcomes, task by task; `told` are the tasks whose prompt
    held a skill for every applying rule. Raises ValueError where an arm has no attempts.
    """
    report: dict[str, Any] = {"arms": {arm: _shares(found) for arm, found in attempts.items()}}
    report["single"] = _split(attempts, lambda attempt: not attempt.task.compound)
    report["compound"] = _split(attempts, lambda attempt: attempt.task.compound)
    counts = [*(str(number) for number in range(1, max_skills + 1)), f"{max_skills + 1}+"]
    report["by_rules"] = {
        count: split
        for count in counts
        if (split := _split(attempts, lambda attempt, count=count: _rules(attempt, max_skills) == count))  # type: ignore[misc]
    }
    report["told"] = {arm: sum(attempt.told for attempt in found) for arm, found in attempts.items()}
    report["failures"] = {arm: _failures(found) for arm, found in attempts.items()}
    report["pairs"] = {
        f"{first} {second}": paired_report(attempts[first], attempts[second]) for first, second in pairs
    }
    return report


def paired_report(
    first: Sequence[Attempt],
    second: Sequence[Attempt],
    outcome: Callable[[Attempt], bool] = lambda attempt: attempt.verdict.strict,
) -> dict[str, Any]:
    """How much more often the second is strict (or has another outcome) than the first on the same tasks, and whether
    that is more than chance.

    Raises ValueError where there are no pairs.
    """
    before, after = ([outcome(attempt) for attempt in found] for found in (first, second))
    p_value = paired_p_value(before, after)
    interval = mean_interval([float(b) - float(a) for a, b in zip(before, after, strict=True)])
    return {
        "n": len(before),
        "difference": round(interval.estimate, _DIGITS),
        "ci95": [round(interval.low, _DIGITS), round(interval.high, _DIGITS)],
        "p_value": p_value,
        "shown": not interval.low <= 0 <= interval.high,
    }


def render_pair(pair: str, found: Mapping[str, Any]) -> str:
    """A line for two arms that were compared."""
    low, high = found["ci95"]
    told = f"{' and '.join(pair.split())}: {found['difference']:+.3f} ({low:+.3f} to {high:+.3f}), paired p-value "
    return f"{told}{found['p_value']:.2g}{'' if found['shown'] else ': no difference shown'}"


def share_of_distance(report: Mapping[str, Any], low: str, arm: str, high: str) -> float | None:
    """How much of the way from one arm's strict share to another's a third one has; None where there is no way."""
    strict = {name: report["arms"][name]["strict"] for name in (low, arm, high)}
    way = strict[high] - strict[low]
    return round((strict[arm] - strict[low]) / way, _DIGITS) if way > 0 else None


def render_arms(report: Mapping[str, Any]) -> str:
    """The table of an arm report, and what failed."""
    groups = {"all": report["arms"], "single": report["single"], "compound": report["compound"]}
    for count, split in report["by_rules"].items():
        beyond = ", more than fit in a prompt" if count.endswith("+") else ""
        groups[f"{count} rule{'' if count == '1' else 's'}{beyond}"] = split
    rows = [_HEADER]
    for group, split in groups.items():
        shown = list(split.items()) if group in ("all", "single", "compound") else list(split.items())[:_MAIN]
        rows += [(arm, group, *_cells(shares)) for arm, shares in shown]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "-" * len(lines[0]))
    for arm, failures in report["failures"].items():
        if failures["n"]:
            subject = (
                "1 task failed and counts"
                if failures["n"] == 1
                else f"{failures['n']} tasks failed and count"
            )
            lines.append(f"{arm}: {subject} as wrong: {failures['example']}")
    lines += [render_pair(pair, found) for pair, found in report["pairs"].items()]
    return "\n".join(line.rstrip() for line in lines)


def _split(attempts: Attempts, belongs: Callable[[Attempt], bool]) -> dict[str, Any]:
    chosen = {arm: [attempt for attempt in found if belongs(attempt)] for arm, found in attempts.items()}
    return {arm: _shares(found) for arm, found in chosen.items() if found}


def _strict(found: Sequence[Attempt]) -> list[bool]:
    return [attempt.verdict.strict for attempt in found]


def _shares(found: Sequence[Attempt]) -> dict[str, Any]:
    strict = sum(_strict(found))
    interval = proportion_interval(strict, len(found))
    return {
        "n": len(found),
        "strict": round(interval.estimate, _DIGITS),
        "task_right": round(sum(attempt.verdict.task_right for attempt in found) / len(found), _DIGITS),
        "ci95": [round(interval.low, _DIGITS), round(interval.high, _DIGITS)],
    }


def _rules(attempt: Attempt, max_skills: int) -> str:
    count = len(attempt.task.rules)
    return str(count) if count <= max_skills else f"{max_skills + 1}+"


def _failures(found: Sequence[Attempt]) -> dict[str, Any]:
    failures = [attempt.failure for attempt in found if attempt.failure is not None]
    return {"n": len(failures), "example": failures[0] if failures else None}


def _cells(shares: Mapping[str, Any]) -> tuple[str, str, str, str]:
    low, high = shares["ci95"]
    return (
        str(shares["n"]),
        f"{shares['strict']:.3f}",
        f"{low:.3f} to {high:.3f}",
        f"{shares['task_right']:.3f}",
    )
