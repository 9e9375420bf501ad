from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.training import RunState
from metaclaw_jlab.inspection.training import Curves, RunAccount
from metaclaw_jlab.inspection.trend import GenerationTrend, Trend, TrendVerdict
from metaclaw_jlab.jupyter.kernel.answers import trend_found
from metaclaw_jlab.jupyter.kernel.figures import curves_figure, trend_figure, trend_svg
from metaclaw_jlab.jupyter.kernel.shown import VEGALITE, bundles

NAN = float("nan")


def generation(number: int, right: int, n: int) -> GenerationTrend:
    return GenerationTrend(number, Cause.EVOLVER, 0.0, n, right, right / n, 0.1, 0.9, ())


def trend(*generations: GenerationTrend, sentence: str = "Better.") -> Trend:
    return Trend(generations, TrendVerdict.BETTER, None, sentence)


def run(**curves: Any) -> RunAccount:
    fields: dict[str, Any] = {"steps": 3, "steps_done": 3, "prompts": 8, "parent": None, "adapter": None}
    made = {"created_at": 0.0, "changed_at": 0.0, "curves": Curves(**curves)}
    return RunAccount(4, RunState.TRAINING, "", "", 7, "base", 1, **fields, **made)


def values(vega: Any) -> list[dict[str, Any]]:
    return list(json.loads(json.dumps(vega, allow_nan=False))["data"]["values"])


def test_the_trend_keeps_its_uncertainty() -> None:
    figure = trend_figure(trend(generation(5, 3, 6), generation(7, 9, 10)))
    assert values(figure.vega) == [
        {"generation": "g5", "share": 0.5, "low": 0.1, "high": 0.9, "tasks": 6},
        {"generation": "g7", "share": 0.9, "low": 0.1, "high": 0.9, "tasks": 10},
    ]


def test_the_drawing_is_well_formed_whatever_the_sentence_says() -> None:
    drawn = ElementTree.fromstring(trend_svg((generation(5, 3, 6),), '</title><script>a()</script> "&'))
    assert not [part for part in drawn.iter() if part.tag.endswith("script")]


def test_the_higher_share_is_drawn_higher() -> None:
    drawn = ElementTree.fromstring(trend_svg((generation(5, 3, 6), generation(7, 9, 10)), "It"))
    first, second = (float(one.attrib["cy"]) for one in drawn.iter() if one.tag.endswith("circle"))
    assert second < first


def test_the_answer_has_a_table_and_a_figure() -> None:
    table, figure = bundles(trend_found(trend(generation(5, 3, 6))))
    assert "<table>" in str(table["text/html"])
    assert VEGALITE in figure
    assert "text/html" not in figure


def test_without_scored_tasks_there_is_a_sentence_and_no_figure() -> None:
    shown = trend_found(trend(sentence="Nothing tells yet how tasks went."))
    assert (shown.text, shown.figures) == ("Nothing tells yet how tasks went.", ())


def test_what_was_not_computed_is_left_out_of_the_curves() -> None:
    figure = curves_figure(run(step=(1, 2), reward=(0.1, 0.2), loss=(NAN, 0.5), kl=(None, 0.01)))
    assert figure is not None
    told = [(one["curve"], one["step"]) for one in values(figure.vega)]
    assert told == [("reward", 1), ("reward", 2), ("loss", 2), ("KL to base", 2)]
    ElementTree.fromstring(figure.svg)


def test_one_step_is_no_curve() -> None:
    assert curves_figure(run(step=(1,), reward=(0.1,), loss=(0.5,), kl=(None,))) is None
