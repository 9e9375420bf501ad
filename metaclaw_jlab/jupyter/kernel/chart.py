"""A training as a small piece of HTML: a bar of steps, a line of rewards, a sentence. In the colours of the theme."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

WIDTH, HEIGHT, EDGE = 240, 40, 3
_STYLE = "color:var(--jp-ui-font-color1,currentColor);font-family:var(--jp-ui-font-family,sans-serif);font-size:13px"
_TRACK = (
    "height:4px;max-width:480px;background:var(--jp-border-color2,rgba(128,128,128,.3));border-radius:2px"
)
_FILL = "height:4px;background:var(--jp-brand-color1,currentColor);border-radius:2px"


def panel(sentence: str, share: float | None, values: Sequence[float], label: str) -> str:
    """The HTML of a training. `share` of its steps is done (None: no bar), `values` are drawn as a line."""
    parts = [f"<div>{html.escape(sentence)}</div>"]
    if share is not None:
        percent = 100 * min(1.0, max(0.0, share))
        parts.append(
            f'<div style="{_TRACK};margin:4px 0" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
            f'aria-valuenow="{percent:.0f}"><div style="{_FILL};width:{percent:.1f}%"></div></div>'
        )
    line = line_chart(values, label)
    return f'<div style="{_STYLE}">{"".join(parts)}{line}</div>'


def line_chart(values: Sequence[float], label: str) -> str:
    """The values as a line in an SVG of 240 by 40; "" where there are not two. What is no number is left out."""
    points = [(index, value) for index, value in enumerate(values) if math.isfinite(value)]
    if len(points) < 2:
        return ""
    heights = [value for _, value in points]
    low, high = min(heights), max(heights)
    last, span = points[-1][0] - points[0][0], high - low
    drawn = " ".join(
        f"{EDGE + (index - points[0][0]) / last * (WIDTH - 2 * EDGE):.1f},"
        f"{HEIGHT - EDGE - ((value - low) / span if span else 0.5) * (HEIGHT - 2 * EDGE):.1f}"
        for index, value in points
    )
    title = html.escape(f"{label}: {heights[0]:+.2f} to {heights[-1]:+.2f}, from {low:+.2f} to {high:+.2f}")
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<polyline points="{drawn}" fill="none" stroke="currentColor" stroke-width="1.5" '
        f'stroke-linejoin="round"/></svg>'
    )
