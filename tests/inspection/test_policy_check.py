import json
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import ServerStartFailed
from metaclaw_jlab.inspection import answering, policy_check
from metaclaw_jlab.inspection.answering import LIBRARIES
from metaclaw_jlab.inspection.finding import Level
from metaclaw_jlab.runtime.memory import Memory
from metaclaw_jlab.settings.configuration import set_value
from tests.inspection.installed_samples import install
from tests.loopback.server import ScriptedServer


def connect(workspace: Workspace, url: str, model: str | None = None) -> None:
    set_value(workspace.home.config, "policy.base_url", url)
    if model:
        set_value(workspace.home.config, "policy.model", model)


def test_an_endpoint_that_lists_models_is_fine(workspace: Workspace, scripted_server: ScriptedServer) -> None:
    connect(workspace, scripted_server.base_url)
    found = policy_check.policy(workspace, 5.0)
    assert (found.level, "scripted does the tasks" in found.sentence) == (Level.OK, True)


def test_no_completion_is_asked_for(workspace: Workspace, scripted_server: ScriptedServer) -> None:
    connect(workspace, scripted_server.base_url)
    policy_check.policy(workspace, 5.0)
    assert scripted_server.chats == []


def test_a_model_that_is_not_listed_is_a_warning(
    workspace: Workspace, scripted_server: ScriptedServer
) -> None:
    connect(workspace, scripted_server.base_url, "other")
    found = policy_check.policy(workspace, 5.0)
    assert (found.level, "scripted" in found.next_step) == (Level.WARN, True)


def test_an_endpoint_without_models_is_a_failure(
    workspace: Workspace, scripted_server: ScriptedServer
) -> None:
    scripted_server.models = ()
    connect(workspace, scripted_server.base_url)
    assert policy_check.policy(workspace, 5.0).level is Level.FAIL


def test_an_endpoint_that_is_down_says_so(workspace: Workspace, scripted_server: ScriptedServer) -> None:
    connect(workspace, scripted_server.base_url)
    scripted_server.close()
    found = policy_check.policy(workspace, 5.0)
    assert (found.level, bool(found.next_step)) == (Level.FAIL, True)
    assert found.command == f"%metaclaw connect {scripted_server.base_url}"


def test_an_endpoint_that_wants_a_key_says_how_to_name_one(
    workspace: Workspace, scripted_server: ScriptedServer
) -> None:
    scripted_server.key = "right"
    connect(workspace, scripted_server.base_url)
    found = policy_check.policy(workspace, 5.0)
    assert (found.level, "--key-env" in found.command) == (Level.FAIL, True)


def test_a_key_variable_that_is_not_set_is_a_failure(
    workspace: Workspace, scripted_server: ScriptedServer
) -> None:
    connect(workspace, scripted_server.base_url)
    set_value(workspace.home.config, "policy.key_env", "NO_SUCH_VARIABLE")
    found = policy_check.policy(workspace, 5.0)
    assert (found.level, "NO_SUCH_VARIABLE" in found.sentence) == (Level.FAIL, True)


def test_the_embedded_model_needs_its_files(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    monkeypatch.setattr("metaclaw_jlab.engines.embedded.location", lambda: folder)
    assert policy_check.policy(workspace, 5.0).level is Level.FAIL
    (folder / "config.json").write_text("{}")
    assert policy_check.policy(workspace, 5.0).level is Level.FAIL
    header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    whole = len(header).to_bytes(8, "little") + header + bytes(8)
    for cut in (b"", whole[:4], whole[:20], whole[:-1]):
        (folder / "model.safetensors").write_bytes(cut)
        assert "a part of model.safetensors" in policy_check.policy(workspace, 5.0).sentence
    (folder / "model.safetensors").write_bytes(whole)
    assert policy_check.policy(workspace, 5.0).level is Level.OK


def test_the_embedded_model_that_ships_is_whole(workspace: Workspace) -> None:
    assert policy_check.policy(workspace, 5.0).level is Level.OK


def test_a_policy_that_cannot_start_says_where_its_log_is(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> object:
        raise ServerStartFailed("It ended with code 1.", "Look at its log.")

    monkeypatch.setattr(Workspace, "serve", refuse)
    assert policy_check.policy(workspace, 5.0).level is Level.OK
    found = policy_check.policy(workspace, 5.0, start=True)
    assert (found.level, found.command.startswith("tail ")) == (Level.FAIL, True)


def test_a_missing_library_names_the_extra(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIBRARIES, "safetensors", ("no_such_library",))
    found = policy_check.policy(workspace, 5.0)
    assert (found.level, "metaclaw-jlab[train]" in found.next_step) == (Level.FAIL, True)


def test_a_local_folder_that_is_not_there_is_a_failure(workspace: Workspace, tmp_path: Path) -> None:
    set_value(workspace.home.config, "policy.local_model", str(tmp_path / "none"))
    assert policy_check.policy(workspace, 5.0).level is Level.FAIL


def test_a_model_by_name_may_start(workspace: Workspace) -> None:
    set_value(workspace.home.config, "policy.local_model", "some/model")
    assert policy_check.policy(workspace, 5.0).level is Level.OK


def test_a_gguf_model_needs_llama_cpp(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    install(workspace.home, "smollm2-135m")
    set_value(workspace.home.config, "policy.local_model", "smollm2-135m")
    monkeypatch.setitem(LIBRARIES, "gguf", ("no_such_library",))
    found = policy_check.policy(workspace, 5.0)
    assert (found.level, found.command) == (Level.FAIL, 'pip install "metaclaw-jlab[local]"')


def test_a_model_that_is_not_fetched_yet_says_how(workspace: Workspace) -> None:
    set_value(workspace.home.config, "policy.local_model", "smollm2-135m")
    found = policy_check.policy(workspace, 5.0)
    assert (found.level, found.command) == (Level.FAIL, "%metaclaw local smollm2-135m")


def test_a_model_whose_file_is_gone_is_a_failure(workspace: Workspace) -> None:
    model = install(workspace.home, "smollm2-135m")
    set_value(workspace.home.config, "policy.local_model", str(model.path))
    model.path.unlink()
    found = policy_check.policy(workspace, 5.0)
    assert (found.level, "There is no file" in found.sentence) == (Level.FAIL, True)


def test_a_model_that_is_cut_off_is_a_failure(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "cut.gguf").write_bytes(b"GGUF\3")
    set_value(workspace.home.config, "policy.local_model", str(tmp_path / "cut.gguf"))
    found = policy_check.policy(workspace, 5.0)
    assert (found.level, "damaged or cut off" in found.sentence) == (Level.FAIL, True)


@pytest.mark.parametrize(
    ("there", "level", "told"),
    [
        (Memory(100 << 20, 50 << 20), Level.FAIL, "this machine has 100 MB"),
        (Memory(64 << 30, 50 << 20), Level.WARN, "50 MB are free now"),
        (Memory(64 << 30, 32 << 30), Level.OK, "GGUF on llama.cpp"),
    ],
)
def test_the_memory_decides_about_a_local_model(
    there: Memory, level: Level, told: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(workspace.home, "smollm2-135m")
    set_value(workspace.home.config, "policy.local_model", "smollm2-135m")
    monkeypatch.setitem(LIBRARIES, "gguf", ())
    monkeypatch.setattr(answering, "memory", lambda: there)
    monkeypatch.setattr(policy_check, "memory", lambda: there)
    found = policy_check.policy(workspace, 5.0)
    assert (found.level, told in found.sentence) == (level, True)
