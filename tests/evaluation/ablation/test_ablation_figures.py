"""Figures and tables of a report."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from metaclaw_jlab.core.ablation import AblationState
from metaclaw_jlab.evaluation.ablation.figures import (
    days_spec,
    days_svg,
    figure_spec,
    forest_spec,
    forest_svg,
)
from metaclaw_jlab.evaluation.ablation.render import render_ablation
from metaclaw_jlab.evaluation.ablation.report import report_of
from metaclaw_jlab.evaluation.ablation.run_folder import RunState
from tests.evaluation.ablation.made_up_runs import attempts_of, snapshot_plan, stream_plan


def made(plan, keep=lambda _: True):
    found = tuple(one for one in attempts_of(plan) if keep(one))
    return report_of(3, plan, RunState(AblationState.DONE, of=len(found)), found)


STREAM = made(stream_plan())
SNAPSHOT = made(snapshot_plan())
NOTHING = made(stream_plan(), lambda _: False)


def values_of(spec):
    return [row for panel in spec["vconcat"] for row in panel["data"]["values"]]


@pytest.mark.parametrize("report", [STREAM, SNAPSHOT, NOTHING])
def test_specs_are_json_with_their_data_in_them(report):
    for spec in (forest_spec(report), days_spec(report), figure_spec(report)):
        assert json.loads(json.dumps(spec, allow_nan=False)) == spec
        assert spec["$schema"].endswith("vega-lite/v5.json")
        assert "url" not in json.dumps(spec)


def test_the_forest_has_every_arm_and_every_difference():
    means, differences = (panel["data"]["values"] for panel in forest_spec(STREAM)["vconcat"])
    assert {row["arm"]: row["mean"] for row in means} == {
        name: arm["mean"] for name, arm in STREAM["arms"].items()
    }
    assert [row["pair"] for row in differences] == [
        "skills - baseline",
        *(f"full - baseline, seed {seed}" for seed in (1, 2, 3)),
        *(f"full - skills, seed {seed}" for seed in (1, 2, 3)),
    ]
    assert differences[0]["difference"] == pytest.approx(100 * STREAM["comparisons"][0]["difference"])


def test_an_arm_without_attempts_is_not_drawn():
    report = made(stream_plan(), lambda one: one.arm != "full")
    assert {row["arm"] for row in values_of(forest_spec(report)) if "arm" in row} == {"baseline", "skills"}


def test_days_have_their_bands():
    rows = days_spec(STREAM)["data"]["values"]
    assert len(rows) == 9
    assert all(row["low"] <= row["mean"] <= row["high"] for row in rows)


@pytest.mark.parametrize("dark", [None, True, False])
@pytest.mark.parametrize("report", [STREAM, SNAPSHOT, NOTHING])
def test_drawings_are_well_formed_and_named(report, dark):
    for drawn in (forest_svg(report, dark), days_svg(report, dark)):
        if drawn:
            root = ET.fromstring(drawn)
            assert root.get("role") == "img"
            assert [child.text for child in root][1] == report["verdict"]
            assert (root.get("color") == "currentColor") == (dark is None)


def test_a_drawing_has_a_dot_for_each_estimate():
    root = ET.fromstring(forest_svg(STREAM))
    dots = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(dots) == 3 + 1 + 2 * 3


def test_a_snapshot_has_no_days_to_draw():
    assert days_svg(SNAPSHOT) == ""
    assert len(figure_spec(SNAPSHOT)["vconcat"]) == len(forest_spec(SNAPSHOT)["vconcat"])
    assert len(figure_spec(STREAM)["vconcat"]) == len(forest_spec(STREAM)["vconcat"]) + 1


def test_texts_cannot_break_out_of_a_drawing():
    report = {**SNAPSHOT, "tasks": "</title><script>alert(1)</script>"}
    assert "<script" not in forest_svg(report)


def test_the_text_ends_with_the_verdict():
    text = render_ablation(STREAM)
    assert text.splitlines()[-1] == STREAM["verdict"]
    assert "Of 3 trainings of full the worst is seed" in text
    assert "mean of day" in text
    assert "mean with seed  1     2     3" in text
    assert "mean with seed" not in render_ablation(SNAPSHOT)


def test_bars_stand_where_the_terminal_is_wide_enough():
    narrow, wide = (render_ablation(SNAPSHOT, width).splitlines() for width in (60, 120))
    row = next(line for line in wide if line.startswith("skills  "))
    assert "-o-" in row
    assert "-o-" not in next(line for line in narrow if line.startswith("skills  "))
    assert all(len(line) <= 120 for line in wide if "-o-" in line)


def test_what_failed_is_told():
    report = json.loads(json.dumps(SNAPSHOT))
    report["arms"]["skills"]["failures"] = {"n": 2, "example": "The endpoint went away."}
    assert "skills: 2 attempts failed and count as wrong: The endpoint went away." in render_ablation(report)


def test_nothing_is_told_as_nothing():
    text = render_ablation(NOTHING)
    assert text.splitlines()[-1] == "Nothing has been attempted yet."
    assert " - " in text
