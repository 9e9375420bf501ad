"""A calibration in words: every variant, what it reached, and why it was taken or left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metaclaw_jlab.core.estimate import proportion_interval


def render_calibration(record: Mapping[str, Any]) -> list[str]:
    """The table of a calibration's JSON, a line each, and what was chosen."""
    rows = [["stage", "variant", "n", "task right", "strict", "s", "tokens", ""]]
    rows += [_row(variant) for variant in record["variants"]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    return [*(line.rstrip() for line in lines), "", *_chosen(record)]


def _chosen(record: Mapping[str, Any]) -> list[str]:
    return [
        f"chosen for {record['model']}: {chosen_text(record)}",
        "It was chosen by these numbers, of the best of several: on other tasks expect less of it.",
    ]


def chosen_text(record: Mapping[str, Any]) -> str:
    """What was chosen, in a line."""
    of = record["chosen"]
    count = of["max_skills"]
    skills = {0: "no skills", 1: "at most one skill"}.get(count, f"at most {count} skills")
    if count != 0:
        place = "after the task" if of["skills_at"] == "task" else "in the system message"
        since = "" if of["threshold"] is None else f" from relevance {of['threshold']:g}"
        skills = f"{skills} {place}{since}"
    shown = f"{of['file_rows']} first rows of named files" if of["file_rows"] else "no rows of files"
    ends = "done when the code has run" if of["ends"] == "ran" else "done when it says so"
    return (
        f"{of['instructions']} instructions, {shown}, {ends}, {skills}, temperature {record['temperature']:g}"
    )


def _row(variant: Mapping[str, Any]) -> list[str]:
    mark = "taken; " if variant["chosen"] else ""
    return [
        variant["stage"],
        variant["name"],
        str(variant["n"]),
        _share(variant["task_right"], variant["n"]),
        _share(variant["strict"], variant["n"]),
        f"{variant['seconds']:.1f}",
        f"{variant['tokens']:.0f}",
        mark + variant["verdict"],
    ]


def _share(count: int, n: int) -> str:
    if not n:
        return "-"
    found = proportion_interval(count, n)
    return f"{found.estimate:.2f} ({found.low:.2f} to {found.high:.2f})"
