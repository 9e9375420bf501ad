"""Figures of the answers: the trend of skill generations, the curves of a training; Vega-Lite, and the same as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from metaclaw_jlab.jupyter.kernel.shown import Figure, escaped

if TYPE_CHECKING:
    from metaclaw_jlab.inspection.training import RunAccount
    from metaclaw_jlab.inspection.trend import Trend

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
WIDTH, HEIGHT = 420, 140
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 8, 8, 30
_CURVES = (("reward", "reward"), ("loss", "loss"), ("kl", "KL to base"))


def trend_figure(found: Trend) -> Figure:
    """Share of tasks done right under each skill generation, with its 95 % interval."""
    values = [
        {
            "generation": f"g{one.generation}",
            "share": round(one.mean, 4),
            "low": round(one.low, 4),
            "high": round(one.high, 4),
            "tasks": one.n,
        }
        for one in found.generations
    ]
    scale = {"domain": [0, 1]}
    vega = {
        "$schema": SCHEMA,
        "description": found.sentence,
        "width": WIDTH,
        "height": HEIGHT,
        "data": {"values": values},
        "encoding": {
            "x": {
                "field": "generation",
                "type": "ordinal",
                "sort": None,
                "title": "skill generation",
                "axis": {"labelAngle": 0},
            },
            "tooltip": [{"field": name} for name in ("generation", "share", "low", "high", "tasks")],
        },
        "layer": [
            {
                "mark": "rule",
                "encoding": {
                    "y": _quantity("low", "tasks done right", scale),
                    "y2": {"field": "high"},
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60},
                "encoding": {"y": _quantity("share", "tasks done right", scale)},
            },
        ],
    }
    return Figure(vega, trend_svg(found.generations, found.sentence), found.sentence)


class Share(Protocol):
    """The share of `n` tasks of a generation that were done right, and its interval."""

    @property
    def generation(self) -> int: ...
    @property
    def n(self) -> int: ...
    @property
    def mean(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


def trend_svg(generations: Sequence[Share], label: str) -> str:
    """The trend as an SVG of 420 by 140 in the colour of the text around it."""
    inner = WIDTH - _LEFT - _RIGHT
    parts = [
        f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{_height(share):.1f}" y2="{_height(share):.1f}" '
        f'stroke="currentColor" stroke-opacity="0.2"/>'
        f'<text x="{_LEFT - 6}" y="{_height(share) + 4:.1f}" text-anchor="end" font-size="11" '
        f'fill="currentColor">{share:.1f}</text>'
        for share in (0.0, 0.5, 1.0)
    ]
    for place, one in enumerate(generations):
        x = _LEFT + inner * (place + 0.5) / len(generations)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_height(one.low):.1f}" y2="{_height(one.high):.1f}" '
            f'stroke="currentColor" stroke-width="1.5"/>'
            f'<circle cx="{x:.1f}" cy="{_height(one.mean):.1f}" r="4" fill="currentColor"/>'
            f'<text x="{x:.1f}" y="{HEIGHT - 14}" text-anchor="middle" font-size="11" fill="currentColor">'
            f"g{one.generation}</text> "
            f'<text x="{x:.1f}" y="{HEIGHT - 2}" text-anchor="middle" font-size="10" fill="currentColor" '
            f'fill-opacity="0.7">n={one.n}</text>'
        )
    title = escaped(label)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="{title}">{" ".join(parts)}</svg>'
    )


def curves_figure(run: RunAccount) -> Figure | None:
    """Reward, loss and KL of each step of a training; None where no two steps were reported."""
    from metaclaw_jlab.jupyter.kernel.chart import line_chart

    curves = run.curves
    if len(curves.step) < 2:
        return None
    named = [(label, getattr(curves, name)) for name, label in _CURVES]
    values = [
        {"step": step, "curve": label, "value": round(value, 6)}
        for label, column in named
        for step, value in zip(curves.step, column, strict=True)
        if value is not None and math.isfinite(value)
    ]
    label = f"Training run {run.number}: reward, loss and KL of {len(curves.step)} steps"
    vega = {
        "$schema": SCHEMA,
        "description": label,
        "data": {"values": values},
        "facet": {
            "row": {"field": "curve", "type": "nominal", "title": None, "sort": [name for name, _ in named]}
        },
        "spec": {
            "width": WIDTH,
            "height": 60,
            "mark": "line",
            "encoding": {
                "x": {"field": "step", "type": "quantitative"},
                "y": _quantity("value", None, {"zero": False}),
            },
        },
        "resolve": {"scale": {"y": "independent"}},
    }
    drawn = line_chart(curves.reward, "Reward of each step")
    return Figure(vega, drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1), label)


def _quantity(field: str, title: str | None, scale: Mapping[str, object]) -> dict[str, object]:
    return {"field": field, "type": "quantitative", "title": title, "scale": scale}


def _height(share: float) -> float:
    return _TOP + (1 - share) * (HEIGHT - _TOP - _BOTTOM)
