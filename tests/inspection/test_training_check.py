"""What the doctor says of training and adapters."""

import importlib.util
import shutil

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.core.training import RunState
from metaclaw_jlab.executors import bubblewrap
from metaclaw_jlab.inspection import training_check
from metaclaw_jlab.inspection.finding import Level
from metaclaw_jlab.inspection.training_check import adapters_whole, training_possible
from metaclaw_jlab.learning.adapters import WEIGHTS, candidate_folder, force, published_folder
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.runtime.memory import Memory
from metaclaw_jlab.runtime.training_process import LEASE
from metaclaw_jlab.settings.configuration import set_value
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.training import Training
from tests.inspection.installed_samples import install
from tests.learning.trained import begun, candidate, damage


@pytest.fixture
def able(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A home in which a training could begin: an isolating sandbox, and leave to keep starts."""
    monkeypatch.setattr(bubblewrap, "probe", lambda: False)
    set_value(workspace.home.config, "training.keep_starts", "true")
    return workspace


def test_where_nothing_is_missing_the_way_is_told(able: Workspace) -> None:
    found = training_possible(able)
    assert (found.level, "metaclaw train --now" in found.sentence) == (Level.OK, True)


def test_an_endpoint_is_not_trained_and_that_is_no_fault(able: Workspace) -> None:
    set_value(able.home.config, "policy.base_url", "http://localhost:9/v1")
    found = training_possible(able)
    assert (found.level, "not trained here" in found.sentence) == (Level.OK, True)


def test_libraries_that_are_missing_are_named(able: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "trl" else real(name))
    found = training_possible(able)
    assert (found.level, "trl not installed" in found.sentence) == (Level.WARN, True)
    assert "metaclaw-jlab[train]" in found.next_step


def test_without_isolation_it_has_to_be_accepted(able: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "probe", lambda: None)
    assert "sandbox.unattended" in training_possible(able).next_step
    set_value(able.home.config, "sandbox.unattended", "true")
    assert training_possible(able).level is Level.OK


@pytest.mark.parametrize("switch", [None, "false"])
def test_starts_that_are_not_kept_are_told_and_are_no_fault(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, switch: str | None
) -> None:
    monkeypatch.setattr(bubblewrap, "probe", lambda: False)
    if switch is not None:
        set_value(workspace.home.config, "training.keep_starts", switch)
    found = training_possible(workspace)
    assert (found.level, "learn starts on" in found.sentence) == (Level.OK, True)


def test_a_disk_that_is_nearly_full_is_told(able: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_check, "FREE_BYTES_WANTED", 1 << 62)
    assert "of disk" in training_possible(able).sentence


@pytest.mark.parametrize(
    ("name", "total", "level", "told"),
    [
        ("qwen2.5-coder-1.5b", 64, Level.OK, "not trained here; skills help it"),
        ("qwen2.5-coder-0.5b", 64, Level.OK, "can be trained here: metaclaw train --now"),
        ("qwen2.5-coder-0.5b", 8, Level.WARN, "takes about 10.0 GB of memory; this machine has 8.0 GB"),
    ],
)
def test_a_local_model_is_trained_where_it_can_be(
    name: str, total: int, level: Level, told: str, able: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for form in ("gguf", "safetensors"):
        install(able.home, name, form)  # type: ignore[arg-type]
    set_value(able.home.config, "policy.local_model", name)
    monkeypatch.setattr("metaclaw_jlab.runtime.memory.memory", lambda: Memory(total << 30, total << 30))
    found = training_possible(able)
    assert (found.level, told in found.sentence) == (level, True)


def test_what_training_needs_of_a_gguf_model_is_told(able: Workspace) -> None:
    install(able.home, "smollm2-135m")
    set_value(able.home.config, "policy.local_model", "smollm2-135m")
    found = training_possible(able)
    assert (found.level, "get smollm2-135m --form safetensors" in found.sentence) == (Level.OK, True)


def test_a_run_whose_process_is_gone_is_told(able: Workspace) -> None:
    begun(able.database(), done=4)
    found = training_possible(able)
    assert "run 1 was cut off at step 4 of 10" in found.sentence
    assert "train abandon" in found.next_step


def test_a_run_that_is_conducted_or_paused_is_well(able: Workspace) -> None:
    run = begun(able.database(), done=4)
    with lease(able.home, LEASE):
        assert training_possible(able).level is Level.OK
    Training(able.database()).change(run.number, RunState.PAUSED, "Stopped.")
    assert training_possible(able).level is Level.OK


def test_without_adapters_the_base_answers(workspace: Workspace) -> None:
    assert adapters_whole(workspace).sentence == "There are none yet; the base model answers."


def test_whole_adapters_are_counted(workspace: Workspace) -> None:
    candidate(workspace.home, workspace.database())
    force(
        workspace.home,
        workspace.database(),
        candidate(workspace.home, workspace.database()).version,
        "Trial.",
    )
    found = adapters_whole(workspace)
    assert found.level is Level.OK
    assert found.sentence.startswith("2 adapters, v2 serves")


def test_what_serves_from_damaged_files_is_a_failure(workspace: Workspace) -> None:
    version = candidate(workspace.home, workspace.database()).version
    force(workspace.home, workspace.database(), version, "Trial.")
    damage(published_folder(workspace.home, version) / WEIGHTS)
    found = adapters_whole(workspace)
    assert (found.level, "checksum" in found.sentence) == (Level.FAIL, True)
    assert "rollback" in found.next_step


def test_another_damaged_one_is_a_warning(workspace: Workspace) -> None:
    version = candidate(workspace.home, workspace.database()).version
    (candidate_folder(workspace.home, version) / "adapter_config.json").unlink()
    found = adapters_whole(workspace)
    assert (found.level, "v1: " in found.sentence) == (Level.WARN, True)


def test_the_files_of_a_rejected_one_may_go(workspace: Workspace) -> None:
    version = candidate(workspace.home, workspace.database()).version
    Adapters(workspace.database()).decide(version, AdapterStatus.REJECTED, "It lost.")
    shutil.rmtree(candidate_folder(workspace.home, version))
    assert adapters_whole(workspace).level is Level.OK


def test_files_that_nobody_knows_are_told(workspace: Workspace) -> None:
    version = candidate(workspace.home, workspace.database()).version
    Adapters(workspace.database()).remove(version)
    found = adapters_whole(workspace)
    assert (found.level, "v1" in found.sentence) == (Level.WARN, True)
