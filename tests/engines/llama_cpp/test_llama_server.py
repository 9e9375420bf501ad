from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_gguf import write_model

from metaclaw_jlab.core.errors import AdapterRefused, MissingExtra
from metaclaw_jlab.engines.llama_cpp import server as module
from metaclaw_jlab.engines.llama_cpp.adapter_file import adapter_file
from metaclaw_jlab.engines.llama_cpp.server import Wanted, serve
from metaclaw_jlab.engines.server_life import listen
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.policy_server import Endpoint, adapters, policy_file, running
from metaclaw_jlab.runtime.processes import process_alive
from metaclaw_jlab.runtime.server_refusal import refusal

WAIT = 120.0


class Server:
    """The policy server of a GGUF file as a process of its own."""

    def __init__(self, home: Home, model: Path | str, *more: str) -> None:
        command = [sys.executable, "-m", "metaclaw_jlab.engines.policy_server", "--home", str(home.path)]
        self.process = subprocess.Popen(
            [*command, "--model", str(model), "--threads", "1", *more], stderr=subprocess.PIPE, text=True
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

    def children(self) -> list[int]:
        """The processes of its instances."""
        import psutil

        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def end(self) -> str:
        return self.process.communicate(timeout=WAIT)[1]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture
def start(tiny_model: Path, home: Home) -> Iterator[Callable[..., Server]]:
    """Starts servers of the test's home."""
    made: list[Server] = []

    def begin(model: Path | str = tiny_model, *more: str) -> Server:
        made.append(Server(home, model, *more))
        return made[-1]

    yield begin
    for server in made:
        server.process.kill()
        server.process.communicate()


def gone(pids: list[int]) -> bool:
    """Whether all of them end."""
    deadline = time.monotonic() + WAIT
    while any(process_alive(pid) for pid in pids) and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    return not any(process_alive(pid) for pid in pids)


def test_a_gguf_file_is_served_published_and_ended_with_its_instances(
    start: Callable[..., Server], home: Home, tiny_model: Path
) -> None:
    import openai

    server = start()
    endpoint = server.endpoint()
    assert (endpoint.form, endpoint.model) == ("gguf", str(tiny_model))
    client = openai.OpenAI(base_url=endpoint.base_url, api_key=endpoint.token)
    answer = client.chat.completions.create(
        model=f"{endpoint.model}@v0", messages=[{"role": "user", "content": "hi"}], max_tokens=3
    )
    assert answer.model == endpoint.model
    assert adapters(home) == {
        "base": endpoint.model,
        "serving": None,
        "wanted": None,
        "loaded": [],
        "refused": [],
    }
    children = server.children()
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
    assert children
    assert gone(children)


def test_instances_end_with_a_front_that_was_killed(start: Callable[..., Server]) -> None:
    server = start()
    server.endpoint()
    children = server.children()
    server.process.kill()
    assert gone(children)


def test_a_front_whose_instance_breaks_twice_ends_with_a_sentence(start: Callable[..., Server]) -> None:
    import openai

    server = start()
    endpoint = server.endpoint()
    client = openai.OpenAI(base_url=endpoint.base_url, api_key=endpoint.token, max_retries=5)
    for _ in range(2):
        client.completions.create(model=endpoint.model, prompt="a", max_tokens=1)
        (pid,) = server.children()
        os.kill(pid, signal.SIGKILL)
        assert gone([pid])
    log = server.end()
    assert (server.process.returncode, policy_file(server.home).exists()) == (1, False)
    assert "and is started again" in log
    assert log.splitlines()[-1].startswith("llama.cpp broke down twice with ")


def test_a_server_ends_when_its_home_is_gone(start: Callable[..., Server], home: Home) -> None:
    server = start()
    server.endpoint()
    shutil.rmtree(home.path)
    assert "is gone" in server.end()
    assert server.process.returncode == 0


def test_a_server_ends_when_nobody_asks(start: Callable[..., Server], home: Home) -> None:
    server = start(write_model(home.path / "m.gguf"), "--idle-minutes", "0.001")
    assert "no request for" in server.end()
    assert (server.process.returncode, policy_file(home).exists()) == (0, False)


def last_words(server: Server) -> str:
    log = server.end()
    assert server.process.returncode == 1
    assert "Traceback" not in log
    return log.splitlines()[-1]


def test_a_file_that_is_no_gguf_is_named(start: Callable[..., Server], tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_text("hello")
    assert "is no GGUF file." in last_words(start(tmp_path / "m.gguf"))


def test_an_unknown_architecture_is_named(start: Callable[..., Server], tmp_path: Path) -> None:
    path = write_model(tmp_path / "odd.gguf", architecture="strange")
    assert "llama.cpp does not know the architecture strange" in last_words(start(path))


def test_too_little_memory_is_told_before_loading(
    home: Home, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from metaclaw_jlab.engines.policy_server import main

    monkeypatch.setattr(module, "free_memory", lambda: 1 << 20)
    assert main(["--home", str(home.path), "--model", str(tiny_model)]) == 1
    assert "tiny.gguf needs 0.3 GiB of memory, and 0.0 GiB are free." in caplog.text
    assert str(refusal(home)).startswith("tiny.gguf needs 0.3 GiB")


def test_a_folder_is_not_served_as_gguf(home: Home, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from metaclaw_jlab.engines.policy_server import main

    assert main(["--home", str(home.path), "--model", str(tmp_path), "--form", "gguf"]) == 1
    assert "is no GGUF file" in caplog.text


def test_a_missing_library_names_the_extra(
    home: Home, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "xllamacpp" else object())
    listener = listen(0)
    with listener, pytest.raises(MissingExtra, match=r"pip install 'metaclaw-jlab\[local\]'"):
        serve(home, listener, Wanted("m", tiny_model, 1, 0, 1, 1.0), 0.0)


def test_an_adapter_that_cannot_be_written_is_refused_with_the_reason(
    home: Home, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "queue.py").write_text("raise SystemExit('taken for a module')")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AdapterRefused, match="v3"):
        adapter_file(home, tiny_model, "tiny", 3, "0" * 64)


def test_the_front_imports_no_library_that_takes_seconds() -> None:
    heavy = "{'torch', 'transformers', 'numpy', 'peft', 'sqlalchemy', 'openai', 'gguf', 'xllamacpp'}"
    code = (
        "import json, sys\n"
        "import metaclaw_jlab.engines.policy_server, metaclaw_jlab.engines.llama_cpp.server\n"
        "import metaclaw_jlab.engines.llama_cpp.front\n"
        f"print(json.dumps(sorted({heavy} & set(sys.modules))))"
    )
    done: Any = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
