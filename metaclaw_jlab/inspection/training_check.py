"""Whether training is possible here, whether a run was left behind, and whether the files of adapters are whole."""

from __future__ import annotations

import importlib.util
import shutil
from typing import TYPE_CHECKING

from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.inspection.finding import Finding, fail, install, ok, warn
from metaclaw_jlab.inspection.lines import counted, size, some
from metaclaw_jlab.inspection.protection_check import isolation_command

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.core.config import SandboxSettings

TRAINING, ADAPTERS = "training", "adapters"
LIBRARIES = ("torch", "transformers", "peft", "trl", "accelerate", "datasets", "safetensors")
FREE_BYTES_WANTED = 1 << 30  # checkpoints of a real model's adapter and optimiser
LOOKED_AT = 20  # the newest adapters, whose weights are read


def training_possible(workspace: Workspace) -> Finding:
    """Whether the policy can be trained here, and whether a run waits for somebody. Raises ConfigError, StoreError."""
    settings = workspace.settings()
    if settings.policy.base_url:
        return ok(TRAINING, f"{settings.policy.base_url} answers; its weights are not trained here.")
    if (untrained := _untrained(workspace)) is not None:
        return _left_behind(workspace) or untrained
    missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        return warn(
            TRAINING,
            f"The policy cannot be trained: {', '.join(missing)} not installed.",
            "Install them: pip install 'metaclaw-jlab[train]'",
            install("train"),
        )
    if not _may_run_unattended(settings.sandbox):
        return warn(
            TRAINING,
            "The policy cannot be trained, because nothing isolates code that runs unattended here.",
            "Install the package `bubblewrap`, or accept it: set sandbox.unattended to true.",
            isolation_command(),
        )
    if (left := _left_behind(workspace)) is not None:
        return left
    free = shutil.disk_usage(workspace.home.path).free
    told = f"{settings.policy.local_model} can be trained here"
    if free < FREE_BYTES_WANTED:
        return warn(
            TRAINING, f"{told}, but its checkpoints have only {size(free)} of disk.", "Free some space."
        )
    if not settings.training.keep_starts:
        # A choice of the user's, or one that a task will ask for: no fault.
        return ok(TRAINING, f"{told} once what tasks start from may be kept: %metaclaw learn starts on.")
    return ok(TRAINING, f"{told}: metaclaw train --now.")


def _untrained(workspace: Workspace) -> Finding | None:
    """What is said of a local model that is not trained here, or that the memory would not hold meanwhile."""
    from metaclaw_jlab.inspection.answering import answering_model
    from metaclaw_jlab.policies.catalogue import find
    from metaclaw_jlab.policies.model_store import find_installed
    from metaclaw_jlab.runtime.memory import memory

    model = answering_model(workspace.home, workspace.settings(), None)
    if model.problem:
        return ok(TRAINING, "Not looked at, since the model that is chosen is not here.")
    if not model.trains:
        return ok(TRAINING, f"{model.name} is not trained here; skills help it.")
    known, there = find(model.name), memory().total
    if known is None or known.training_bytes is None:
        return None
    if known.training_bytes <= there:
        if find_installed(workspace.home, known.name, "safetensors") is not None:
            return None
        get = f"metaclaw models get {known.name} --form safetensors"
        return ok(TRAINING, f"{known.name} can be trained here once it is here as safetensors: {get}")
    return warn(
        TRAINING,
        f"Training {model.name} takes about {size(known.training_bytes)} of memory; this machine has {size(there)}.",
        "Take a smaller model to train, such as smollm2-135m.",
    )


def adapters_whole(workspace: Workspace) -> Finding:
    """Whether the files of the adapters are what was trained. Raises StoreError."""
    from metaclaw_jlab.learning.adapters import fault, folder_of
    from metaclaw_jlab.store.adapters import Adapters
    from metaclaw_jlab.store.serving import Serving

    database = workspace.database()
    known = Adapters(database).recent(LOOKED_AT)
    serving = Serving(database).current()
    wrong: dict[int, str] = {}
    for adapter in known:
        # Files of a rejected one may go: nobody needs them.
        unneeded = (
            adapter.status is AdapterStatus.REJECTED and folder_of(workspace.home, adapter.version) is None
        )
        if not unneeded and (found := fault(workspace.home, adapter)):
            wrong[adapter.version] = found
    if serving in wrong:
        return fail(
            ADAPTERS,
            f"Adapter v{serving} serves, but not from damaged files. {wrong[serving]}",
            "Put the files back, or go back: metaclaw adapters rollback.",
            "metaclaw adapters rollback",
        )
    if wrong:
        told = some([f"v{version}: {sentence}" for version, sentence in wrong.items()], 3)
        return warn(
            ADAPTERS,
            told,
            "They cannot serve. Delete what was never served: metaclaw adapters delete N.",
            f"metaclaw adapters delete {next(iter(wrong))}",
        )
    if strays := _strays(workspace):
        return warn(
            ADAPTERS,
            f"Nobody knows {some([f'v{version}' for version in strays], 3)} any more, whose files are left.",
            "Delete them: metaclaw adapters delete N.",
            f"metaclaw adapters delete {strays[0]}",
        )
    if not known:
        return ok(ADAPTERS, "There are none yet; the base model answers.")
    what = "the base serves" if serving is None else f"v{serving} serves"
    return ok(ADAPTERS, f"{counted(len(known), 'adapter')}, {what}, the files are as they were trained.")


def _may_run_unattended(limits: SandboxSettings) -> bool:
    from metaclaw_jlab.executors import bubblewrap

    return limits.unattended or (limits.isolation != "none" and bubblewrap.probe() is not None)


def _left_behind(workspace: Workspace) -> Finding | None:
    """A run that is not over although nobody works on it, and that nobody paused."""
    from metaclaw_jlab.core.training import RunState
    from metaclaw_jlab.runtime.training_process import conductor
    from metaclaw_jlab.store.training import Training

    run = Training(workspace.database()).current()
    if run is None or run.state is RunState.PAUSED or conductor(workspace.home) is not None:
        return None
    return warn(
        TRAINING,
        f"Training run {run.number} was cut off at step {run.steps_done} of {run.steps}: its process is gone.",
        "Go on with it: metaclaw train resume. Or give it up: metaclaw train abandon.",
        "metaclaw train resume",
    )


def _strays(workspace: Workspace) -> tuple[int, ...]:
    """The versions of folders that the store knows nothing of."""
    from metaclaw_jlab.core.errors import NotFound
    from metaclaw_jlab.store.adapters import Adapters

    adapters = Adapters(workspace.database())
    places = (workspace.home.adapters, workspace.home.adapters / "candidates")
    found = {path.name[1:] for place in places for path in place.glob("v*") if path.is_dir()}
    strays = []
    for version in sorted(int(name) for name in found if name.isdecimal()):
        try:
            adapters.get(version)
        except NotFound:
            strays.append(version)
    return tuple(strays)
