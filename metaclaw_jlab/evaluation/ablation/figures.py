"""Figures of a report for Vega-Lite: means and differences with their intervals, means over the days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metaclaw_jlab.evaluation.ablation.drawing import BETTER, COLOURS, OPEN, WORSE, draw_days, draw_forest

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
MIME = "application/vnd.vegalite.v5+json"
WIDTH = 420
_ROW = 26
_ARM = {"field": "arm", "type": "nominal", "sort": None}


def forest_spec(report: Mapping[str, Any]) -> dict[str, Any]:
    """Arms' means over differences against the reference, each with its interval; trainings one by one."""
    panels = [_means(report)]
    differences = difference_rows(report)
    if differences:
        panels.append(_differences(differences))
    return {
        "$schema": SCHEMA,
        "title": {"text": figure_title(report), "anchor": "start"},
        "description": report["verdict"],
        "vconcat": panels,
        "resolve": {"scale": {"color": "independent"}},
    }


def days_spec(report: Mapping[str, Any]) -> dict[str, Any]:
    """Each arm's mean over the days with its band; no data where tasks do not come in days."""
    values = [
        {
            "arm": arm,
            "day": point["day"],
            "mean": point["mean"],
            "low": low,
            "high": high,
            "tasks": point["n"],
        }
        for arm, curve in (report["days"] or {}).items()
        for point in curve
        for low, high in [point["ci95"]]
    ]
    colour = {
        **_ARM,
        "title": "arm",
        "scale": {"range": list(COLOURS)},
        "legend": {"symbolType": "stroke", "symbolOpacity": 1, "symbolStrokeWidth": 2},
    }
    y = {"type": "quantitative", "title": "mean of the day's tasks", "scale": {"domain": [0, 1]}}
    return {
        "$schema": SCHEMA,
        "title": {"text": f"{figure_title(report)}, by day", "anchor": "start"},
        "description": report["verdict"],
        "width": WIDTH,
        "height": 220,
        "data": {"values": values},
        "encoding": {
            "x": {"field": "day", "type": "quantitative", "title": "day", "axis": {"tickMinStep": 1}},
            "color": colour,
        },
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.15},
                "encoding": {"y": {"field": "low", **y}, "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "line", "point": True},
                "encoding": {
                    "y": {"field": "mean", **y},
                    "tooltip": _tooltip(
                        arm="arm", day="day", mean="mean", low="low", high="high", tasks="tasks"
                    ),
                },
            },
        ],
    }


def figure_spec(report: Mapping[str, Any]) -> dict[str, Any]:
    """The forest, and below it the days where there are any."""
    forest = forest_spec(report)
    if not any((report["days"] or {}).values()):
        return forest
    days = {key: value for key, value in days_spec(report).items() if key not in ("$schema", "description")}
    forest["vconcat"] = [*forest["vconcat"], {**days, "title": {"text": "by day", "anchor": "start"}}]
    return forest


def figure_title(report: Mapping[str, Any]) -> str:
    """What both figures are of."""
    return f"Ablation {report['number']}: {report['tasks']}"


def difference_rows(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of the second panel, in points: comparisons, and each seed of what was trained."""
    rows = [(f"{one['arm']} - {one['reference']}", one, one["finding"]) for one in report["comparisons"]]
    for training in report["training_seeds"]:
        pair = f"{training['arm']} - {training['reference']}"
        rows += [(f"{pair}, seed {one['seed']}", one, training["finding"]) for one in training["seeds"]]
    return [
        {
            "pair": label,
            "difference": round(100 * one["difference"], 2),
            "low": round(100 * one["ci95"][0], 2),
            "high": round(100 * one["ci95"][1], 2),
            "p": one.get("adjusted", one["p"]),
            "tasks": one["tasks"],
            "finding": finding,
        }
        for label, one, finding in rows
    ]


def _means(report: Mapping[str, Any]) -> dict[str, Any]:
    values = [
        {"arm": name, "mean": arm["mean"], "low": low, "high": high, "tasks": arm["tasks"]}
        for name, arm in report["arms"].items()
        if arm["mean"] is not None
        for low, high in [arm["ci95"]]
    ]
    x = {"type": "quantitative", "title": "mean over test tasks (1: all right)", "scale": {"domain": [0, 1]}}
    return {
        "width": WIDTH,
        "height": {"step": _ROW},
        "data": {"values": values},
        "encoding": {
            "y": {**_ARM, "title": None},
            "tooltip": _tooltip(arm="arm", mean="mean", low="low", high="high", tasks="tasks"),
        },
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 2, "color": COLOURS[0]},
                "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1, "color": COLOURS[0]},
                "encoding": {"x": {"field": "mean", **x}},
            },
            *_seed_layer(report, x),
        ],
    }


def _seed_layer(report: Mapping[str, Any], x: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A tick for each seed of an arm whose seeds are streams of their own."""
    values = [
        {"arm": name, "seed": seed, "mean": mean}
        for name, arm in report["arms"].items()
        for seed, mean in arm.get("by_seed", {}).items()
        if len(arm["by_seed"]) > 1
    ]
    if not values:
        return []
    return [
        {
            "data": {"values": values},
            "mark": {"type": "tick", "thickness": 2, "size": 12, "color": OPEN},
            "encoding": {
                "x": {"field": "mean", **x},
                "tooltip": _tooltip(arm="arm", seed="seed", mean="mean"),
            },
        }
    ]


def _differences(values: list[dict[str, Any]]) -> dict[str, Any]:
    x = {"type": "quantitative", "title": "difference in points, with its 95 % interval"}
    colour = {
        "field": "finding",
        "type": "nominal",
        "title": "shown",
        "scale": {"domain": ["better", "worse", "not shown"], "range": [BETTER, WORSE, OPEN]},
    }
    named = {"difference": "difference", "low": "low", "high": "high", "p, adjusted": "p"}
    row = {
        "y": {"field": "pair", "type": "nominal", "sort": None, "title": None},
        "color": colour,
        "tooltip": _tooltip(pair="pair", **named, tasks="tasks", shown="finding"),
    }
    return {
        "width": WIDTH,
        "height": {"step": _ROW},
        "data": {"values": values},
        "layer": [
            {
                "data": {"values": [{"none": 0}]},
                "mark": {"type": "rule", "strokeDash": [4, 4], "color": OPEN},
                "encoding": {"x": {"field": "none", **x}},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}, **row},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
                "encoding": {"x": {"field": "difference", **x}, **row},
            },
        ],
    }


def _tooltip(**fields: str) -> list[dict[str, Any]]:
    return [{"field": field, "title": title} for title, field in fields.items()]


def forest_svg(report: Mapping[str, Any], dark: bool | None = None) -> str:
    """The forest as an SVG by itself; `dark` None takes the colour of the text around it."""
    return draw_forest(report, difference_rows(report), figure_title(report), dark)


def days_svg(report: Mapping[str, Any], dark: bool | None = None) -> str:
    """The days as an SVG by itself; "" where there are none."""
    return draw_days(report, f"{figure_title(report)}, by day", dark)
