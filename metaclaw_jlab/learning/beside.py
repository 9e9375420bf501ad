"""Runs the inner loop beside the user's work: one thread that sleeps until something has failed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from metaclaw_jlab.core.errors import LeaseHeld, MetaclawError

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
MOST_PAUSES = 10
IDLE_SECONDS = 300.0  # then the thread ends; the next failure starts another


class Beside:
    """`work` does one pass and says whether more may be waiting. What it raises is told through `on_trouble`.

    `at_rest` lets go of what the passes held, when nothing was asked for in `idle_seconds`.
    """

    def __init__(
        self,
        work: Callable[[], bool],
        on_trouble: Callable[[str], None],
        *,
        at_rest: Callable[[], None] = lambda: None,
        idle_seconds: float = IDLE_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._work = work
        self._on_trouble = on_trouble
        self._at_rest = at_rest
        self._idle_seconds = idle_seconds
        self._retry_seconds = retry_seconds
        self._changed = threading.Condition()
        self._asked = 0
        self._done = 0
        self._since = 0.0
        self._not_before = 0.0
        self._thread: threading.Thread | None = None
        self._stopping = False

    def wake(self, *, quiet: float = 0.0) -> None:
        """Something may be waiting. Returns at once.

        `quiet`: it has time, until nothing was asked for in so many seconds (or there was no such pause for long).
        """
        with self._changed:
            now, idle = time.monotonic(), self._done == self._asked
            self._asked += 1
            if idle:
                self._since = now
            elif not quiet or not self._not_before:
                quiet = 0.0  # what was asked for before has no time
            self._not_before = min(now + quiet, self._since + MOST_PAUSES * quiet) if quiet else 0.0
            if self._thread is None and not self._stopping:
                self._thread = threading.Thread(target=self._run, name="metaclaw-inner-loop", daemon=True)
                self._thread.start()
            elif idle or not quiet:
                self._changed.notify_all()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until all that was asked for is done; False where the time ended before. The work goes on either way."""
        with self._changed:
            asked = self._asked
            return self._changed.wait_for(lambda: self._done >= asked or self._stopping, seconds)

    @property
    def busy(self) -> bool:
        """Whether a pass is under way or asked for."""
        with self._changed:
            return self._done < self._asked

    def stop(self) -> None:
        """Begin nothing more."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                asked_for = self._changed.wait_for(
                    lambda: self._stopping or self._done < self._asked, self._idle_seconds
                )
                if self._stopping or not asked_for:
                    self._at_rest()
                    self._thread = None
                    return
                while (left := self._time_left()) > 0:
                    self._changed.wait(left)
                asked = self._asked
            self._pass()
            with self._changed:
                self._done = max(self._done, asked)
                self._since = time.monotonic()
                self._changed.notify_all()

    def _time_left(self) -> float:
        """Seconds for which what was asked for has time."""
        return 0.0 if self._stopping else self._not_before - time.monotonic()

    def _pass(self) -> None:
        try:
            while not self._stopping and self._turn():
                pass
        except MetaclawError as error:
            self._on_trouble(str(error))
        except Exception as error:  # a thread's boundary
            if _at_exit(error):
                return
            logger.exception("The inner loop failed")
            self._on_trouble(f"{type(error).__name__}: {error}. The failures stay; see `metaclaw doctor`.")

    def _turn(self) -> bool:
        try:
            return self._work()
        except LeaseHeld:
            # Another process evolves; what it does not see any more is looked at when it is through.
            with self._changed:
                self._changed.wait_for(lambda: self._stopping, self._retry_seconds)
            return True


def _at_exit(error: Exception) -> bool:
    """Whether the interpreter is ending, so that pools take no more work; what waits is taken up at the next load."""
    return isinstance(error, RuntimeError) and "schedule new futures after" in str(error)
