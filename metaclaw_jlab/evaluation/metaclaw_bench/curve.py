"""The accuracy of each arm from day to day: how an arm that learns gets on, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

_BARS = "▁▂▃▄▅▆▇█"


def render_curve(report: Mapping[str, Any]) -> list[str]:
    """A line for each day with every arm's accuracy, and one for each arm that draws them, with the means of the first
    and the second half of the days; nothing where there are fewer than two."""
    arms = list(report["arms"])
    days = [day for day in report["days"] if day["arms"]]
    if len(days) < 2:
        return []
    widths = [max(len(arm), len("100.0 %")) for arm in arms]
    name = max(len("day"), *(len(day["id"]) for day in days))
    lines = [
        "",
        "  ".join(["day".ljust(name), *(arm.rjust(width) for arm, width in zip(arms, widths, strict=True))]),
    ]
    for day in days:
        cells = (_percent(_accuracy(day, arm)).rjust(width) for arm, width in zip(arms, widths, strict=True))
        lines.append("  ".join([day["id"].ljust(name), *cells]))
    lines.append("")
    longest = max(len(arm) for arm in arms)
    for arm in arms:
        values = [value for day in days if (value := _accuracy(day, arm)) is not None]
        if len(values) >= 2:
            first, second = values[: len(values) // 2], values[len(values) // 2 :]
            lines.append(
                f"{arm.ljust(longest)}  {spark(values)}  first half {_percent(fmean(first))}, "
                f"second half {_percent(fmean(second))}"
            )
    return lines


def spark(values: Sequence[float]) -> str:
    """Shares as bars, on the whole scale from 0 to 1."""
    return "".join(_BARS[min(len(_BARS) - 1, int(max(0.0, value) * len(_BARS)))] for value in values)


def _accuracy(day: Mapping[str, Any], arm: str) -> float | None:
    found = day["arms"].get(arm)
    return None if found is None else found["accuracy"]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
