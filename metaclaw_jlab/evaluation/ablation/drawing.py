"""The figures of a report as plain SVG, text and lines in the colour of the text around them."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 560
_ROW, _AXIS, _GAP, _EDGE, _HEAD = 24, 34, 14, 16, 28
_LETTER = 6.6  # the width that a letter of 12 pixels takes at most, on average
# Mid tones that stand out from white and from black.
COLOURS = ("#4c8dd6", "#e08a2c", "#2a9d5c", "#d1495b", "#9a6fd0", "#8c7a3f", "#c55fa0", "#1f9fae")
_DASHES = ("", "6 3", "2 3", "8 3 2 3")
BETTER, WORSE, OPEN = COLOURS[2], COLOURS[3], "#8a8f98"
_FOUND = {"better": BETTER, "worse": WORSE}
_INK = {None: "currentColor", True: "#e6e6e6", False: "#1f1f1f"}


def draw_forest(
    report: Mapping[str, Any], differences: Sequence[Mapping[str, Any]], title: str, dark: bool | None
) -> str:
    """Means on top, differences below with a line at 0."""
    arms = [(name, arm) for name, arm in report["arms"].items() if arm["mean"] is not None]
    labels = [*(name for name, _ in arms), *(row["pair"] for row in differences)]
    left = 12 + _LETTER * max(map(len, labels), default=0)
    parts: list[str] = [_text(4, 16, title, weight=True)]
    top = float(_HEAD)
    means = _Panel(left, top, len(arms), 0.0, 1.0)
    parts += means.axis((0, 0.25, 0.5, 0.75, 1), "{:g}", "mean over test tasks, 95 % interval")
    for row, (name, arm) in enumerate(arms):
        low, high = arm["ci95"]
        about = f"{name}: {arm['mean']:.3f} ({low:.3f} to {high:.3f}), {arm['tasks']} tasks"
        seeds = arm.get("by_seed", {})
        parts += means.interval(row, name, arm["mean"], low, high, about, "currentColor")
        parts += [means.tick(row, mean) for mean in seeds.values() if len(seeds) > 1]
    top = means.bottom + _GAP
    if differences:
        reach = max(5.0, *(abs(row[bound]) for row in differences for bound in ("low", "high")))
        panel = _Panel(left, top, len(differences), -reach, reach)
        step = next((size for size in (2, 5, 10, 20, 25) if 3 * size > reach), 50)
        parts += panel.axis(range(-4 * step, 5 * step, step), "{:+g}", "difference in points")
        parts.append(panel.zero())
        for place, one in enumerate(differences):
            about = f"{one['pair']}: {one['difference']:+.1f} ({one['low']:+.1f} to {one['high']:+.1f})"
            colour = _FOUND.get(one["finding"], "currentColor")
            parts += panel.interval(
                place, one["pair"], one["difference"], one["low"], one["high"], about, colour
            )
        top = panel.bottom + _GAP
    return _svg(parts, top, title, report["verdict"], dark)


def draw_days(report: Mapping[str, Any], title: str, dark: bool | None) -> str:
    """A line with a band for each arm, named in a legend; "" without days."""
    curves = {arm: curve for arm, curve in (report["days"] or {}).items() if curve}
    if not curves:
        return ""
    days = sorted({point["day"] for curve in curves.values() for point in curve})
    left, right, top, height = 40.0, WIDTH - _EDGE, float(_HEAD), 200.0
    span = max(1, days[-1] - days[0])

    def x(day: int) -> float:
        return left + (day - days[0]) / span * (right - left) if len(days) > 1 else (left + right) / 2

    def y(mean: float) -> float:
        return top + (1 - mean) * height

    parts = [_text(4, 16, title, weight=True)]
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts += [_line(left, right, y(share), y(share), faint=True)]
        parts += [_text(left - 6, y(share) + 4, f"{share:g}", anchor="end")]
    shown = days[:: -(-len(days) // 12)]
    parts += [_text(x(day), top + height + 18, str(day), anchor="middle") for day in shown]
    parts.append(_text((left + right) / 2, top + height + 36, "day", anchor="middle"))
    legend = top + height + 56
    for number, (arm, curve) in enumerate(curves.items()):
        colour, dash = COLOURS[number % len(COLOURS)], _DASHES[number % len(_DASHES)]
        upper = [f"{x(point['day']):.1f},{y(point['ci95'][1]):.1f}" for point in curve]
        lower = [f"{x(point['day']):.1f},{y(point['ci95'][0]):.1f}" for point in reversed(curve)]
        middle = " ".join(f"{x(point['day']):.1f},{y(point['mean']):.1f}" for point in curve)
        stroke = f'stroke="{colour}" stroke-width="2"' + (f' stroke-dasharray="{dash}"' if dash else "")
        parts.append(f'<polygon points="{" ".join([*upper, *lower])}" fill="{colour}" fill-opacity="0.13"/>')
        parts.append(f'<polyline points="{middle}" fill="none" {stroke}/>')
        for point in curve:
            low, high = point["ci95"]
            about = f"{arm}, day {point['day']}: {point['mean']:.3f} ({low:.3f} to {high:.3f}), {point['n']} tasks"
            parts.append(_dot(x(point["day"]), y(point["mean"]), 3, about, colour))
        row, column = divmod(number, 3)
        at, height_at = left + column * (right - left) / 3, legend + 18 * row
        parts.append(f'<line x1="{at}" x2="{at + 22}" y1="{height_at - 4}" y2="{height_at - 4}" {stroke}/>')
        parts.append(_text(at + 28, height_at, arm))
    return _svg(parts, legend + 18 * ((len(curves) - 1) // 3) + 10, title, report["verdict"], dark)


class _Panel:
    """Rows of intervals over one axis."""

    def __init__(self, left: float, top: float, rows: int, low: float, high: float) -> None:
        self._left, self._top, self._rows, self._low, self._high = left, top, rows, low, high

    @property
    def bottom(self) -> float:
        return self._top + self._rows * _ROW + _AXIS

    def axis(self, ticks: Sequence[float], form: str, title: str) -> list[str]:
        """Lines with their values below the rows, and what they are."""
        base = self._top + self._rows * _ROW
        parts = []
        for tick in ticks:
            if self._low <= tick <= self._high:
                at = self._x(tick)
                parts.append(_line(at, at, self._top, base, faint=True))
                parts.append(_text(at, base + 14, form.format(tick) if tick else "0", anchor="middle"))
        parts.append(_text(self._x((self._low + self._high) / 2), base + 30, title, anchor="middle"))
        return parts

    def interval(
        self, row: int, label: str, middle: float, low: float, high: float, about: str, colour: str
    ) -> list[str]:
        """A row."""
        y = self._y(row)
        return [
            _text(self._left - 10, y + 4, label, anchor="end"),
            f'<line x1="{self._x(low):.1f}" x2="{self._x(high):.1f}" y1="{y:.1f}" y2="{y:.1f}" '
            f'stroke="{colour}" stroke-width="2"/>',
            _dot(self._x(middle), y, 4.5, about, colour),
        ]

    def tick(self, row: int, value: float) -> str:
        """A small mark in a row: one of its seeds."""
        at, y = self._x(value), self._y(row)
        return (
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{y - 7:.1f}" y2="{y + 7:.1f}" '
            'stroke="currentColor" stroke-opacity="0.6"/>'
        )

    def zero(self) -> str:
        """The line of no difference."""
        at, base = self._x(0), self._top + self._rows * _ROW
        return (
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{self._top:.1f}" y2="{base:.1f}" '
            'stroke="currentColor" stroke-dasharray="4 4"/>'
        )

    def _x(self, value: float) -> float:
        inside = min(max(value, self._low), self._high)
        return self._left + (inside - self._low) / (self._high - self._low) * (WIDTH - _EDGE - self._left)

    def _y(self, row: int) -> float:
        return self._top + (row + 0.5) * _ROW


def _svg(parts: Sequence[str], height: float, title: str, about: str, dark: bool | None) -> str:
    named, told = html.escape(title), html.escape(about)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}" role="img" aria-label="{named}" color="{_INK[dark]}" '
        f'font-family="system-ui, sans-serif" font-size="12"><title>{named}</title><desc>{told}</desc>'
        f"{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: bool = False) -> str:
    bold = ' font-weight="600"' if weight else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor"{bold}>'
        f"{html.escape(text)}</text>"
    )


def _line(x1: float, x2: float, y1: float, y2: float, *, faint: bool = False) -> str:
    opacity = ' stroke-opacity="0.2"' if faint else ""
    return f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}" stroke="currentColor"{opacity}/>'


def _dot(x: float, y: float, radius: float, about: str, colour: str) -> str:
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour}"><title>{html.escape(about)}</title>'
        "</circle>"
    )
