"""The scheduler of a home: its signals, its books, and what there is to train on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import MetaclawError, TrainingError
from metaclaw_jlab.core.schedule import Conductor, Need, View

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace
    from metaclaw_jlab.core.signal import Signal
    from metaclaw_jlab.learning.scheduler import Scheduler

_MOST_OLDER = 1000  # that are counted


def make_scheduler(
    workspace: Workspace,
    conductor: Conductor,
    *,
    lab: Signal | None,
    own_kernels: Signal | None,
    pids: Callable[[], Mapping[str, int]],
    clock: Callable[[], float] = time.time,
    on_change: Callable[[View], None] = lambda _: None,
) -> Scheduler:
    """The scheduler of the active host. `pids` gives the processes of its own kernels."""
    from metaclaw_jlab.assembly.signals import make_signals
    from metaclaw_jlab.learning.scheduler import Scheduler
    from metaclaw_jlab.store.windows import Pauses, Windows

    database = workspace.database()
    return Scheduler(
        signals=make_signals(workspace, lab=lab, own_kernels=own_kernels, pids=pids, clock=clock),
        conductor=conductor,
        windows=Windows(database, clock=clock),
        pauses=Pauses(database, clock=clock),
        need=lambda: training_need(workspace),
        settings=lambda: workspace.settings().scheduler,
        clock=clock,
        on_change=on_change,
    )


def training_need(workspace: Workspace) -> Need:
    """What there is to train on now. Raises StoreError where the store cannot be read."""
    from metaclaw_jlab.assembly.slow_loop import check_weights, trainable_base
    from metaclaw_jlab.store.query import Query
    from metaclaw_jlab.store.training import Training

    database = workspace.database()
    unfinished = Training(database).current() is not None
    settings = workspace.settings()
    query = Query(database, held_out_share=settings.training.held_out_share)
    waiting, older = query.counts().waiting, len(query.older(_MOST_OLDER))
    try:
        check_weights(workspace.home, trainable_base(settings))
        _extra_is_there()
    except MetaclawError as error:
        return Need(waiting, unfinished, older, False, str(error))
    if unfinished:
        said = "A training is paused and waits to go on."
    else:
        said = f"{waiting} query tasks wait to be trained on, {older} older ones may be attempted again."
    return Need(waiting, unfinished, older, True, said)


def _extra_is_there() -> None:
    """Raises TrainingError where the libraries that train are not installed; none of them is loaded for it."""
    from importlib.util import find_spec

    for name in ("torch", "transformers", "peft", "trl"):
        if find_spec(name) is None:
            raise TrainingError(
                f"{name} is not installed, so nothing is trained here.",
                "Install it with: pip install 'metaclaw-jlab[train]'.",
            )


__all__ = ["make_scheduler", "training_need"]
