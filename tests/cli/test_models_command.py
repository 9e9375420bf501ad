import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from metaclaw_jlab.policies import model_store
from metaclaw_jlab.policies.catalogue import MODELS
from metaclaw_jlab.policies.model_store import InstalledModel, find_installed
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.policy_server import Endpoint
from tests.inspection.installed_samples import install
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


@pytest.mark.parametrize("named", ["path", "name"])
def test_a_model_that_serves_stays(
    named: str, metaclaw: Metaclaw, hub: ModelHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = metaclaw("models", "get", "org/tiny", "--json").json["path"]
    serving = Endpoint("http://127.0.0.1:1/v1", "", path if named == "path" else "tiny", 4242, "gguf")
    monkeypatch.setattr("metaclaw_jlab.cli.models.running", lambda home: serving)
    assert metaclaw("models", "--json").json["models"][0]["loaded"]
    ran = metaclaw("models", "remove", "tiny")
    assert ran.code != 0
    assert "process 4242" in ran.err
    assert "metaclaw stop" in ran.err
    assert Path(path).exists()


def test_the_form_that_does_not_serve_can_go(
    metaclaw: Metaclaw, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for form in ("gguf", "safetensors"):
        install(open_home(home), "smollm2-135m", form)  # type: ignore[arg-type]
    serving = Endpoint("http://127.0.0.1:1/v1", "", "smollm2-135m", 4242, "safetensors")
    monkeypatch.setattr("metaclaw_jlab.cli.models.running", lambda home: serving)
    assert metaclaw("models", "remove", "smollm2-135m", "--form", "gguf").code == 0
    assert metaclaw("models", "remove", "smollm2-135m").code != 0


def test_both_forms_are_listed(metaclaw: Metaclaw, home: Path) -> None:
    for form in ("gguf", "safetensors"):
        install(open_home(home), "smollm2-135m", form)  # type: ignore[arg-type]
    out = metaclaw("models").out.splitlines()
    assert [line.split()[1] for line in out if line.startswith("smollm2-135m")] == ["gguf", "safetensors"]


def test_a_removed_model_that_is_still_asked_for_is_told(metaclaw: Metaclaw, home: Path) -> None:
    install(open_home(home), "smollm2-135m")
    metaclaw("config", "set", "policy.local_model", "smollm2-135m")
    ran = metaclaw("models", "remove", "smollm2-135m")
    assert ran.code == 0
    assert "metaclaw config unset policy.local_model" in ran.out


def test_another_form_that_answers_is_no_reason_to_tell(metaclaw: Metaclaw, home: Path) -> None:
    for form in ("gguf", "safetensors"):
        install(open_home(home), "smollm2-135m", form)  # type: ignore[arg-type]
    metaclaw("config", "set", "policy.local_model", "smollm2-135m")
    assert metaclaw("models", "remove", "smollm2-135m", "--form", "gguf", "--json").json["notes"] == []


def test_a_model_larger_than_the_memory_is_told(
    metaclaw: Metaclaw, hub: ModelHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Small:
        total = available = 50_000

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


def test_what_it_takes_is_told_first(metaclaw: Metaclaw, hub: ModelHub) -> None:
    first = metaclaw("models", "get", "org/tiny").err.splitlines()[0]
    assert first.startswith("tiny (GGUF, mit): 98 kB, ")
    assert "free on the disk; about 98 kB of memory" in first


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ({"refuse": (401, "RepoNotFound")}, "HF_TOKEN"),
        ({"token": "secret"}, "HF_TOKEN"),
        ({"claimed_sha256": "0" * 64}, "gave other bytes"),
        ({"refuse": (503, "")}, "busy"),
        ({"files": {"org/tiny/tiny.gguf": b"no model"}}, "no GGUF file"),
        ({"files": {}}, "does not have it"),
    ],
)
def test_what_goes_wrong_is_one_line(
    spoil: dict[str, Any], told: str, metaclaw: Metaclaw, hub: ModelHub, home: Path
) -> None:
    for name, value in spoil.items():
        setattr(hub, name, value)
    ran = metaclaw("models", "get", "org/tiny")
    lines = [line for line in ran.err.splitlines() if line.startswith("metaclaw: ")]
    assert (ran.code, len(lines), told in lines[0]) == (1, 1, True)
    assert find_installed(open_home(home), "tiny") is None


def test_a_full_disk_is_one_line(metaclaw: Metaclaw, hub: ModelHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_store, "_free", lambda path: 1000)
    ran = metaclaw("models", "get", "org/tiny")
    assert (ran.code, "tiny needs 0.3 GB free on the disk" in ran.err) == (1, True)


def test_safetensors_are_made_where_the_hub_does_not_answer(
    metaclaw: Metaclaw, home: Path, hub: ModelHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def convert(home: Home, model: InstalledModel, **_: object) -> InstalledModel:
        made.append(model.name)
        return install(home, model.name, "safetensors")

    monkeypatch.setattr("metaclaw_jlab.engines.gguf_conversion.to_safetensors", convert)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    install(open_home(home), "smollm2-135m")
    ran = metaclaw("models", "get", "smollm2-135m", "--form", "safetensors", "--json")
    assert (ran.code, ran.json["form"], made) == (0, "safetensors", ["smollm2-135m"])
    assert "made from the GGUF file" in ran.err


def test_safetensors_of_a_file_of_ones_own_are_made_from_it(
    metaclaw: Metaclaw, home: Path, hub: ModelHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "metaclaw_jlab.engines.gguf_conversion.to_safetensors",
        lambda home, model, **_: install(home, model.name, "safetensors"),
    )
    metaclaw("models", "get", "org/tiny")
    hub.requests.clear()
    ran = metaclaw("models", "get", "tiny", "--form", "safetensors", "--json")
    assert (ran.json["form"], hub.requests) == ("safetensors", [])


def test_a_login_is_no_reason_to_make_them(metaclaw: Metaclaw, home: Path, hub: ModelHub) -> None:
    hub.token = "secret"
    install(open_home(home), "smollm2-135m")
    ran = metaclaw("models", "get", "smollm2-135m", "--form", "safetensors")
    assert (ran.code, "HF_TOKEN" in ran.err) == (1, True)


def test_of_two_that_fetch_the_same_one_waits(metaclaw: Metaclaw, hub: ModelHub, home: Path) -> None:
    others: list[subprocess.Popen[bytes]] = []
    command = [sys.executable, "-m", "metaclaw_jlab.cli.main", "models", "get", "org/tiny"]

    def another() -> None:
        if not others and hub.requests[-1][0].endswith(".gguf"):
            others.append(subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL))

    hub.on_request.append(another)
    assert metaclaw("models", "get", "org/tiny").code == 0
    assert others[0].wait(timeout=100) == 0
    assert sum(path.endswith(".gguf") for path, _, _ in hub.requests) == 1
