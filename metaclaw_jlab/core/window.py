"""What a window is: a span in which training may run, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SchedulerState(StrEnum):
    """Where the scheduler stands."""

    WAITING = "waiting"  # somebody works, or nothing says that nobody does
    OPEN = "open"  # a window is open, and nothing is trained in it (yet)
    TRAINING = "training"
    GATING = "gating"
    PAUSING = "pausing"  # told to stop, not gone yet


@dataclass(frozen=True, slots=True)
class Window:
    """A span in which training might run. Times are seconds since the epoch.

    `opened_by` and `closed_by` are names of signals, or `pause`, `budget`, `shutdown`, `crash`. `used_seconds` were
    trained in it; `yield_seconds` passed from the sign of the user to the end of the worker, None where none was
    running; `run` is the training run, None where none was.
    """

    number: int
    opened_at: float
    opened_by: tuple[str, ...]
    closed_at: float | None = None
    closed_by: str = ""
    run: int | None = None
    used_seconds: float = 0.0
    yield_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """A user's wish that nothing be trained by itself; `until` is None for as long as nobody takes it back."""

    at: float
    until: float | None = None
