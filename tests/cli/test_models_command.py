import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from metaclaw_jlab.policies.catalogue import MODELS
from metaclaw_jlab.policies.model_store import find_installed
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.policy_server import Endpoint
from tests.loopback.model_hub import ModelHub

Metaclaw = Callable[..., Any]
GGUF = b"GGUF" + bytes(100_000)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelHub]:
    hub = ModelHub()
    hub.files["org/tiny/tiny.gguf"] = GGUF
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    yield hub
    hub.close()


def test_every_short_name_is_listed(metaclaw: Metaclaw) -> None:
    told = metaclaw("models", "--json").json["models"]
    assert {model["name"] for model in told} == {model.name for model in MODELS}
    assert not any(model["installed"] for model in told)


def test_the_list_is_text_too(metaclaw: Metaclaw) -> None:
    out = metaclaw("models", "list").out
    assert "smollm2-135m" in out
    assert "Apache-2.0" in out


def test_a_fetched_model_is_listed_and_removed(metaclaw: Metaclaw, hub: ModelHub) -> None:
    got = metaclaw("models", "get", "org/tiny", "--json")
    assert (got.code, Path(got.json["path"]).read_bytes()) == (0, GGUF)
    assert metaclaw("models", "--json").json["models"][0]["name"] == "tiny"
    gone = metaclaw("models", "remove", "tiny", "--json")
    assert (gone.code, gone.json["removed"]) == (0, "tiny")
    assert not Path(got.json["path"]).exists()


def test_progress_goes_to_standard_error(metaclaw: Metaclaw, hub: ModelHub) -> None:
    ran = metaclaw("models", "get", "org/tiny")
    assert "from the hub" in ran.err
    assert ran.out.startswith("tiny is here: ")


def test_a_model_that_is_not_there_fails(metaclaw: Metaclaw) -> None:
    ran = metaclaw("models", "remove", "tiny", "--json")
    assert (ran.code, "no local model" in ran.json["error"]["cause"]) == (1, True)


def test_a_model_that_the_policy_server_serves_stays(
    metaclaw: Metaclaw, hub: ModelHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = metaclaw("models", "get", "org/tiny", "--json").json["path"]
    serving = Endpoint("http://127.0.0.1:1/v1", "", path, 4242)
    monkeypatch.setattr("metaclaw_jlab.cli.models.running", lambda home: serving)
    ran = metaclaw("models", "remove", "tiny")
    assert ran.code != 0
    assert "process 4242" in ran.err
    assert Path(path).exists()


def test_a_model_larger_than_the_memory_is_told(
    metaclaw: Metaclaw, hub: ModelHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Small:
        total = 50_000

    monkeypatch.setattr(psutil, "virtual_memory", Small)
    assert "memory" in metaclaw("models", "get", "org/tiny", "--json").json["note"]


def test_a_fetched_model_goes_with_the_home(metaclaw: Metaclaw, hub: ModelHub, home: Path) -> None:
    metaclaw("models", "get", "org/tiny")
    assert metaclaw("uninstall", "--yes").code == 0
    assert not home.exists()


def test_an_interrupted_fetch_goes_on_the_next_time(metaclaw: Metaclaw, hub: ModelHub, home: Path) -> None:
    child: list[subprocess.Popen[str]] = []

    def interrupt() -> None:
        if child and hub.requests[-1][1] == "bytes=1000-":
            child.pop().send_signal(signal.SIGINT)

    hub.cuts = [1000, *[0] * 20]
    hub.on_request.append(interrupt)
    command = [sys.executable, "-m", "metaclaw_jlab.cli.main", "models", "get", "org/tiny"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    child.append(process)
    _, err = process.communicate(timeout=100)
    assert (process.returncode, "goes on with it" in err) == (130, True)
    assert find_installed(open_home(home), "tiny") is None
    hub.on_request.clear()
    hub.cuts.clear()
    hub.requests.clear()
    assert metaclaw("models", "get", "org/tiny").code == 0
    assert hub.requests[-1][1] == "bytes=1000-"
