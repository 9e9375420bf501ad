"""The scheduler of a home as the configuration asks for it, and what there is to train on."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.assembly.schedule import make_scheduler, training_need
from metaclaw_jlab.core.schedule import Conducting
from metaclaw_jlab.core.window import SchedulerState
from metaclaw_jlab.store.training import Training
from tests.learning.homes import Ground
from tests.learning.slow_homes import Slow


class Nobody:
    """Implements core.schedule.Conductor: nothing is ever trained."""

    def start(self, *, resume: bool) -> None:
        raise AssertionError("nothing is to be trained")

    def stop(self) -> None: ...

    def conducting(self) -> Conducting | None:
        return None

    def failure(self) -> str | None:
        return None


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    opened = open_workspace(tmp_path / "home", {"scheduler.desktop": False})
    yield opened
    opened.close()


def test_a_new_home_needs_nothing(workspace: Workspace) -> None:
    need = training_need(workspace)
    assert (need.waiting, need.older, need.unfinished, need.trainable) == (0, 0, False, True)


def test_tasks_that_wait_are_counted_and_older_ones(workspace: Workspace) -> None:
    slow = Slow(Ground(workspace.home, workspace.database()))
    slow.works("a")
    slow.advances()
    need = training_need(workspace)
    assert (need.waiting, need.older) == (0, 1)


def test_a_run_that_is_not_over_waits_to_go_on(workspace: Workspace) -> None:
    Training(workspace.database()).begin(
        skill_generation=0, base="tiny", base_sha256="b" * 64, seed=1, steps=3
    )
    need = training_need(workspace)
    assert need.unfinished
    assert "paused" in need.sentence


def test_the_weights_of_an_endpoint_are_not_trained(tmp_path: Path) -> None:
    elsewhere = {"policy.base_url": "http://127.0.0.1:9/v1", "policy.model": "m"}
    opened = open_workspace(tmp_path / "home", elsewhere)
    need = training_need(opened)
    assert not need.trainable
    assert "weights are not trained here" in need.sentence
    opened.close()


@pytest.mark.parametrize("model", ["qwen2.5-coder-1.5b", "smollm2-135m", "/nowhere/model"])
def test_no_window_opens_for_a_model_that_cannot_be_trained_here(workspace: Workspace, model: str) -> None:
    workspace.overrides["policy.local_model"] = model
    Training(workspace.database()).begin(
        skill_generation=0, base=model, base_sha256="b" * 64, seed=1, steps=3
    )
    need = training_need(workspace)
    assert (need.trainable, need.unfinished) == (False, True)
    assert model in need.sentence


def test_without_the_libraries_nothing_is_trained(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "trl" else found(name))
    need = training_need(workspace)
    assert not need.trainable
    assert "trl is not installed" in need.sentence


def test_a_scheduler_that_has_just_begun_waits(workspace: Workspace) -> None:
    made = make_scheduler(workspace, Nobody(), lab=None, own_kernels=None, pids=dict)
    view = made.tick()
    assert view.state is SchedulerState.WAITING
    assert view.need is not None
    made.shutdown()
