"""Whether the configured policy could answer now, without asking it for a completion."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.assembly import Workspace, uses_embedded_policy
from metaclaw_jlab.core.config import Settings
from metaclaw_jlab.inspection.finding import Finding, fail, ok, warn

if TYPE_CHECKING:
    from metaclaw_jlab.runtime.policy_server import Endpoint

NAME = "policy"
SERVER_LIBRARIES = ("torch", "transformers", "safetensors", "starlette", "uvicorn")


def policy(workspace: Workspace, endpoint_seconds: float) -> Finding:
    """The finding about the policy. Raises ConfigError, PolicyError, SecretError."""
    settings = workspace.settings()
    if settings.policy.base_url:
        return _endpoint(settings.policy.base_url, settings, endpoint_seconds)
    from metaclaw_jlab.runtime.policy_server import running

    if (server := running(workspace.home)) is not None:
        return _server(server, settings)
    return _could_start(settings)


def _endpoint(base_url: str, settings: Settings, seconds: float) -> Finding:
    from metaclaw_jlab.policies.endpoint import list_models
    from metaclaw_jlab.settings.secrets import key_for

    models = list_models(base_url, key_for(base_url, settings.policy.key_env), timeout=seconds)
    wanted = settings.policy.model
    if wanted is None and not models:
        return fail(NAME, f"{base_url} answers, but lists no models.", "Load one there, or set policy.model.")
    if wanted is not None and models and wanted not in models:
        return warn(
            NAME,
            f"{base_url} answers, but does not list the model {wanted!r}.",
            f"Set policy.model to one that it lists: {', '.join(models[:5])}{' …' if len(models) > 5 else ''}",
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
        )
    if not uses_embedded_policy(settings):
        return _local_model(settings.policy.local_model)
    from metaclaw_jlab.engines.embedded import location

    if absent := _absent(location()):
        return fail(
            NAME,
            f"The embedded model is not whole: {absent} is missing from {location()}.",
            "Install the package again, or `metaclaw practice build` one and set policy.local_model to its folder.",
        )
    return ok(
        NAME, "The embedded practice model starts with the first task. It knows only the practice tasks."
    )


def _local_model(model: str) -> Finding:
    if model.startswith(("/", "./", "../", "~")) and not Path(model).expanduser().exists():
        return fail(NAME, f"There is no model at {model}.", "Set policy.local_model to a folder that exists.")
    return ok(NAME, f"{model} starts on this machine with the first task.")


def _absent(folder: Path) -> str | None:
    if not (folder / "config.json").is_file():
        return "config.json"
    return None if any(folder.glob("*.safetensors")) else "its weights"
