"""A measurement with a local model whose weights are trained, and one where nothing isolates its code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.core.errors import ExecutorError, TrainingError
from metaclaw_jlab.evaluation import demo_local
from metaclaw_jlab.evaluation.demo_local import demonstrate_local
from metaclaw_jlab.evaluation.demo_local_plan import LocalPlan
from metaclaw_jlab.evaluation.house_training import Trained
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.policies.model_store import InstalledModel
from metaclaw_jlab.runtime import policy_server
from metaclaw_jlab.runtime.home import open_home
from tests.cli.demo_local_process import obeying_command
from tests.evaluation.houses import trained

SEED, TASKS, STREAM = 1, 3, 4


@pytest.fixture(autouse=True)
def obeying(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tasks are done by a server without a model, and skills are the distiller's."""
    options = ["--seed", str(SEED), "--tasks", str(TASKS), "--stream", str(STREAM)]
    monkeypatch.setattr(policy_server, "server_command", obeying_command(options))
    monkeypatch.setenv("METACLAW_EVOLVER_KIND", "distiller")
    monkeypatch.setenv("METACLAW_SANDBOX_UNATTENDED", "true")
    monkeypatch.delenv("METACLAW_POLICY_BASE_URL", raising=False)


def measure(tmp_path: Path, *, train: bool = False, name: str = "stand-in") -> dict[str, Any]:
    """A small measurement of a model that was never fetched."""
    folder = tmp_path / "home" / "models" / name / "gguf"
    files = {f"{name}.gguf": "ab" * 32}
    model = InstalledModel(name, "gguf", folder, files, 4, "nowhere", "a test", "", 2048, 0.0)
    plan = LocalPlan(tasks=TASKS, stream=STREAM, seed=SEED, train=train)
    models = open_home(tmp_path / "home")
    return demonstrate_local(plan, model, models, tmp_path / "build" / "demo-local.json", say=lambda _: None)


def test_without_the_weights_that_are_trained_nothing_is_begun(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="not on this machine"):
        measure(tmp_path, train=True, name="smollm2-135m")
    assert not (tmp_path / "build").exists()


def test_what_was_not_promoted_answers_as_the_base_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainings: list[Trained] = []

    def train(_: object) -> Trained:
        trainings.append(trained(None))
        return trainings[-1]

    monkeypatch.setattr(demo_local, "train_house", train)
    report = measure(tmp_path, train=True)
    assert list(report["arms"]) == ["baseline", "skills", "given_skills", "full"]
    assert report["arms"]["full"] == report["arms"]["skills"]
    assert report["pairs"]["skills full"]["difference"] == 0
    assert report["training"]["steps"] == 2
    assert len(trainings) == 1


def test_where_nothing_can_be_trained_on_the_arm_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_local, "train_house", lambda _: None)
    report = measure(tmp_path, train=True)
    assert list(report["arms"]) == ["baseline", "skills", "given_skills"]
    assert report["training"] is None


def test_model_written_code_does_not_run_where_nothing_isolates_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METACLAW_SANDBOX_UNATTENDED", "false")
    monkeypatch.setattr(SandboxPool, "isolated", property(lambda _: False))
    with pytest.raises(ExecutorError, match="none runs unattended"):
        measure(tmp_path)
