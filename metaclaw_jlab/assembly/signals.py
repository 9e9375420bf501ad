"""The signals of a home: all that can tell here whether somebody works."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from metaclaw_jlab.core.config import CalendarSettings, SchedulerSettings, Settings
from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.core.signal import Signal

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace
    from metaclaw_jlab.runtime.home import Home
    from metaclaw_jlab.store.activity import Activity

KEPT_SECONDS = 5.0  # processes come and go, and settings are read from a file
DAY = 86_400.0
_log = logging.getLogger(__name__)
_Value = TypeVar("_Value")


def make_signals(
    workspace: Workspace,
    *,
    lab: Signal | None,
    own_kernels: Signal | None,
    pids: Callable[[], Mapping[str, int]],
    clock: Callable[[], float] = time.time,
) -> tuple[Signal, ...]:
    """All signals; one that is switched off, or for which there is nothing here, says so. What changes in the
    configuration counts within seconds.

    `lab` and `own_kernels` are the host's: its page, and the kernels of its server, whose processes are `pids`.
    """
    from metaclaw_jlab.learning.signals.calendar import Calendar
    from metaclaw_jlab.learning.signals.desktop import Desktop
    from metaclaw_jlab.learning.signals.gpu import Gpu
    from metaclaw_jlab.learning.signals.kernel_processes import KernelProcesses
    from metaclaw_jlab.learning.signals.kernels import KnownKernels
    from metaclaw_jlab.learning.signals.load import Load
    from metaclaw_jlab.learning.signals.power import Power
    from metaclaw_jlab.learning.signals.sleep_hours import QuietHours, SleepHours

    current = _kept(workspace.settings, Settings(), clock)
    own = _kept(lambda: own_processes(workspace.home), frozenset({os.getpid()}), clock)

    def scheduler() -> SchedulerSettings:
        return current().scheduler

    def calendar() -> CalendarSettings:
        return current().calendar

    def activities(seconds: float) -> Sequence[Activity]:
        from metaclaw_jlab.store.activity import Activities

        return Activities(workspace.database(), clock=clock).since(seconds)

    gpu = Gpu(scheduler, own=own, clock=clock)
    made: tuple[Signal | None, ...] = (
        lab,
        own_kernels,
        KnownKernels(activities, scheduler, clock=clock),
        KernelProcesses(
            lambda: {**kernel_pids(activities), **pids()},
            scheduler,
            own=own,
            holders=gpu.holders,
            clock=clock,
        ),
        Desktop(scheduler, clock=clock),
        SleepHours(scheduler, clock=clock),
        Calendar(calendar, lambda: scheduler().timezone, clock=clock),
        QuietHours(scheduler, clock=clock),
        gpu,
        Power(scheduler, clock=clock),
        Load(scheduler, own=own, clock=clock),
    )
    return tuple(signal for signal in made if signal is not None)


def own_processes(home: Home) -> frozenset[int]:
    """What this project runs for a home and its namespaces, with all that it started: trainings, policy servers, and
    this process without its children, which are kernels."""
    from metaclaw_jlab.assembly.namespaces import namespaces
    from metaclaw_jlab.learning.signals.process_tree import tree
    from metaclaw_jlab.runtime import policy_server, training_process
    from metaclaw_jlab.runtime.home import Home
    from metaclaw_jlab.runtime.processes import boot_id

    roots = set()
    for place in (home, *(Home(home.namespaces / name) for name in namespaces(home))):
        roots.add(policy_server.process(place) or 0)
        conductor = training_process.conductor(place)
        if conductor is not None and conductor.boot_id == boot_id():
            roots.add(conductor.pid)
    return frozenset({os.getpid(), *tree(roots)})


def kernel_pids(activities: Callable[[float], Sequence[Activity]]) -> dict[str, int]:
    """The processes on this machine of all kernels that said something in the last day, by their marks."""
    from metaclaw_jlab.runtime.processes import mark_alive

    try:
        rows = activities(DAY)
    except (MetaclawError, OSError):
        _log.debug("The activity of kernels cannot be read", exc_info=True)
        return {}
    marks = [row.process for row in rows if mark_alive(row.process)]
    return {mark: int(mark.split(":")[-2]) for mark in marks}


def _kept(make: Callable[[], _Value], otherwise: _Value, clock: Callable[[], float]) -> Callable[[], _Value]:
    """What `make` gives, made again after some seconds. Where that fails, what it gave before, or `otherwise`."""
    from metaclaw_jlab.learning.signals.sampling import due

    found = otherwise
    at: float | None = None

    def value() -> _Value:
        nonlocal found, at
        now = clock()
        if due(at, now, KEPT_SECONDS):
            at = now
            try:
                found = make()
            except (MetaclawError, OSError):
                _log.debug("What signals need cannot be read", exc_info=True)
        return found

    return value
