"""A sign of the user, and how long after it they still count as working."""

from __future__ import annotations

from metaclaw_jlab.core.signal import Reading, SignalState


class LastSign:
    """When there was a sign of the user last. One that lies ahead, because the clock went back, is one of now."""

    def __init__(self) -> None:
        self._at: float | None = None

    def note(self, at: float, now: float) -> None:
        """There was one at `at`; an older one than is known changes nothing."""
        at = min(at, now)
        if self._at is None or at > self._at or self._at > now:
            self._at = at

    def at(self, now: float) -> float | None:
        """When the last one was, None where none was."""
        if self._at is not None and self._at > now:
            self._at = now
        return self._at


def after_sign(
    name: str, last: float, now: float, idle_seconds: float, *, busy: str, idle: str, opens: bool
) -> Reading:
    """Busy until `idle_seconds` after the last sign, idle from then on, with the sentence for each."""
    until = last + idle_seconds
    if now < until:
        return Reading(name, SignalState.BUSY, busy, opens=opens, until=until)
    return Reading(name, SignalState.IDLE, idle, opens=opens)
