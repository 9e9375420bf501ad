"""Whether the configured policy could answer now, without asking it for a completion."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.config import Settings
from metaclaw_jlab.core.errors import ModelUnusable, PolicyError, SecretError, ServerStartFailed
from metaclaw_jlab.inspection.answering import (
    EXTRAS,
    AnsweringModel,
    answering_model,
    check_memory,
    check_place,
    describe,
    form_in_words,
    missing_libraries,
)
from metaclaw_jlab.inspection.finding import Finding, Level, fail, failed, install, ok, warn
from metaclaw_jlab.inspection.lines import size
from metaclaw_jlab.policies.catalogue import find
from metaclaw_jlab.policies.served_model import ServedModel, resolve
from metaclaw_jlab.runtime.memory import memory

if TYPE_CHECKING:
    from metaclaw_jlab.runtime.home import Home
    from metaclaw_jlab.runtime.policy_server import Endpoint

NAME = "policy"
_BACK = "metaclaw config unset policy.local_model"
_OTHER = "Or go back to the embedded model."


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
        return _server(workspace.home, found[0], settings)
    if found is not None and found[1] is Health.SILENT:
        told = f"The local policy server (process {found[0].pid}) does not answer."
        return fail(NAME, told, "Stop it; the next task starts it anew.", "metaclaw stop")
    could = _could_start(workspace.home, settings)
    if not start or could.level is Level.FAIL:
        return could
    try:
        return _server(workspace.home, workspace.serve(settings), settings)
    except ModelUnusable as error:
        return failed(NAME, error, _BACK)
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


def _server(home: Home, server: Endpoint, settings: Settings) -> Finding:
    told = f"The local policy server runs and serves {server.model}"
    model = answering_model(home, settings, server)
    if model.problem:
        return fail(NAME, f"{told}, and {model.name} is to answer: {model.problem}", _OTHER, _BACK)
    if model.running or model.form is None:
        return ok(NAME, f"{told}{_form(model)}. {' '.join(model.abilities)}".rstrip())
    could = _could_start(home, settings)
    return (
        could if could.level is Level.FAIL else ok(NAME, f"{told}; {model.name} starts with the next task.")
    )


def _could_start(home: Home, settings: Settings) -> Finding:
    try:
        served = resolve(home, settings.policy.local_model, settings.policy.local_form)
    except ModelUnusable as error:
        return _not_here(settings.policy.local_model, error)
    if missing := missing_libraries(served.form):
        extra = EXTRAS[served.form]
        return fail(
            NAME,
            f"The local policy server cannot start: {', '.join(missing)} not installed.",
            f"Install them: pip install 'metaclaw-jlab[{extra}]' - or connect to an endpoint.",
            install(extra),
        )
    if served.place is None:
        return _embedded()
    if isinstance(served.place, str) and served.place.startswith(("/", "./", "../", "~")):
        gone = ModelUnusable(f"There is no model at {served.place}.", "Check the path.")
        return _not_here(served.place, gone)
    return _local_model(home, served)


def _embedded() -> Finding:
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


def _not_here(name: str, error: ModelUnusable) -> Finding:
    """The model that is to answer is not there, or not in the form that is wanted."""
    known = find(name)
    command = _BACK if known is None else f"%metaclaw local {known.name}"
    return fail(NAME, error.cause, f"{error.next_step} {_OTHER}".strip(), command)


def _local_model(home: Home, served: ServedModel) -> Finding:
    model = describe(home, served, running=False)
    try:
        check_place(served)
        check_memory(served.name, model.memory)
    except ModelUnusable as error:
        return failed(NAME, error, _BACK)
    available = memory().available
    told = f"{model.name} starts on this machine with the first task{_form(model)}."
    if model.memory is not None and model.memory > available:
        return warn(
            NAME,
            f"{told} It takes about {size(model.memory)} of memory, and {size(available)} are free now.",
            "Close what you do not need, or take a smaller model: metaclaw models",
        )
    return ok(NAME, f"{told} {' '.join(model.abilities)}")


def _form(model: AnsweringModel) -> str:
    return "" if model.kind != "local" or model.form is None else f", {form_in_words(model.form)}"


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
