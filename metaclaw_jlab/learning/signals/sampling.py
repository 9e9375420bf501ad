"""Looks that cost too much for every reading: taken now and then, and the slow ones beside it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from metaclaw_jlab.core.errors import MetaclawError

_log = logging.getLogger(__name__)
Found = TypeVar("Found")


def on_a_thread(work: Callable[[], None]) -> None:
    """Run `work` on a thread of its own that never keeps the process alive."""
    threading.Thread(target=work, name="metaclaw-signal", daemon=True).start()


def due(last: float | None, now: float, seconds: float) -> bool:
    """Whether `seconds` have passed since `last`. A clock that went back makes it due."""
    return last is None or not 0 <= now - last < seconds


class Beside(Generic[Found]):
    """What a slow `look` found last. It runs beside the caller, at most every `seconds`, one at a time.

    One that fails keeps what was found before and is tried again after `retry_seconds`; one that hangs is left alone.
    """

    def __init__(
        self,
        look: Callable[[], Found],
        seconds: Callable[[], float],
        *,
        retry_seconds: float,
        clock: Callable[[], float] = time.time,
        start: Callable[[Callable[[], None]], None] = on_a_thread,
    ) -> None:
        self._look = look
        self._seconds = seconds
        self._retry_seconds = retry_seconds
        self._clock = clock
        self._start = start
        self._running = False
        self._begun: float | None = None
        self._generation = 0
        self.found: Found | None = None
        self.at: float | None = None
        self.trouble: MetaclawError | None = None

    def refresh(self) -> None:
        """Look again where it is time to, and return at once."""
        wanted = self._retry_seconds if self.trouble is not None else self._seconds()
        if self._running or not due(self._begun, self._clock(), wanted):
            return
        self._running, self._begun = True, self._clock()
        self._start(lambda generation=self._generation: self._run(generation))  # type: ignore[misc]

    def forget(self) -> None:
        """What was found, or is being looked for, no longer counts: look again at once."""
        self._generation += 1
        self._running, self._begun = False, None
        self.found, self.at, self.trouble = None, None, None

    def _run(self, generation: int) -> None:
        found, trouble = None, None
        try:
            found = self._look()
        except MetaclawError as error:
            trouble = error
        except Exception as error:  # noqa: BLE001  a thread's boundary
            _log.warning("A signal failed", exc_info=True)
            trouble = MetaclawError(f"It failed ({type(error).__name__}: {error}).", "See the server's log.")
        if generation != self._generation:
            return
        if trouble is None:
            self.found, self.at = found, self._clock()
        self.trouble = trouble
        self._running = False
