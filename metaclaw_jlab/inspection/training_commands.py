"""`train ...`, the same for the magic and the command line: status, a training beside the user, stop, give up."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.errors import LeaseHeld, NothingToTrain, TrainingError, UsageMistake
from metaclaw_jlab.inspection.training import training
from metaclaw_jlab.inspection.training_text import render_training

if TYPE_CHECKING:
    from subprocess import Popen

    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.core.training import TrainingRun

ABOUT = "Train the local policy on its own tasks: a LoRA adapter, which serves once its gate has passed."
ACTIONS = ("status", "stop", "resume", "abandon", "pause", "unpause", "log")
LOG_WINDOWS = 20
RUN_SECONDS = 5.0
STOP_SECONDS = 60.0  # beyond what a worker is given: attempts of older tasks end first
POLL_SECONDS = 0.1
OPTIONS = ("steps", "seed", "model")
_WAY_ON = "See: train status. Stop it: train stop."


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """What both surfaces take. `action` is None where none is named."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=ACTIONS,
        help="how it stands (the default), stop it so that it can be resumed, resume, or give it up; train nothing by "
        "itself (pause, for N minutes), take that back; the log of the last N windows",
    )
    parser.add_argument(
        "number", nargs="?", type=_number, metavar="N", help="minutes of a pause, or windows of the log"
    )
    parser.add_argument("--until", metavar="HH:MM", help="when a pause ends")
    parser.add_argument(
        "--now", action="store_true", help="train now, from the query set to the gate's verdict"
    )
    parser.add_argument(
        "--steps", type=_positive, metavar="N", help="optimiser steps (default: training.steps)"
    )
    parser.add_argument("--seed", type=int, metavar="S", help="seed of data order and sampling")
    parser.add_argument(
        "--model", metavar="NAME", help="the local model to train (default: policy.local_model)"
    )


def wanted(arguments: argparse.Namespace) -> str:
    """What is asked for: one of the actions, or `train`. Raises UsageMistake."""
    if arguments.now and arguments.action is not None:
        raise UsageMistake(f"--now begins a training, {arguments.action} does not.", "Leave one of them out.")
    for name in OPTIONS:
        if getattr(arguments, name) is not None and not arguments.now:
            raise UsageMistake(f"--{name} is for a new training.", "Put --now.")
    if arguments.number is not None and arguments.action not in {"pause", "log"}:
        raise UsageMistake(
            f"{arguments.number:g} of what?", "Numbers are for pause (minutes) and log (windows)."
        )
    if arguments.until is not None and arguments.action != "pause":
        raise UsageMistake("--until is for a pause.", "Such as: train pause --until 17:30.")
    return "train" if arguments.now else arguments.action or "status"


def refuse(workspace: Workspace, what: str, arguments: argparse.Namespace) -> None:
    """Say at once why a training could not begin or be resumed.

    Raises LeaseHeld where one runs, NothingToTrain where none waits to be resumed, UsageMistake where one waits and
    options are given that it would not follow, and TrainingError where the policy cannot be trained.
    """
    from metaclaw_jlab.assembly.slow_loop import check_weights, trainable_base
    from metaclaw_jlab.runtime.training_process import conductor
    from metaclaw_jlab.store.training import Training

    current = Training(workspace.database()).current()
    if (other := conductor(workspace.home)) is not None:
        run = f"run {current.number}, " if current is not None else ""
        raise LeaseHeld(
            f"A training runs already ({run}process {other.pid}).", "See: train status. Stop it: train stop."
        )
    if what == "resume":
        if current is None:
            raise NothingToTrain("No training waits to be resumed.", "Start one: train --now.")
        return
    base = trainable_base(workspace.configuration(overrides(arguments.model)).settings)
    check_weights(workspace.home, base)
    given = [f"--{name}" for name in OPTIONS if getattr(arguments, name) is not None]
    if current is not None and given:
        raise UsageMistake(
            f"Training run {current.number} is not over, and would go on as it began, without {' '.join(given)}.",
            "Go on with it: train resume. Or give it up first: train abandon.",
        )


def paused_base(workspace: Workspace) -> str | None:
    """The model of the run that is not over: it goes on with that, whatever answers by now."""
    from metaclaw_jlab.store.training import Training

    current = Training(workspace.database()).current()
    return None if current is None else current.base


def overrides(model: str | None) -> dict[str, object]:
    """The settings that `--model` stands for."""
    return (
        {} if model is None else {"policy.base_url": None, "policy.model": None, "policy.local_model": model}
    )


def start_beside(workspace: Workspace, what: str, arguments: argparse.Namespace) -> dict[str, object]:
    """Start or resume a training beside the user. `run` is None while older tasks are attempted, before it begins.

    Raises LeaseHeld, TrainingError.
    """
    from metaclaw_jlab.runtime.training_process import log_file, start
    from metaclaw_jlab.store.training import Training

    refuse(workspace, what, arguments)
    newest = next(iter(Training(workspace.database()).recent(1)), None)
    process = start(workspace.home, _words(what, arguments))
    run = _begun(workspace, newest, process)
    return {
        "run": None if run is None else run.number,
        "pid": process.pid,
        "log": log_file(workspace.home),
        "told": _started(run, process),
    }


def stop_training(workspace: Workspace, on_wait: Callable[[], None] = lambda: None) -> dict[str, object]:
    """Stop the training that runs and wait until it is paused. Raises TrainingError."""
    from metaclaw_jlab.runtime.training_process import conductor, stop
    from metaclaw_jlab.store.training import Training

    if conductor(workspace.home) is not None:
        on_wait()
    stopped = stop(workspace.home, workspace.settings().training.stop_seconds + STOP_SECONDS)
    run = Training(workspace.database()).current()
    number = None if run is None else run.number
    if stopped is None:
        told = "No training runs."
    elif run is None:
        told = "The training has stopped; nothing waits to be resumed."
    else:
        told = f"Run {run.number} is paused at step {run.steps_done} of {run.steps}. Go on: train resume."
    return {"stopped": stopped is not None, "run": number, "told": told}


def abandon_training(workspace: Workspace) -> dict[str, object]:
    """Give up the run that waits to be resumed. Raises LeaseHeld where it runs, NothingToTrain."""
    from metaclaw_jlab.assembly import open_workspace
    from metaclaw_jlab.learning.outer_loop import abandon

    refuse_running(workspace)
    # It may be given up too where another policy answers by now, or one that is not trained.
    local = {**workspace.overrides, **overrides(EMBEDDED_MODEL)}
    with closing(open_workspace(workspace.home.path, local)) as trained:
        run = abandon(trained.outer_loop(), "Given up by the user.")
    if run is None:
        raise NothingToTrain("No training waits to be resumed.", "Nothing was given up.")
    return {"run": run.number, "told": f"Run {run.number} is given up. A new one: train --now."}


def refuse_running(workspace: Workspace) -> None:
    """Raises LeaseHeld where a training runs."""
    from metaclaw_jlab.runtime.training_process import conductor

    if (other := conductor(workspace.home)) is not None:
        raise LeaseHeld(f"A training runs (process {other.pid}).", "Stop it first: train stop.")


def status_of(workspace: Workspace) -> dict[str, object]:
    """What there is to tell of training, and of when it runs by itself."""
    from metaclaw_jlab.inspection.scheduler import schedule

    return {"training": training(workspace), "schedule": schedule(workspace)}


def log_of(workspace: Workspace, number: float | None) -> dict[str, object]:
    """The log of the last windows. Raises UsageMistake, StoreError."""
    from metaclaw_jlab.store.windows import Windows

    wanted = LOG_WINDOWS if number is None else int(number)
    if wanted < 1:
        raise UsageMistake(f"{number:g} is no number of windows.", "Such as: train log 50.")
    return {"windows": Windows(workspace.database()).recent(wanted)}


def without_training(
    workspace: Workspace, what: str, arguments: argparse.Namespace
) -> dict[str, object] | None:
    """What the actions come to that neither begin nor stop a training; None for those that do.

    Raises UsageMistake, StoreError.
    """
    from metaclaw_jlab.inspection.pausing import pause_training, unpause_training

    match what:
        case "status":
            return status_of(workspace)
        case "log":
            return log_of(workspace, arguments.number)
        case "pause":
            return pause_training(workspace, arguments.number, arguments.until)
        case "unpause":
            return unpause_training(workspace)
    return None


def render_training_result(result: Mapping[str, Any]) -> str:
    """How training stands, or what happened."""
    from metaclaw_jlab.inspection.scheduler_text import log_in_words, schedule_lines, window_lines

    if "windows" in result:
        found = result["windows"]
        return "\n".join([*window_lines(found), *([log_in_words(found)] if found else [])])
    if "training" not in result:
        return str(result["told"])
    account = result["schedule"]
    parts = [render_training(result["training"]), "\n".join(schedule_lines(account))]
    if account.windows:
        parts.append("\n".join(["Last windows", *window_lines(account.windows)]))
    return "\n\n".join(parts)


def _words(what: str, arguments: argparse.Namespace) -> list[str]:
    if what == "resume":
        return ["resume"]
    given = [(name, getattr(arguments, name)) for name in OPTIONS]
    return [
        "--now",
        *(word for name, value in given if value is not None for word in (f"--{name}", str(value))),
    ]


def _begun(workspace: Workspace, newest: TrainingRun | None, process: Popen[bytes]) -> TrainingRun | None:
    """The run that a new process works on, as soon as there is one. Raises TrainingError where it ended before."""
    from metaclaw_jlab.runtime.training_process import last_words
    from metaclaw_jlab.store.training import Training

    store, deadline = Training(workspace.database()), time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        ended = process.poll()
        found = store.current() or next((run for run in store.recent(1) if run != newest), None)
        if found is not None:
            return found
        if ended is not None:
            raise TrainingError(last_words(workspace.home) or f"The training ended with code {ended}.")
        time.sleep(POLL_SECONDS)
    return None


def _started(run: TrainingRun | None, process: Popen[bytes]) -> str:
    if run is None:
        return (
            f"A training has begun (process {process.pid}): older tasks are attempted again first. {_WAY_ON}"
        )
    return f"Training run {run.number} has begun (process {process.pid}). {_WAY_ON}"


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of steps, 1 or more")
    return int(text)


def _number(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return found
