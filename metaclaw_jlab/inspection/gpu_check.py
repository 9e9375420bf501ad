"""Whether there is a GPU, and whether the installed torch can use it. Torch itself is not imported."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.assembly import uses_embedded_policy
from metaclaw_jlab.core.errors import MissingExtra
from metaclaw_jlab.inspection.finding import Finding, install, ok, warn
from metaclaw_jlab.learning.signals.gpu import DRIVER, GpuUse, gpu_use

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace

NAME = "gpu"
_BUILT_FOR = re.compile(r"^(cuda|hip)\b[^=]*=\s*['\"]([^'\"]+)['\"]", re.MULTILINE)


def gpu(
    workspace: Workspace,
    *,
    look: Callable[[], GpuUse | None] = gpu_use,
    built_for: Callable[[], str | None] | None = None,
    driver: Path = DRIVER,
) -> Finding:
    """What there is to compute with. Raises ConfigError."""
    settings = workspace.settings()
    built = (built_for or torch_built_for)()
    try:
        found = look()
    except MissingExtra:
        found = None  # the driver is there; the signals' part of the doctor says what is missing to read it
    if found is None and not driver.exists():
        if settings.policy.base_url:
            return ok(NAME, "No NVIDIA GPU here, and none is needed: an endpoint answers.")
        if uses_embedded_policy(settings):
            return ok(NAME, "No NVIDIA GPU here; the embedded model answers and learns on the CPU.")
        if _on_llama_cpp(workspace):
            return ok(
                NAME, f"No NVIDIA GPU here; {settings.policy.local_model} answers on the CPU, on llama.cpp."
            )
        return warn(
            NAME,
            f"No NVIDIA GPU here: {settings.policy.local_model} answers and learns on the CPU, which is slow.",
            "Connect to an endpoint, or take a smaller model.",
            "%metaclaw connect URL",
        )
    told = "There is an NVIDIA GPU" + (f", {found.used_mb:,.0f} MB of it in use" if found else "")
    if built is None:
        return ok(NAME, f"{told}; torch is not installed, so nothing here uses it.")
    if built == "cpu":
        return warn(
            NAME,
            f"{told}, but the installed torch is built for CPUs only.",
            "Install a build of torch for your GPU, see pytorch.org/get-started.",
            "pip install --force-reinstall torch",
        )
    if found is None:
        return warn(
            NAME,
            f"{told} and torch is built for {built}, but how busy it is cannot be read.",
            "Install what reads it.",
            install("signals"),
        )
    return ok(NAME, f"{told}; torch is built for {built}.")


def _on_llama_cpp(workspace: Workspace) -> bool:
    from metaclaw_jlab.inspection.answering import answering_model

    return answering_model(workspace.home, workspace.settings(), None).form == "gguf"


def gpu_there(driver: Path = DRIVER) -> bool:
    """Whether an NVIDIA driver is installed, without asking it."""
    return driver.exists() or shutil.which("nvidia-smi") is not None


def torch_built_for() -> str | None:
    """What the installed torch computes on: "cpu", or such as "CUDA 12.8"; None where there is no torch."""
    try:
        found = importlib.util.find_spec("torch")
        text = (Path(found.origin or "").parent / "version.py").read_text() if found else None
    except (ImportError, ValueError, OSError):
        return None
    if text is None:
        return None
    match = _BUILT_FOR.search(text)
    return f"{'ROCm' if match[1] == 'hip' else 'CUDA'} {match[2]}" if match else "cpu"
