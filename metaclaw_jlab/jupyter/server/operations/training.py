"""How training stands, and a user's wish that it begin, stop, go on or be given up."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from metaclaw_jlab.inspection.training import RECENT, RunAccount, TrainingAccount, training
from metaclaw_jlab.inspection.training_commands import abandon_training, start_beside, stop_training
from metaclaw_jlab.inspection.training_runs import RunRow, list_runs, run_account
from metaclaw_jlab.jupyter.server.operation import (
    FROM_TEXT,
    INTEGRAL,
    Arguments,
    Body,
    Operation,
    Whole,
)
from metaclaw_jlab.jupyter.server.operations.numbered import number_in

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.server.host import Host

MOST = 50
RUNS, MOST_RUNS = 20, 200
LARGEST = 2**53  # the largest integer that JavaScript knows exactly


class Recent(Arguments):
    """How many trainings that are over."""

    recent: Whole = Field(RECENT, ge=0, le=MOST, description="How many that are over, the newest first.")


class RunPage(Arguments):
    """Which runs."""

    limit: Whole = Field(RUNS, ge=1, le=MOST_RUNS, description="How many, the newest first.")
    before: Annotated[int, Field(ge=1, le=LARGEST), FROM_TEXT] | None = Field(
        None, description="Those with numbers under this one; `next` of the page before."
    )


class Wanted(Body):
    """A new training; what is left out is as it is configured."""

    steps: Annotated[int, Field(ge=1, le=10_000), INTEGRAL] | None = Field(
        None, description="Optimiser steps."
    )
    seed: Annotated[int, Field(ge=0, lt=2**32), INTEGRAL] | None = Field(
        None, description="Seed of data order and sampling."
    )


@dataclass(frozen=True, slots=True)
class RunList:
    """Runs, the newest first. `next` is what `before` has to be for those after them, None where there are none."""

    runs: tuple[RunRow, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Begun:
    """A training that runs in a process of its own; `run` is None while older tasks are attempted first."""

    run: int | None
    pid: int
    told: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """`stopped`: one ran. `run` waits to be resumed, None where none does."""

    stopped: bool
    run: int | None
    told: str


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The run that was given up."""

    run: int
    told: str


def account(host: Host, *, recent: int) -> TrainingAccount:
    """How training stands."""
    return training(host.workspace, recent=recent)


def runs(host: Host, *, limit: int, before: int | None) -> RunList:
    """A page of the runs that ever began."""
    found = list_runs(host.workspace, limit + 1, before)
    page = found[:limit]
    return RunList(page, page[-1].number if len(found) > limit else None)


def run(host: Host, *, number: str) -> RunAccount:
    """One run with its curves. Raises NotFound."""
    return run_account(host.workspace, number_in(number, "training run"))


def start(host: Host, *, steps: int | None, seed: int | None) -> Begun:
    """Begin a training now, which no activity stops: the user has asked for it. Raises LeaseHeld, TrainingError."""
    return _begun(host, "train", Namespace(steps=steps, seed=seed, model=None))


def resume(host: Host) -> Begun:
    """Take up the run that is paused. Raises LeaseHeld, NothingToTrain, TrainingError."""
    return _begun(host, "resume", Namespace(steps=None, seed=None, model=None))


def stop(host: Host) -> Stopped:
    """Stop the training that runs, whoever began it, and wait until it is paused. Raises TrainingError."""
    found = stop_training(host.workspace)
    return Stopped(bool(found["stopped"]), _number(found["run"]), str(found["told"]))


def abandon(host: Host) -> Abandoned:
    """Give up the run that waits to be resumed. Raises LeaseHeld, NothingToTrain."""
    found = abandon_training(host.workspace)
    return Abandoned(int(str(found["run"])), str(found["told"]))


def _begun(host: Host, what: str, arguments: Namespace) -> Begun:
    found = start_beside(host.workspace, what, arguments)
    return Begun(_number(found["run"]), int(str(found["pid"])), str(found["told"]))


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


OPERATIONS = (
    Operation(
        method="GET",
        path="/training",
        name="training",
        about="The run that is not over, those that are, what waits to be trained on, and what is missing.",
        call=account,
        answer=TrainingAccount,
        arguments=Recent,
        secret=True,
        counts=False,
    ),
    Operation(
        method="GET",
        path="/training/runs",
        name="training_runs",
        about="The trainings that ever began, the newest first, a page at a time.",
        call=runs,
        answer=RunList,
        arguments=RunPage,
        secret=True,
        counts=False,
    ),
    Operation(
        method="GET",
        path="/training/runs/{number}",
        name="training_run",
        about="One training: where it stands, what was reported of each step, what the gate of its adapter said.",
        call=run,
        answer=RunAccount,
        secret=True,
        counts=False,
        errors=(404,),
    ),
    Operation(
        method="POST",
        path="/training/start",
        name="train",
        about="Train now, to the gate's verdict. Activity does not stop it: this is consent, as `train --now` is.",
        call=start,
        answer=Begun,
        body=Wanted,
        errors=(409,),
    ),
    Operation(
        method="POST",
        path="/training/stop",
        name="stop_training",
        about="Stop the training that runs so that it can be resumed, and wait until it has stopped.",
        call=stop,
        answer=Stopped,
        errors=(409,),
    ),
    Operation(
        method="POST",
        path="/training/resume",
        name="resume_training",
        about="Go on with the training that is paused.",
        call=resume,
        answer=Begun,
        errors=(409,),
    ),
    Operation(
        method="POST",
        path="/training/abandon",
        name="abandon_training",
        about="Give up the training that is paused.",
        call=abandon,
        answer=Abandoned,
        errors=(409,),
    ),
)
