"""`metaclaw train`: how training stands; a training here, or beside the user; stop, resume, give up."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.cli.progress import end_progress, progress
from metaclaw_jlab.cli.termination import stopped_by_term
from metaclaw_jlab.core.training import RunState
from metaclaw_jlab.inspection.training_commands import ABOUT as DESCRIPTION
from metaclaw_jlab.inspection.training_commands import (
    abandon_training,
    add_training_arguments,
    overrides,
    paused_base,
    refuse,
    render_training_result,
    start_beside,
    stop_training,
    wanted,
    without_training,
)

if TYPE_CHECKING:
    from metaclaw_jlab.core.training import TrainingRun
    from metaclaw_jlab.learning.outer_loop import Progress

EXAMPLES = """\
examples:
  metaclaw train                    how it stands, and what is missing
  metaclaw train --now              train, here, to the gate's verdict; Ctrl-C pauses it
  metaclaw train --now --detach     the same beside you; its log is runtime/training.log in the home
  metaclaw train stop               pause the one that runs
  metaclaw train resume             go on with the paused one
  metaclaw train pause 90           train nothing by itself for 90 minutes; or --until 17:30, or until unpause
  metaclaw train unpause            take that back
  metaclaw train log                the windows in which it might train, and what became of them
  metaclaw train --json             curves, counts and verdicts as one object
"""
_STAGES = {RunState.COLLECTING: "older tasks attempted", RunState.GATING: "attempts for the gate"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do, and how."""
    add_training_arguments(parser)
    parser.add_argument("--detach", action="store_true", help="beside you, in a process of its own")
    parser.add_argument("--attached", action="store_true", help=argparse.SUPPRESS)  # ends with who started it


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """How training stands, or what was done.

    Raises LeaseHeld, NothingToTrain, TrainingError, UsageMistake, and KeyboardInterrupt where it was paused.
    """
    what = wanted(arguments)
    with closing(open_workspace(arguments.home, overrides(arguments.model))) as workspace:
        if (told := without_training(workspace, what, arguments)) is not None:
            return told
        match what:
            case "stop":
                try:
                    return stop_training(workspace, lambda: progress("Waiting until it is paused"))
                finally:
                    end_progress()
            case "abandon":
                return abandon_training(workspace)
        return (
            start_beside(workspace, what, arguments)
            if arguments.detach
            else _here(workspace, what, arguments)
        )


def render(result: Mapping[str, Any]) -> str:
    """How training stands; or what happened."""
    return render_training_result(result)


class Bar:
    """Progress on standard error: a bar of steps where it is a terminal, else a line each."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._stage: RunState | None = None

    def show(self, found: Progress) -> None:
        """Show how far a training is."""
        if found.stage is not self._stage:
            self.close()
            self._stage = found.stage
        if found.sentence:
            self._say(found.sentence)
        if not found.of:
            return
        reward = "" if found.reward is None else f"reward {found.reward:+.2f}"
        if not sys.stderr.isatty():
            self._say(f"{_unit(found.stage)} {found.done} of {found.of}{f', {reward}' if reward else ''}")
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(total=found.of, desc=_unit(found.stage), file=sys.stderr, leave=True)
        self._bar.set_postfix_str(reward, refresh=False)
        self._bar.update(found.done - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _say(self, sentence: str) -> None:
        if self._bar is not None:
            self._bar.write(sentence, file=sys.stderr)
        else:
            print(sentence, file=sys.stderr, flush=True)


def _here(workspace: Workspace, what: str, arguments: argparse.Namespace) -> dict[str, object]:
    """Train in this process, to the gate's verdict."""
    from metaclaw_jlab.learning.outer_loop import resume, train_once, without_older
    from metaclaw_jlab.runtime.training_process import stop_with_starter

    refuse(workspace, what, arguments)
    if what == "resume":
        workspace.overrides.update(overrides(paused_base(workspace)))
    bar = Bar()
    with stopped_by_term():
        if arguments.attached:
            stop_with_starter()
        try:
            loop = workspace.outer_loop(on_progress=bar.show)
            if arguments.attached and not workspace.settings().scheduler.reattempt:
                loop = without_older(loop)
            run = (
                resume(loop)
                if what == "resume"
                else train_once(loop, steps=arguments.steps, seed=arguments.seed)
            )
        finally:
            bar.close()
    if run.state is RunState.PAUSED:
        raise KeyboardInterrupt(
            f"Training run {run.number} is paused at step {run.steps_done} of {run.steps}. "
            "Go on: metaclaw train resume."
        )
    return _outcome(workspace, run)


def _outcome(workspace: Workspace, run: TrainingRun) -> dict[str, object]:
    from metaclaw_jlab.inspection.training import describe_run, verdict_in_words

    account = describe_run(workspace.database(), run, None)
    return {"run": run.number, "told": verdict_in_words(account) or account.sentence, "account": account}


def _unit(stage: RunState) -> str:
    return _STAGES.get(stage, "step")


__all__ = ["DESCRIPTION", "EXAMPLES", "add_arguments", "render", "run"]
