"""What the REST interface answers, asked over HTTP."""

import asyncio
import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tornado.websocket import websocket_connect

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.jupyter.server.events import MOVED
from metaclaw_jlab.jupyter.server.routes import OPERATIONS
from metaclaw_jlab.runtime.home import open_home
from tests.jupyter.server.conftest import done
from tests.jupyter.server.live_server import TOKEN, LiveServer

READS = sorted(found.path for found in OPERATIONS if found.method == "GET" and not found.fields)


@pytest.mark.parametrize("path", READS)
def test_what_reads_is_answered(served: LiveServer, path: str) -> None:
    answer = served.api("GET", path.removeprefix("/"))
    assert answer.status == 200, answer.body
    assert isinstance(answer.json, dict)


def test_health_names_the_home_and_its_host(served: LiveServer) -> None:
    found = served.api("GET", "health").json
    assert (found["home"], found["pid"]) == (open_home(served.home).id, served.process.pid)
    assert (found["standing"]["active"], found["standing"]["pid"]) == (True, served.process.pid)


def test_health_names_the_folder_that_jupyter_shows(served: LiveServer) -> None:
    root = Path(served.api("GET", "health").json["root"])
    assert root.parent == served.home.parent
    assert root.name == f"work-{served.port}"


def test_tasks_are_narrowed(served: LiveServer) -> None:
    assert [task["id"] for task in served.api("GET", "tasks?generation=0&notebook=a.ipynb").json["tasks"]][
        -1
    ] == "first"
    assert served.api("GET", "tasks?skill=none").json == {"tasks": [], "next": None}


def test_it_is_told_by_what_tasks_can_be_narrowed(served: LiveServer) -> None:
    found = served.api("GET", "tasks/facets").json
    assert (found["notebooks"][0]["name"], found["generations"][0]["number"]) == ("a.ipynb", 0)


def test_the_trend_says_that_nothing_tells_of_unchecked_tasks(served: LiveServer) -> None:
    found = served.api("GET", "trend").json
    assert (found["verdict"], found["difference"]) == ("too_few", None)


def test_tasks_are_given_by_the_page(served: LiveServer) -> None:
    first = served.api("GET", "tasks?limit=2").json
    second = served.api("GET", f"tasks?limit=2&before={first['next']}").json
    assert [task["id"] for task in first["tasks"]] == ["third", "second"]
    assert [task["id"] for task in second["tasks"]] == ["first"]
    assert second["next"] is None


def test_a_task_is_explained(served: LiveServer) -> None:
    found = served.api("GET", "tasks/second").json
    assert (found["id"], found["task"], found["outcome"]) == ("second", "Do the second thing", "done")


def test_what_is_not_there_is_said_with_a_next_step(served: LiveServer) -> None:
    answer = served.api("GET", "tasks/none")
    assert answer.status == 404
    assert answer.json["reason"] == "NotFound"
    assert answer.json["next_step"]


def test_a_name_is_one_part_of_the_path_whatever_it_holds(served: LiveServer) -> None:
    answer = served.api("GET", "skills/..%2F..%2Fconfig.toml")
    assert (answer.status, answer.json["reason"]) == (404, "NotFound")


def test_an_operation_that_is_none_is_not_found(served: LiveServer) -> None:
    for path in ("nothing", "", "tasks/first/more"):
        assert served.api("GET", path).status == 404


def test_a_method_that_is_none_is_refused_with_those_that_are(served: LiveServer) -> None:
    answer = served.api("PUT", "clients")
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, OPTIONS, POST"
    assert answer.json["reason"] == "MethodNotAllowed"


def test_an_argument_that_is_wrong_is_named(served: LiveServer) -> None:
    answer = served.api("GET", "tasks?limit=0")
    assert answer.status == 400
    assert answer.json["message"].startswith("limit: ")


def test_a_body_that_is_too_large_is_refused(served: LiveServer) -> None:
    answer = served.api("POST", "activity", raw=b'{"seconds_ago": 1' + b" " * (1 << 20) + b"}")
    assert answer.status == 413


def test_a_pause_is_seen_and_taken_back(served: LiveServer) -> None:
    paused = served.api("POST", "scheduler/pause", {"minutes": 5}).json
    assert paused["pause"]["until"] == pytest.approx(paused["pause"]["at"] + 300, abs=1)
    assert served.api("GET", "scheduler").json["pause"] == paused["pause"]
    assert served.api("POST", "scheduler/unpause").json["pause"] is None
    assert served.api("GET", "scheduler").json["pause"] is None


def test_the_scheduler_says_which_signals_say_what(served: LiveServer) -> None:
    view = served.api("GET", "scheduler").json["view"]
    assert "kernels" in {reading["name"] for reading in view["readings"]}
    assert all(reading["sentence"] for reading in view["readings"])


def test_a_page_may_report_its_user(served: LiveServer) -> None:
    assert served.api("POST", "activity", {"seconds_ago": 3600}).json == {"active": True}


def test_a_training_that_cannot_be_is_refused_with_the_reason(served: LiveServer) -> None:
    answer = served.api("POST", "training/start", {"steps": 2})
    assert (answer.status, answer.json["reason"]) == (409, "TrainingError")
    assert "not trained here" in answer.json["message"]


def test_there_is_nothing_to_resume_or_to_give_up(served: LiveServer) -> None:
    for what in ("resume", "abandon"):
        answer = served.api("POST", f"training/{what}")
        assert (answer.status, answer.json["reason"]) == (409, "NothingToTrain")


def test_nothing_runs_that_could_be_stopped(served: LiveServer) -> None:
    assert served.api("POST", "training/stop").json["stopped"] is False


def test_a_client_gets_a_key_once_and_loses_it(served: LiveServer) -> None:
    made = served.api("POST", "clients", {"name": "a client", "learn": False})
    assert made.status == 201
    listed = served.api("GET", "clients")
    assert made.json["client"] in listed.json["clients"]
    assert made.json["key"].encode() not in listed.body
    assert served.api("DELETE", f"clients/{made.json['client']['id']}").status == 200
    assert made.json["client"] not in served.api("GET", "clients").json["clients"]


def test_a_name_is_given_to_one_client_only(served: LiveServer) -> None:
    made = served.api("POST", "clients", {"name": "twin"}).json["client"]["id"]
    assert served.api("POST", "clients", {"name": "twin"}).status == 409
    served.api("DELETE", f"clients/{made}")


def test_skills_that_bear_on_a_text_are_found(served: LiveServer) -> None:
    found = served.api("POST", "retrieve", {"text": "save the table"})
    assert (found.status, found.json) == (200, {"generation": 0, "skills": []})


def test_what_the_user_says_reaches_the_score_until_it_is_taken_back(served: LiveServer) -> None:
    before = score_of(served, "first")
    assert served.api("POST", "tasks/first/feedback", {"kind": "bad", "reason": "wrong rows"}).status == 200
    assert score_of(served, "first") == {"value": -1.0, "source": "user", "reason": "wrong rows"}
    assert served.api("DELETE", "tasks/first/feedback").status == 200
    assert score_of(served, "first") == before


def test_neither_torch_nor_chroma_was_loaded_for_all_this(served: LiveServer) -> None:
    served.api("GET", "status")
    maps = Path(f"/proc/{served.process.pid}/maps").read_text()
    assert "sqlite" in maps
    assert not [name for name in ("libtorch", "chromadb_rust", "onnxruntime") if name in maps]


def test_the_description_is_served(served: LiveServer) -> None:
    found = served.api("GET", "openapi.json").json
    assert found["openapi"] == "3.1.0"
    assert found["servers"] == [{"url": "/metaclaw/api"}]


def test_the_secret_of_the_home_reads_and_changes_nothing(served: LiveServer) -> None:
    secret = json.loads((served.home / "runtime" / "host.json").read_text())["secret"]
    known = {"headers": {"X-Metaclaw-Secret": secret}, "token": None}
    assert served.api("GET", "status", **known).status == 200
    assert served.api("POST", "retrieve", {"text": "x"}, **known).status == 200
    assert served.api("POST", "training/start", **known).status == 403
    assert served.api("GET", "clients", **known).status == 403


def test_a_wrong_secret_is_none(served: LiveServer) -> None:
    wrong = {"headers": {"X-Metaclaw-Secret": "x" * 43}, "token": None}
    assert served.api("GET", "status", **wrong).status == 403


def test_host_json_is_for_its_owner_alone(served: LiveServer) -> None:
    assert os.stat(served.home / "runtime" / "host.json").st_mode & 0o077 == 0


def score_of(served: LiveServer, name: str) -> object:
    listed = served.api("GET", "tasks").json["tasks"]
    return next(task["score"] for task in listed if task["id"] == name)


def test_the_card_says_why_nothing_is_trained_by_itself(served: LiveServer) -> None:
    assert served.api("GET", "status").json["schedule"]
    assert served.api("GET", "scheduler").json["sentence"]


def test_many_are_answered_at_once(served: LiveServer) -> None:
    paths = [
        "status",
        "skills",
        "tasks",
        "tasks/second",
        "training",
        "scheduler",
        "generations",
        "clients",
    ] * 8
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda path: served.api("GET", path).status, paths))
    assert found == [200] * len(paths)


def test_a_subscriber_of_jupyter_hears_that_a_task_has_ended(served: LiveServer) -> None:
    before = served.api("GET", "tasks?limit=1").json["tasks"][0]["number"]
    address = f"{served.url.replace('http', 'ws', 1)}api/events/subscribe?token={TOKEN}"

    async def heard() -> dict[str, Any]:
        socket = await websocket_connect(address)
        with closing(open_workspace(served.home)) as workspace:
            workspace.trajectories().record(done("heard"))
            while message := await socket.read_message():
                event: dict[str, Any] = json.loads(message)
                if event["schema_id"] == MOVED and event["task"] > before:
                    break
            workspace.trajectories().forget("heard")
        socket.close()
        return event

    event = asyncio.run(asyncio.wait_for(heard(), 60))
    assert event["task"] == before + 1
    assert "Do the heard thing" not in json.dumps(event)
