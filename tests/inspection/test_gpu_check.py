import shutil
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import MissingExtra
from metaclaw_jlab.inspection.finding import Finding, Level
from metaclaw_jlab.inspection.gpu_check import gpu, gpu_there, torch_built_for
from metaclaw_jlab.learning.signals.gpu import GpuUse
from metaclaw_jlab.settings.configuration import set_value


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    file = tmp_path / "version"
    file.write_text("NVRM")
    return file


def found(workspace: Workspace, use: GpuUse | None, built: str | None, driver: Path) -> Finding:
    return gpu(workspace, look=lambda: use, built_for=lambda: built, driver=driver)


def test_without_a_gpu_the_embedded_model_is_enough(workspace: Workspace, tmp_path: Path) -> None:
    told = found(workspace, None, "cpu", tmp_path / "none")
    assert (told.level, "on the CPU" in told.sentence) == (Level.OK, True)


def test_without_a_gpu_a_larger_local_model_is_slow(workspace: Workspace, tmp_path: Path) -> None:
    set_value(workspace.home.config, "policy.local_model", "some/model")
    assert found(workspace, None, "cpu", tmp_path / "none").level is Level.WARN


def test_without_a_gpu_an_endpoint_needs_none(workspace: Workspace, tmp_path: Path) -> None:
    set_value(workspace.home.config, "policy.base_url", "http://127.0.0.1:9/v1")
    assert "none is needed" in found(workspace, None, "cpu", tmp_path / "none").sentence


def test_a_torch_for_cpus_leaves_the_gpu_unused(workspace: Workspace, driver: Path) -> None:
    told = found(workspace, GpuUse(10.0), "cpu", driver)
    assert (told.level, told.command) == (Level.WARN, "pip install --force-reinstall torch")


def test_a_gpu_and_a_torch_for_it_are_fine(workspace: Workspace, driver: Path) -> None:
    told = found(workspace, GpuUse(10.0), "CUDA 12.8", driver)
    assert (told.level, "CUDA 12.8" in told.sentence) == (Level.OK, True)


def test_a_gpu_that_cannot_be_read_names_what_reads_it(workspace: Workspace, driver: Path) -> None:
    def look() -> GpuUse | None:
        raise MissingExtra("nvidia-ml-py", "signals")

    told = gpu(workspace, look=look, built_for=lambda: "CUDA 12.8", driver=driver)
    assert (told.level, "signals" in told.command) == (Level.WARN, True)


def test_what_torch_was_built_for_is_read_without_importing_it() -> None:
    import torch

    wanted = f"CUDA {torch.version.cuda}" if torch.version.cuda else "cpu"
    assert torch.version.hip is not None or torch_built_for() == wanted


def test_a_driver_is_a_gpu(tmp_path: Path, driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert (gpu_there(driver), gpu_there(tmp_path / "none")) == (True, False)
