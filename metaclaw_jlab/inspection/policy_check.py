"""Whether the configured policy could answer now, without asking it for a completion."""

from __future__ import annotations

import importlib.util
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.assembly import Workspace, uses_embedded_policy
from metaclaw_jlab.core.config import Settings
from metaclaw_jlab.core.errors import PolicyError, SecretError, ServerStartFailed
from metaclaw_jlab.inspection.finding import Finding, Level, fail, failed, install, ok, warn

if TYPE_CHECKING:
    from metaclaw_jlab.runtime.policy_server import Endpoint

NAME = "policy"
SERVER_LIBRARIES = ("torch", "transformers", "safetensors", "starlette", "uvicorn")


def policy(workspace: Workspace, endpoint_seconds: float, *, start: bool = False) -> Finding:
    """The finding about the policy. `start` starts the local one where it does not run, as a task would.

    Raises ConfigError.
    """
    settings = workspace.settings()
    if settings.policy.base_url:
        return _endpoint(settings.policy.base_url, settings, endpoint_seconds)
    from metaclaw_jlab.runtime.policy_server import Health, health, log_file

    found = health(workspace.home)
    if found is not None and found[1] is Health.WELL:
        return _server(found[0], settings)
    if found is not None and found[1] is Health.SILENT:
        told = f"The local policy server (process {found[0].pid}) does not answer."
        return fail(NAME, told, "Stop it; the next task starts it anew.", "metaclaw stop")
    could = _could_start(settings)
    if not start or could.level is Level.FAIL:
        return could
    try:
        return _server(workspace.serve(settings), settings)
    except ServerStartFailed as error:
        return failed(NAME, error, f"tail -n 20 {shlex.quote(str(log_file(workspace.home)))}")


def _endpoint(base_url: str, settings: Settings, seconds: float) -> Finding:
    from metaclaw_jlab.policies.endpoint import list_models
    from metaclaw_jlab.settings.secrets import key_for

    try:
        models = list_models(base_url, key_for(base_url, settings.policy.key_env), timeout=seconds)
    except SecretError as error:
        return failed(NAME, error, f"%metaclaw connect {base_url} --key-env NAME")
    except PolicyError as error:
        refused = getattr(error.__cause__, "status_code", None) in (401, 403)
        return failed(NAME, error, f"%metaclaw connect {base_url}{' --key-env NAME' if refused else ''}")
    wanted = settings.policy.model
    if wanted is None and not models:
        return fail(
            NAME,
            f"{base_url} answers, but lists no models.",
            "Load one there, or set policy.model.",
            "metaclaw config set policy.model NAME",
        )
    if wanted is not None and models and wanted not in models:
        return warn(
            NAME,
            f"{base_url} answers, but does not list the model {wanted!r}.",
            f"Set policy.model to one that it lists: {', '.join(models[:5])}{' …' if len(models) > 5 else ''}",
            f"metaclaw config set policy.model {shlex.quote(models[0])}",
        )
    return ok(NAME, f"{base_url} answers; {wanted or models[0]} does the tasks.")


def _server(server: Endpoint, settings: Settings) -> Finding:
    note = " It knows only the practice tasks." if uses_embedded_policy(settings) else ""
    return ok(NAME, f"The local policy server runs and serves {server.model}.{note}")


def _could_start(settings: Settings) -> Finding:
    missing = [name for name in SERVER_LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        return fail(
            NAME,
            f"The local policy server cannot start: {', '.join(missing)} not installed.",
            "Install them: pip install 'metaclaw-jlab[train]' - or connect to an endpoint.",
            install("train"),
        )
    if not uses_embedded_policy(settings):
        return _local_model(settings.policy.local_model)
    from metaclaw_jlab.engines.embedded import location

    if absent := _absent(location()):
        return fail(
            NAME,
            f"The embedded model is not whole: {absent} is missing from {location()}.",
            "Install the package again, or `metaclaw practice build` one and set policy.local_model to its folder.",
            "pip install --force-reinstall --no-deps metaclaw-jlab",
        )
    return ok(
        NAME, "The embedded practice model starts with the first task. It knows only the practice tasks."
    )


def _local_model(model: str) -> Finding:
    if model.startswith(("/", "./", "../", "~")) and not Path(model).expanduser().exists():
        return fail(
            NAME,
            f"There is no model at {model}.",
            "Set policy.local_model to a folder that exists, or go back to the embedded model.",
            "metaclaw config unset policy.local_model",
        )
    return ok(NAME, f"{model} starts on this machine with the first task.")


def _absent(folder: Path) -> str | None:
    """What is missing from a model's folder, or cut short."""
    if not (folder / "config.json").is_file():
        return "config.json"
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        return "its weights"
    return next((f"a part of {file.name}" for file in weights if not _whole(file)), None)


def _whole(file: Path) -> bool:
    """Whether a file of weights has the length that its header tells (safetensors: 8 bytes of size, then JSON)."""
    try:
        with file.open("rb") as opened:
            header = json.loads(opened.read(int.from_bytes(opened.read(8), "little")))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
            return file.stat().st_size >= opened.tell() + max(ends, default=0)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, MemoryError):
        return False
