"""What the scheduler knows and tells: who trains and what for, the whole picture; and who trains for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from metaclaw_jlab.core.signal import Reading
from metaclaw_jlab.core.window import Pause, SchedulerState, Window


@dataclass(frozen=True, slots=True)
class Conducting:
    """Who trains now. `by_window`: the scheduler began it, else the user did (`train --now`) and activity leaves it
    alone. `pid` is 0 while its process is being started; `run` is None until there is a run."""

    by_window: bool
    pid: int
    since: float
    run: int | None = None
    gating: bool = False


class Conductor(Protocol):
    """What begins and stops trainings for the scheduler. Every method returns at once and never raises."""

    def start(self, *, resume: bool) -> None:
        """Begin a training of the window's, or take up the run that is not over.

        From here on `conducting` is not None, until the process is gone or could not be started.
        """

    def stop(self) -> None:
        """Ask whoever trains to stop, the user's training too; a start that is under way is called off. Idempotent."""

    def conducting(self) -> Conducting | None:
        """Who trains now, until its process (its worker included) is gone: then the memory is free."""

    def failure(self) -> str | None:
        """Why the last start of the window's, or the training that it began, came to nothing, in a sentence.

        None where it went well, goes on, or was stopped by `stop`.
        """


@dataclass(frozen=True, slots=True)
class Need:
    """What there is to train on: `waiting` query tasks, a run that is `unfinished`, `older` tasks that may be attempted
    again; `trainable` is whether anything can be trained here at all, and `sentence` says it for people."""

    waiting: int
    unfinished: bool
    older: int
    trainable: bool
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that the scheduler knows at a moment, for people and for other processes.

    `window` is the one that is open; `missing` says in sentences what keeps it from training now; `trained_today` is in
    seconds of this local day; `next_window` is when the next one could be at the earliest, None where that cannot be
    told or one is open, and `why` says so.
    """

    at: float
    state: SchedulerState
    sentence: str
    readings: tuple[Reading, ...] = ()
    window: Window | None = None
    pause: Pause | None = None
    need: Need | None = None
    conducting: Conducting | None = None
    missing: tuple[str, ...] = ()
    trained_today: float = 0.0
    next_window: float | None = None
    why: str = ""
