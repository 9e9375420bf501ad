from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.core.errors import ServerStartFailed
from metaclaw_jlab.engines import policy_server, server_life
from metaclaw_jlab.engines.activity import Activity
from metaclaw_jlab.engines.policy_server import options
from metaclaw_jlab.engines.server_life import listen, reason_to_end
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.policy_server import (
    Endpoint,
    adapters,
    policy_file,
    refresh_adapters,
    running,
)

WAIT = 60.0


class Server:
    """The server as a process of its own."""

    def __init__(self, home: Home, model: Path | str, *more: str) -> None:
        command = [sys.executable, "-m", "metaclaw_jlab.engines.policy_server"]
        self.process = subprocess.Popen(
            [*command, "--home", str(home.path), "--model", str(model), "--threads", "1", *more],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"HF_HUB_OFFLINE": "1"},
        )
        self.home = home

    def endpoint(self) -> Endpoint:
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline and self.process.poll() is None:
            threading.Event().wait(0.05)
            found = running(self.home)
            if found is not None:
                return found
        pytest.fail(f"not up: {self.end()}")

    def end(self) -> str:
        return self.process.communicate(timeout=WAIT)[1]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture
def start(model_folder: Callable[[str], Path], home: Home) -> Iterator[Callable[..., Server]]:
    """Starts servers of the test's home, which is the shelf's too."""
    made: list[Server] = []

    def begin(model: str | None = None, *more: str) -> Server:
        made.append(Server(home, model or model_folder("qwen3"), *more))
        return made[-1]

    yield begin
    for server in made:
        server.process.kill()
        server.process.communicate()


def test_a_server_publishes_itself_answers_and_ends_when_told(
    start: Callable[..., Server], home: Home
) -> None:
    import openai

    server = start()
    endpoint = server.endpoint()
    assert stat.S_IMODE(policy_file(home).stat().st_mode) == 0o600
    client = openai.OpenAI(base_url=endpoint.base_url, api_key=endpoint.token)
    answer = client.chat.completions.create(
        model=endpoint.model, messages=[{"role": "user", "content": "hi"}], max_tokens=3
    )
    assert answer.model == endpoint.model
    server.process.send_signal(signal.SIGTERM)
    log = server.end()
    assert (server.process.returncode, policy_file(home).exists()) == (0, False)
    assert [line.split()[0] for line in log.splitlines()] == [
        "loading",
        "loaded",
        "ready",
        "ending:",
        "ended",
    ]


def test_a_server_begins_with_the_adapter_that_serves_and_takes_up_the_next_one(
    start: Callable[..., Server], shelf: Any
) -> None:
    import openai

    first, second = shelf.publish(), shelf.publish()
    shelf.serve(first)
    server = start()
    endpoint = server.endpoint()
    client = openai.OpenAI(base_url=endpoint.base_url, api_key=endpoint.token)

    def answered_by() -> str:
        found: str = client.completions.create(model=endpoint.model, prompt="a", max_tokens=2).model
        return found.removeprefix(endpoint.model)

    assert answered_by() == "@v1"
    shelf.serve(second)
    told = refresh_adapters(shelf.home)
    assert told is not None
    assert (told["serving"], told, answered_by()) == (second, adapters(shelf.home), "@v2")
    server.process.send_signal(signal.SIGTERM)
    log = [line.split()[0] for line in server.end().splitlines()]
    assert log == ["loading", "loaded", "serving", "ready", "serving", "ending:", "ended"]


def test_where_no_server_runs_nothing_is_refreshed(home: Home) -> None:
    assert (adapters(home), refresh_adapters(home)) == (None, None)


def test_a_server_without_adapters_imports_neither_peft_nor_the_store(
    model_folder: Callable[[str], Path], home: Home
) -> None:
    code = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from metaclaw_jlab.engines import web\n"
        "from metaclaw_jlab.engines.adapter_bank import AdapterBank\n"
        "from metaclaw_jlab.engines.adapters import ServedAdapters\n"
        "from metaclaw_jlab.engines.local_models import load\n"
        "from metaclaw_jlab.runtime.home import Home\n"
        "home, model = sys.argv[1:]\n"
        "served = ServedAdapters(Home(Path(home)), 'm', model, AdapterBank(load(model).model))\n"
        "served.refresh()\n"
        "print(json.dumps(sorted({'peft', 'sqlalchemy', 'trl'} & set(sys.modules))))"
    )
    command = [sys.executable, "-c", code, str(home.path), str(model_folder("qwen3"))]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == []


def test_a_server_ends_when_its_home_is_gone(start: Callable[..., Server], home: Home) -> None:
    server = start()
    server.endpoint()
    shutil.rmtree(home.path)
    assert "is gone" in server.end()
    assert server.process.returncode == 0


def test_a_server_ends_when_nobody_asks(start: Callable[..., Server], home: Home) -> None:
    server = start(None, "--idle-minutes", "0.001")
    assert "no request for" in server.end()
    assert (server.process.returncode, policy_file(home).exists()) == (0, False)


def test_a_model_that_is_not_there_ends_the_start_with_a_sentence(
    start: Callable[..., Server], home: Home
) -> None:
    server = start("/no/such/model")
    assert server.end().splitlines()[-1].startswith("There is no folder /no/such/model.")
    assert (server.process.returncode, policy_file(home).exists()) == (1, False)


def test_a_second_server_of_a_home_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Endpoint("http://127.0.0.1:1/v1", "t", "m", 7)
    monkeypatch.setattr(server_life, "running", lambda _: other)
    with pytest.raises(ServerStartFailed, match="already"):
        policy_server._serve(options(["--home", str(home.path)]))


def test_a_taken_port_is_named(home: Home) -> None:
    listener = listen(0)
    listener.listen()
    port = listener.getsockname()[1]
    with pytest.raises(ServerStartFailed, match=f"Port {port}"):
        listen(port)
    listener.close()


def test_the_server_listens_on_loopback_only() -> None:
    listener = listen(0)
    assert listener.getsockname()[0] == "127.0.0.1"
    listener.close()


@pytest.mark.parametrize("wrong", [["--idle-minutes", "0"], ["--max-batch", "0"], ["--host", "0.0.0.0"]])
def test_a_wrong_option_is_a_usage_error(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        options(["--home", "h", *wrong])


def test_a_tiny_model_runs_on_one_thread() -> None:
    assert (policy_server.threads_for(1_000_000), policy_server.threads_for(500_000_000)) == (1, None)


class Clock:
    """Seconds that a test moves by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_idle_time_is_a_reason_to_end(home: Home) -> None:
    clock = Clock()
    activity = Activity(clock)
    clock.now = 59.0
    assert reason_to_end(home, home.id, activity, 60.0) is None
    clock.now = 60.0
    assert reason_to_end(home, home.id, activity, 60.0) == "no request for 1 min"


def test_a_home_of_another_id_is_a_reason_to_end(home: Home) -> None:
    assert "another home" in str(reason_to_end(home, "someone else's", Activity(), 60.0))


def test_the_server_module_is_light_until_it_loads() -> None:
    code = (
        "import json, sys, metaclaw_jlab.engines.policy_server;"
        "print(json.dumps(sorted({'torch', 'transformers', 'uvicorn', 'starlette'} & set(sys.modules))))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == []
