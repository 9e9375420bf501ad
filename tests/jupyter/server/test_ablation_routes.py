"""Ablations over HTTP: read as they are described, begun, stopped, deleted, taken away as files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.ablation import AblationState
from metaclaw_jlab.evaluation.ablation.live_run import LiveRuns
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, open_run
from metaclaw_jlab.jupyter.server.openapi import describe
from metaclaw_jlab.jupyter.server.operations.ablations import _row
from metaclaw_jlab.jupyter.server.routes import OPERATIONS
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.leases import lease
from tests.evaluation.ablation.made_run import TASKS, made_run
from tests.jupyter.server.live_server import Answer, LiveServer, live_server

PLAN: dict[str, Any] = {"arms": ["baseline", "skills"], "tasks": "practice:held-out", "n": 2}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server of a home with one ablation, which is done."""
    folder = tmp_path_factory.mktemp("ablations")
    workspace = open_workspace(folder / "home")
    made_run(workspace.home)
    workspace.close()
    with live_server(folder, home=folder / "home") as found:
        yield found


@pytest.fixture
def run(server: LiveServer) -> RunFolder:
    """A run of this test's own, which was stopped."""
    return made_run(Home(server.home), state=AblationState.CANCELLED)


def fits(path: str, answer: Answer, method: str = "get", status: int = 200) -> Any:
    """The answer, which is as the description says."""
    assert answer.status == status, answer.body
    description = describe(OPERATIONS, "/", "0")
    told = description["paths"][path][method]["responses"][str(status)]
    schema = told["content"]["application/json"]["schema"]
    jsonschema.validate(answer.json, {**schema, "components": description["components"]})
    return answer.json


def test_the_list_tells_how_far_each_is_and_what_it_says(server: LiveServer) -> None:
    found = fits("/ablations", server.api("GET", "ablations"))
    row = found["runs"][-1]
    assert (row["number"], row["state"], row["done"]) == (1, "done", 2 * TASKS)
    assert row["verdict"].startswith("Learning helped")


def test_a_run_that_is_over_is_listed_and_takes_no_place(run: RunFolder) -> None:
    live = LiveRuns(run.home)
    assert _row(live, run, math.inf)["verdict"].startswith("Learning helped")
    assert not live._runs


def test_the_list_comes_by_the_page(server: LiveServer, run: RunFolder) -> None:
    first = server.api("GET", "ablations?limit=1").json
    assert [one["number"] for one in first["runs"]] == [run.number]
    second = server.api("GET", f"ablations?before={first['next']}").json
    assert [one["number"] for one in second["runs"]] == list(range(run.number - 1, 0, -1))


def test_what_can_be_chosen_is_told(server: LiveServer) -> None:
    found = fits("/ablations/options", server.api("GET", "ablations/options"))
    assert [one["name"] for one in found["arms"]][:3] == ["baseline", "skills", "full"]
    assert found["defaults"]["tasks"] in [one["spec"] for one in found["task_sets"]]


def test_the_report_is_as_described(server: LiveServer) -> None:
    found = fits("/ablations/{number}", server.api("GET", "ablations/1"))
    assert found["arms"]["full"]["mean"] == pytest.approx(11 / 12, abs=1e-3)
    assert [one["arm"] for one in found["comparisons"]] == ["full"]


def test_the_grid_and_a_task_of_it_are_as_described(server: LiveServer) -> None:
    grid = fits("/ablations/{number}/grid", server.api("GET", "ablations/1/grid"))
    assert len(grid["values"]) == TASKS
    task = quote(grid["tasks"][3]["id"], safe="")
    path = "/ablations/{number}/tasks/{task}"
    pair = fits(path, server.api("GET", f"ablations/1/tasks/{task}?seed=1"))
    assert [one["arm"] for one in pair["attempts"]] == ["baseline", "full"]
    assert pair["attempts"][0]["steps"][0]["action"] == "print(3)"


@pytest.mark.parametrize(
    "path",
    ["ablations/99", "ablations/x", "ablations/99/grid", "ablations/1/tasks/none", "ablations/99/export"],
)
def test_what_is_not_there_is_not_found(server: LiveServer, path: str) -> None:
    answer = server.api("GET", path)
    assert answer.status == 404
    assert answer.json["next_step"]


@pytest.mark.parametrize(
    ("kind", "mime"),
    [("ipynb", "application/x-ipynb+json"), ("csv", "text/csv"), ("json", "application/json")],
)
def test_a_file_is_sent_under_its_name(server: LiveServer, kind: str, mime: str) -> None:
    answer = server.api("GET", f"ablations/1/export?kind={kind}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, mime)
    assert answer.headers["Content-Disposition"] == f"attachment; filename*=utf-8''ablation-1.{kind}"
    assert answer.body.decode().count("\n") > TASKS if kind == "csv" else json.loads(answer.body)


def test_another_kind_of_file_is_refused(server: LiveServer) -> None:
    assert server.api("GET", "ablations/1/export?kind=exe").status == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"arms": [], "extra": []},
        {"arms": ["nobody"]},
        {"extra": ["few"]},
        {"tasks": "log"},
        {"tasks": "missing.jsonl"},
        {"arms": ["given", "baseline"], "tasks": "log:last-5"},
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused_with_the_next_step(
    server: LiveServer, wrong: dict[str, Any]
) -> None:
    before = server.api("GET", "ablations").json
    answer = server.api("POST", "ablations", {**PLAN, **wrong})
    assert answer.status == 422, answer.body
    assert answer.json["message"]
    assert answer.json["next_step"]
    assert server.api("GET", "ablations").json == before


@pytest.mark.parametrize("wrong", [{"n": 0}, {"seeds": "3"}, {"days": -1}, {"unknown": 1}])
def test_a_body_of_another_form_is_refused(server: LiveServer, wrong: dict[str, Any]) -> None:
    assert server.api("POST", "ablations", {**PLAN, **wrong}).status == 400


def test_one_that_is_begun_runs_beside_the_server(server: LiveServer) -> None:
    begun = fits("/ablations", server.api("POST", "ablations", PLAN), "post", 201)
    number = begun["number"]
    report = fits("/ablations/{number}", server.api("GET", f"ablations/{number}"))
    assert (list(report["arms"]), report["tasks"]) == (["baseline", "skills"], "practice:held-out")
    assert open_run(Home(server.home), number).log.exists()
    server.api("POST", f"ablations/{number}/stop")


def test_one_that_runs_can_be_stopped_and_nothing_else(server: LiveServer, run: RunFolder) -> None:
    with lease(run.home, run.lease_name):
        run.change(state=AblationState.RUNNING)
        path = f"ablations/{run.number}"
        told = fits("/ablations/{number}/stop", server.api("POST", f"{path}/stop"), "post")
        assert (told["state"], run.wants_stop()) == ("running", True)
        for method, which in (("POST", f"{path}/resume"), ("DELETE", path)):
            answer = server.api(method, which)
            assert answer.status == 409, answer.body
            assert answer.json["next_step"]


def test_one_that_is_over_is_not_stopped(server: LiveServer, run: RunFolder) -> None:
    assert server.api("POST", f"ablations/{run.number}/stop").status == 409
    assert server.api("POST", "ablations/1/resume").status == 409


def test_one_whose_budget_is_spent_needs_another(server: LiveServer, run: RunFolder) -> None:
    run.change(state=AblationState.SPENT, reason="Its budget of 3 minutes is spent.")
    answer = server.api("POST", f"ablations/{run.number}/resume")
    assert answer.status == 409
    assert "--budget-minutes" in answer.json["next_step"]


def test_a_deleted_one_is_gone(server: LiveServer, run: RunFolder) -> None:
    path = f"ablations/{run.number}"
    assert server.api("GET", path).status == 200
    fits("/ablations/{number}", server.api("DELETE", path), "delete")
    assert server.api("GET", path).status == 404
