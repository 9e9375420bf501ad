"""What a signal is: something that tells whether somebody is working, is away, or that it cannot know."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class SignalState(StrEnum):
    """What a signal says. UNKNOWN opens nothing and forbids nothing."""

    IDLE = "idle"
    BUSY = "busy"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a signal says now, with a sentence for people.

    `opens`: that it is idle may open a window. `vetoes`: that it is busy keeps every window shut. `until` is when it
    expects to say something else (seconds since the epoch), None where it cannot tell.
    """

    name: str
    state: SignalState
    sentence: str
    opens: bool = False
    vetoes: bool = True
    until: float | None = None

    @property
    def opening(self) -> bool:
        """Whether it gives a reason to train now."""
        return self.opens and self.state is SignalState.IDLE

    @property
    def forbidding(self) -> bool:
        """Whether it forbids to train now."""
        return self.vetoes and self.state is SignalState.BUSY


class Signal(Protocol):
    """One source of knowledge about the user, or the machine."""

    @property
    def name(self) -> str:
        """A word of its own, such as `kernels`; it names the signal in the store and in events."""

    def read(self) -> Reading:
        """What it says now. It never raises and takes milliseconds: what is slow is fetched beside it."""
