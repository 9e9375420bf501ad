"""Adapters and training runs, asked and changed over HTTP."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.gate import Verdict
from tests.jupyter.server.live_server import UNREACHABLE, LiveServer, live_server
from tests.learning.trained import begun, candidate, finished, gated


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server of a home with two runs that are over and one that was cut off. Adapters: v1 was rejected, v2 may be
    promoted, v3 is a candidate, v4 is there to be deleted. The tests leave the base serving."""
    folder = tmp_path_factory.mktemp("trained")
    with closing(open_workspace(folder / "home")) as workspace:
        home, database = workspace.home, workspace.database()
        finished(home, database, Verdict.REJECT)
        finished(home, database)
        candidate(home, database)
        gated(home, database, Verdict.INSUFFICIENT)
        begun(database, steps=9, done=4)
    (folder / "home" / "config.toml").write_text(UNREACHABLE)
    with live_server(folder, home=folder / "home") as server:
        yield server


def test_runs_are_given_by_the_page(trained: LiveServer) -> None:
    first = trained.api("GET", "training/runs?limit=2").json
    assert [run["number"] for run in first["runs"]] == [3, 2]
    second = trained.api("GET", f"training/runs?limit=2&before={first['next']}").json
    assert ([run["number"] for run in second["runs"]], second["next"]) == ([1], None)


def test_a_run_has_its_curves(trained: LiveServer) -> None:
    found = trained.api("GET", "training/runs/3").json
    assert (found["state"], found["steps_done"], found["steps"]) == ("training", 4, 9)
    assert found["curves"]["step"] == [1, 2, 3, 4]
    assert len(found["curves"]["kl"]) == 4


@pytest.mark.parametrize("number", ["9", "0", "-1", "x", "1" * 40, "1.0"])
def test_a_number_that_nothing_has_is_not_found(trained: LiveServer, number: str) -> None:
    for path in (f"training/runs/{number}", f"adapters/{number}"):
        answer = trained.api("GET", path)
        assert (answer.status, answer.json["reason"]) == (404, "NotFound")


def test_an_adapter_is_told_with_its_gates(trained: LiveServer) -> None:
    found = trained.api("GET", "adapters/1").json
    assert found["adapter"]["fault"] == ""
    assert [gate["verdict"] for gate in found["gates"]] == ["reject"]
    assert found["gates"][0]["comparisons"][0]["difference"]["low"] == pytest.approx(0.05)
    assert found["served"] == []


def test_a_promotion_says_how_it_is_undone_and_is_undone(trained: LiveServer) -> None:
    moved = trained.api("POST", "adapters/2/promote", {"reason": "I want it"}).json
    assert (moved["serving"], moved["undo"]) == (2, "base")
    assert trained.api("GET", "adapters").json["serving"] == 2
    assert [one["reason"] for one in trained.api("GET", "adapters/2").json["served"]] == ["I want it"]
    again = trained.api("POST", "adapters/2/promote")
    assert (again.status, again.json["reason"]) == (409, "NotNow")
    back = trained.api("POST", "adapters/rollback", {"to": moved["undo"]}).json
    assert (back["serving"], back["undo"]) == (None, 2)


def test_what_served_is_not_deleted(trained: LiveServer) -> None:
    trained.api("POST", "adapters/3/promote")
    trained.api("POST", "adapters/rollback")
    answer = trained.api("DELETE", "adapters/3")
    assert (answer.status, answer.json["reason"]) == (409, "InvariantViolation")


def test_a_rollback_to_what_never_served_is_refused(trained: LiveServer) -> None:
    answer = trained.api("POST", "adapters/rollback", {"to": 1})
    assert (answer.status, answer.json["reason"]) == (409, "AdapterRefused")


@pytest.mark.parametrize("to", [0, -1, 1.5, "v2", "", None, True, [1]])
def test_a_rollback_to_what_is_no_version_is_refused(trained: LiveServer, to: object) -> None:
    assert trained.api("POST", "adapters/rollback", {"to": to}).status == 400


def test_a_candidate_is_deleted_and_its_gates_stay_in_the_store(trained: LiveServer) -> None:
    assert trained.api("DELETE", "adapters/4").json["undo"] is None
    assert trained.api("GET", "adapters/4").status == 404
    assert trained.api("DELETE", "adapters/4").status == 404


def test_adapters_are_given_by_the_page(trained: LiveServer) -> None:
    found = trained.api("GET", "adapters?limit=1&before=3").json
    assert [one["version"] for one in found["adapters"]] == [2]
    assert found["total"] >= 3
