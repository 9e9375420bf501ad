"""The extension as Jupyter runs it: beside others and alone, under a prefix, twice on one home, and to its end."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

import metaclaw_jlab
from metaclaw_jlab.jupyter.server.app import is_loopback, url_of
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.host import published
from tests.jupyter.server.live_server import EXTENSION, LiveServer, live_server

ROOT = Path(__file__).parents[3]


def test_jupyter_finds_the_extension() -> None:
    points = metaclaw_jlab._jupyter_server_extension_points()
    assert [(point["module"], point["app"].name) for point in points] == [
        ("metaclaw_jlab.jupyter.server.app", "metaclaw")
    ]


def test_the_wheel_enables_the_extension() -> None:
    shared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    enabled = json.loads((ROOT / "jupyter-config" / "metaclaw_jlab.json").read_text())
    assert shared["shared-data"]["jupyter-config"] == "etc/jupyter/jupyter_server_config.d"
    assert enabled == {"ServerApp": {"jpserver_extensions": {"metaclaw_jlab": True}}}


def test_it_runs_beside_other_extensions(tmp_path: Path) -> None:
    with live_server(tmp_path, how=EXTENSION) as server:
        assert server.api("GET", "health").json["standing"]["active"] is True
        assert server.ask("GET", "api/status").status == 200


def test_it_lies_under_the_prefix_that_a_hub_gives(tmp_path: Path) -> None:
    with live_server(tmp_path, base_url="/user/ann.lee/") as server:
        assert server.api("GET", "health").status == 200
        found = server.api("GET", "openapi.json").json["servers"]
        listed = published(open_home(server.home))
        assert found == [{"url": "/user/ann.lee/metaclaw/api"}]
        assert listed is not None
        assert listed.url == server.url


def test_its_end_is_clean(tmp_path: Path) -> None:
    with live_server(tmp_path) as server:
        pass
    assert server.process.returncode == 0
    assert published(open_home(server.home)) is None
    assert [line for line in server.lines if line.startswith(("[E", "Traceback"))] == []


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> object:
    folder = tmp_path_factory.mktemp("two")
    with live_server(folder) as first, live_server(folder, home=first.home) as second:
        yield first, second


def test_a_second_server_of_a_home_serves_reads_and_says_who_is_active(
    two: tuple[LiveServer, LiveServer],
) -> None:
    first, second = two
    standing = second.api("GET", "health").json["standing"]
    assert (standing["active"], standing["pid"]) == (False, first.process.pid)
    assert str(first.process.pid) in standing["sentence"]
    assert second.api("GET", "tasks").status == 200
    second.wait_for("this server serves reads only")


def test_what_needs_the_active_host_is_refused_with_who_is(two: tuple[LiveServer, LiveServer]) -> None:
    first, second = two
    for path, body in (("scheduler/pause", {}), ("scheduler/unpause", None), ("retrieve", {"text": "x"})):
        refused = second.api("POST", path, body)
        assert (refused.status, refused.json["reason"]) == (409, "HostElsewhere")
        assert str(first.process.pid) in refused.json["message"]


def test_the_second_server_shows_what_the_scheduler_of_the_first_knows(
    two: tuple[LiveServer, LiveServer],
) -> None:
    first, second = two
    paused = first.api("POST", "scheduler/pause", {"minutes": 10}).json["pause"]
    assert second.api("GET", "scheduler").json["pause"] == paused
    shown = second.api("GET", "scheduler").json
    assert (shown["active"], shown["host"]) == (False, first.process.pid)
    assert shown["view"]["pause"] == paused
    first.api("POST", "scheduler/unpause")


def test_the_second_server_takes_over(two: tuple[LiveServer, LiveServer]) -> None:
    first, second = two
    first.process.terminate()
    second.wait_for("is the active host")
    assert second.api("GET", "health").json["standing"]["pid"] == second.process.pid


def test_a_home_that_is_deleted_is_told_and_the_server_lives_on(tmp_path: Path) -> None:
    with live_server(tmp_path) as server:
        shutil.rmtree(server.home)
        server.wait_for("was deleted while this server used it")
        answer = server.api("GET", "status")
        assert (answer.status, answer.json["reason"]) == (503, "HomeRefused")
        assert server.api("GET", "health").json["standing"]["active"] is False
        assert server.ask("GET", "api/status").status == 200


def test_what_is_polled_counts_as_no_activity(tmp_path: Path) -> None:
    with live_server(tmp_path) as server:
        before = last_activity(server)
        for path in ("status", "scheduler", "tasks", "openapi.json", "nothing"):
            server.api("GET", path)
        server.api("POST", "activity", {"seconds_ago": 1})
        assert last_activity(server) == before
        server.api("POST", "scheduler/unpause")
        assert last_activity(server) > before


def last_activity(server: LiveServer) -> str:
    return str(server.ask("GET", "api/status?no_track_activity=1").json["last_activity"])


@pytest.mark.parametrize(
    ("ip", "loopback", "url"),
    [
        ("localhost", True, "http://127.0.0.1:8888/b/"),
        ("127.0.0.1", True, "http://127.0.0.1:8888/b/"),
        ("::1", True, "http://[::1]:8888/b/"),
        ("", False, "http://127.0.0.1:8888/b/"),
        ("0.0.0.0", False, "http://127.0.0.1:8888/b/"),
        ("::", False, "http://[::1]:8888/b/"),
        ("192.0.2.7", False, "http://192.0.2.7:8888/b/"),
        ("host.example", False, "http://host.example:8888/b/"),
    ],
)
def test_the_address_is_one_that_processes_here_reach(ip: str, loopback: bool, url: str) -> None:
    server = SimpleNamespace(sock="", certfile="", ip=ip, port=8888, base_url="/b/")
    assert (is_loopback(server), url_of(server)) == (loopback, url)


def test_a_server_on_a_socket_has_no_address() -> None:
    server = SimpleNamespace(sock="/tmp/s", certfile="", ip="localhost", port=0, base_url="/")
    assert (is_loopback(server), url_of(server)) == (True, "")


def test_to_listen_elsewhere_is_warned_of(tmp_path: Path) -> None:
    with live_server(tmp_path, arguments=["--ServerApp.ip=0.0.0.0"]) as server:
        server.wait_for("other machines reach it")


def test_the_extension_loads_nothing_heavy() -> None:
    heavy = "torch numpy pandas chromadb openai httpx aiohttp transformers nbformat pynvml icalendar"
    code = (
        "import sys; import jupyter_server.serverapp; known = set(sys.modules)\n"
        "import metaclaw_jlab.jupyter.server.app, metaclaw_jlab.jupyter.server.proxy.handlers\n"
        "print(*sorted(set(sys.modules) - known))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "metaclaw_jlab.jupyter.server.routes" in loaded
    assert sorted(set(heavy.split()) & set(loaded)) == []


def test_a_training_that_finds_nothing_to_train_on_says_so(tmp_path: Path) -> None:
    with live_server(tmp_path, config="") as server:
        answer = server.api("POST", "training/start", {"steps": 2, "seed": 1})
        assert (answer.status, answer.json["reason"]) == (409, "TrainingError")
        assert "waits to be trained on" in answer.json["message"]


def test_the_home_can_be_named_in_jupyters_own_way(tmp_path: Path) -> None:
    other = tmp_path / "other"
    with live_server(tmp_path, arguments=[f"--MetaclawApp.home={other}"]) as server:
        assert server.api("GET", "health").json["home"] == open_home(other).id
    assert not (server.home / "home.id").exists()
