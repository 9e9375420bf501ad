from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.evaluation.ablation.report import ablation_report
from metaclaw_jlab.jupyter.kernel.shown import answer_bundle
from metaclaw_jlab.jupyter.kernel.widgets.ablation_picture import NO_RUNS, report_picture, runs_picture
from metaclaw_jlab.runtime.home import open_home
from tests.evaluation.ablation.made_run import made_run

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)> $5'


@pytest.fixture
def report(tmp_path: Path) -> dict[str, Any]:
    return ablation_report(made_run(open_home(tmp_path / "home")))


def test_the_verdict_stands_first_with_the_figure_and_the_table(report: dict[str, Any]) -> None:
    found = answer_bundle(report_picture(report))
    html = str(found["text/html"])
    assert report["verdict"] in str(found["text/plain"])
    assert html.index("Learning helped") < html.index("<svg") < html.index("<table")
    assert "0.917" in html


def test_nothing_of_a_run_becomes_markup(report: dict[str, Any]) -> None:
    report["verdict"] = report["tasks"] = report["reason"] = HOSTILE
    report["notes"] = [HOSTILE]
    report["arms"]["full"]["about"] = HOSTILE
    html = str(answer_bundle(report_picture(report, HOSTILE))["text/html"])
    assert "<script" not in html
    assert "<img" not in html


def test_a_run_without_an_attempt_has_no_figure(report: dict[str, Any]) -> None:
    for arm in report["arms"].values():
        arm |= {"mean": None, "ci95": None, "tasks": 0}
    report["comparisons"] = []
    assert "<svg" not in str(answer_bundle(report_picture(report))["text/html"])


def test_where_there_is_no_run_it_says_how_to_begin() -> None:
    assert runs_picture([]).text == NO_RUNS
    assert runs_picture([], "Not live.").text == f"Not live.\n{NO_RUNS}"


def test_no_words_of_failures_and_no_folders_stay_in_a_notebook(report: dict[str, Any]) -> None:
    report["arms"]["full"]["failures"] = {"n": 2, "example": "No payroll of Mrs Smith."}
    report["tasks"] = "jsonl:/home/somebody/secret/tasks.jsonl"
    report["notes"] = ["See /home/somebody/secret/run.log."]
    found = str(answer_bundle(report_picture(report, "Not written: /home/somebody/secret/x.csv")))
    assert "2 attempts failed and count as wrong." in found
    assert "Smith" not in found
    assert "secret" not in found
    assert report["arms"]["full"]["failures"]["example"]


def test_a_list_of_runs_names_no_folders() -> None:
    row = {"number": 1, "state": "done", "created_at": 0.0, "arms": ["full"], "done": 1, "of": 1}
    found = str(answer_bundle(runs_picture([{**row, "tasks": "jsonl:/home/somebody/secret/tasks.jsonl"}])))
    assert "tasks.jsonl" in found
    assert "secret" not in found
