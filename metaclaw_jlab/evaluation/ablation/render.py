"""A report as text for a terminal: a table of arms with bars, the differences, the days, the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

WIDTH = 110
_LEAST_BAR, _WIDEST_BAR = 21, 51
_HEADER = ("arm", "tasks", "mean", "95 % interval", "task right", "tokens", "seconds")
_STATES = {"spent": "its budget is spent", "interrupted": "interrupted, can be resumed"}


def render_ablation(report: Mapping[str, Any], width: int = WIDTH) -> str:
    """The whole report in lines of about `width` characters; sentences run as they are. The verdict comes last."""
    blocks = [
        [_title(report)],
        _arms(report, width),
        _differences(report, width),
        [one["sentence"] for one in report["comparisons"]],
        _trainings(report),
        _seeds(report),
        _days(report),
        [*_failures(report), *report["notes"]],
        [report["verdict"]],
    ]
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)


def _title(report: Mapping[str, Any]) -> str:
    seeds = len(report["seeds"])
    parts = [f"Ablation {report['number']}: {report['tasks']}", _counted(seeds, "seed")]
    if report["samples"] > 1:
        parts.append(_counted(report["samples"], "sample"))
    if report["day_count"]:
        parts.append(_counted(report["day_count"], "day"))
    parts.append(_STATES.get(report["state"], report["state"]))
    if report["of"]:
        parts.append(f"{report['done']:,} of {report['of']:,} attempts")
    reason = f" ({report['reason'].rstrip('.')})" if report["reason"] else ""
    return ", ".join(parts) + reason


def _arms(report: Mapping[str, Any], width: int) -> list[str]:
    arms: Mapping[str, Mapping[str, Any]] = report["arms"]
    priced = any(arm["cost"] for arm in arms.values())
    header = (*_HEADER, *(("cost",) if priced else ()))
    rows = [header]
    for name, arm in arms.items():
        cells = (name, str(arm["tasks"]), *_shares(arm), _count(arm["tokens"]), _seconds(arm["seconds"]))
        rows.append((*cells, *((f"{arm['cost']:.2f}",) if priced else ())))
    lines = _table(rows)
    room = min(_WIDEST_BAR, width - max(map(len, lines)) - 2)
    if room >= _LEAST_BAR:
        bars = [
            _scale("0", "1", room),
            *(_bar(arm["mean"], arm["ci95"], 0, 1, room) for arm in arms.values()),
        ]
        lines = _beside(lines, bars)
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


def _differences(report: Mapping[str, Any], width: int) -> list[str]:
    """The differences as bars with the place of no difference marked; each training has a line of its own."""
    found = [(f"{one['arm']} - {one['reference']}", one) for one in report["comparisons"]]
    for training in report["training_seeds"]:
        pair = f"{training['arm']} - {training['reference']}"
        found += [(f"{pair}, seed {one['seed']}", one) for one in training["seeds"]]
    if not found:
        return []
    rows = [("difference in points", "tasks", "", "95 % interval", "p")]
    for label, one in found:
        low, high = one["ci95"]
        p_value = one.get("adjusted", one["p"])
        interval = f"{100 * low:+.1f} to {100 * high:+.1f}"
        told = "<.0001" if p_value < 1e-4 else f"{p_value:.2g}"
        rows.append((label, str(one["tasks"]), f"{100 * one['difference']:+.1f}", interval, told))
    lines = _table(rows)
    room = min(_WIDEST_BAR, width - max(map(len, lines)) - 2)
    if room >= _LEAST_BAR:
        reach = max(0.1, *(abs(bound) for _, one in found for bound in one["ci95"]))
        bars = [_scale(f"{-100 * reach:+.0f}", f"{100 * reach:+.0f}", room)]
        bars += [_bar(one["difference"], one["ci95"], -reach, reach, room, zero=True) for _, one in found]
        lines = _beside(lines, bars)
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


def _trainings(report: Mapping[str, Any]) -> list[str]:
    return [one["sentence"] for one in report["training_seeds"]]


def _seeds(report: Mapping[str, Any]) -> list[str]:
    """Means of the streams one by one, where each seed draws another."""
    means = {name: arm.get("by_seed", {}) for name, arm in report["arms"].items()}
    seeds = [str(seed) for seed in report["seeds"] if any(str(seed) in found for found in means.values())]
    return _means_by("mean with seed", seeds, means) if len(seeds) > 1 else []


def _days(report: Mapping[str, Any]) -> list[str]:
    curves: Mapping[str, Sequence[Mapping[str, Any]]] = report["days"] or {}
    days = sorted({point["day"] for curve in curves.values() for point in curve})
    means = {arm: {str(point["day"]): point["mean"] for point in curve} for arm, curve in curves.items()}
    return _means_by("mean of day", [str(day) for day in days], means) if days else []


def _means_by(title: str, columns: Sequence[str], means: Mapping[str, Mapping[str, float]]) -> list[str]:
    rows = [(title, *columns)]
    for arm, found in means.items():
        rows.append((arm, *(f"{found[column]:.2f}" if column in found else "" for column in columns)))
    lines = _table(rows)
    return [lines[0], "-" * len(lines[0]), *lines[1:]]


def _failures(report: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}: {_counted(arm['failures']['n'], 'attempt')} failed and count as wrong"
        + (f": {arm['failures']['example']}" if arm["failures"]["example"] else ".")
        for name, arm in report["arms"].items()
        if arm["failures"]["n"]
    ]


def _shares(arm: Mapping[str, Any]) -> tuple[str, str, str]:
    if arm["mean"] is None:
        return ("-", "-", "-")
    low, high = arm["ci95"]
    right = "-" if arm["right"] is None else f"{arm['right']:.3f}"
    return (f"{arm['mean']:.3f}", f"{low:.3f} to {high:.3f}", right)


def _bar(
    mean: float | None,
    ci95: Sequence[float] | None,
    low: float,
    high: float,
    room: int,
    *,
    zero: bool = False,
) -> str:
    """An interval as a line of characters: dashes, with o at the mean and a bar at 0 where that is asked for."""

    def place(value: float) -> int:
        return round((min(max(value, low), high) - low) / (high - low) * (room - 1))

    cells = [" "] * room
    if zero:
        cells[place(0)] = "|"
    if mean is not None and ci95 is not None:
        for cell in range(place(ci95[0]), place(ci95[1]) + 1):
            cells[cell] = "+" if cells[cell] == "|" else "-"
        cells[place(mean)] = "o"
    return "".join(cells)


def _scale(low: str, high: str, room: int) -> str:
    return f"{low}{high:>{room - len(low)}}"


def _beside(lines: Sequence[str], bars: Sequence[str]) -> list[str]:
    width = max(map(len, lines))
    return [f"{line:<{width}}  {bar}".rstrip() for line, bar in zip(lines, bars, strict=True)]


def _table(rows: Iterable[Sequence[str]]) -> list[str]:
    listed = list(rows)
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in listed
    ]


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _count(tokens: int) -> str:
    if tokens < 10_000:
        return f"{tokens:,}"
    return f"{tokens / 1e3:.0f} k" if tokens < 10_000_000 else f"{tokens / 1e6:.0f} M"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f}"
