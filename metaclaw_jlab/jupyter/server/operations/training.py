"""How training stands, and a user's wish that it begin, stop, go on or be given up."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from metaclaw_jlab.inspection.training import RECENT, TrainingAccount, training
from metaclaw_jlab.inspection.training_commands import abandon_training, start_beside, stop_training
from metaclaw_jlab.jupyter.server.operation import INTEGRAL, Arguments, Body, Operation, Whole

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.server.host import Host

MOST = 50


class Recent(Arguments):
    """How many trainings that are over."""

    recent: Whole = Field(RECENT, ge=0, le=MOST, description="How many that are over, the newest first.")


class Wanted(Body):
    """A new training; what is left out is as it is configured."""

    steps: Annotated[int, Field(ge=1, le=10_000), INTEGRAL] | None = Field(
        None, description="Optimiser steps."
    )
    seed: Annotated[int, Field(ge=0, lt=2**32), INTEGRAL] | None = Field(
        None, description="Seed of data order and sampling."
    )


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
