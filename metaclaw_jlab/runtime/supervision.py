"""The policy server under its host's eyes: one that crashed or hangs is started again, ever later if that fails."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from metaclaw_jlab.core.errors import LeaseHeld, MetaclawError
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.leases import held_by
from metaclaw_jlab.runtime.policy_server import LEASE, Endpoint, Health, health, log_file, stop

logger = logging.getLogger(__name__)

SILENCES = 3  # looks in a row without an answer: a long prompt on a slow machine is no hang
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 600.0  # seconds between restarts that do not help
WELL_SECONDS = 300.0  # after so long without trouble the pauses begin anew


class Supervision:
    """Looked through by its host every few seconds, in a thread. `restart` starts a server of a model and says
    whether that was still wanted (raises MetaclawError); `say` tells people. `clock` gives seconds that only grow."""

    def __init__(
        self,
        home: Home,
        *,
        restart: Callable[[str], bool],
        say: Callable[[str], object] = logger.warning,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._home = home
        self._restart = restart
        self._say = say
        self._clock = clock
        self._silences: tuple[int, int] = (0, 0)  # pid, how often in a row
        self._lost: str | None = None  # the model of a server that is to be started again
        self._pause = FIRST_PAUSE
        self._next = float("-inf")
        self._failed_at = float("-inf")

    def look(self) -> None:
        """See how the server is, and start it again where it is gone. Raises nothing."""
        if held_by(self._home, LEASE) is not None:
            return  # somebody starts or stops it just now
        try:
            found = health(self._home)
            if found is None:
                self._silences = (0, 0)
            else:
                self._judge(*found)
            self._bring_back()
        except (MetaclawError, OSError) as error:
            self._say(f"The policy server could not be looked after: {error}")

    def end(self, used: Callable[[], bool]) -> bool:
        """At the host's end: stop the server where one runs and nobody else uses it; whether it was stopped."""
        found = health(self._home)
        if found is None or found[1] is Health.GONE or used():
            return False
        try:
            return stop(self._home)
        except LeaseHeld:
            return False  # somebody starts it just now, and wants it

    def _judge(self, endpoint: Endpoint, state: Health) -> None:
        if state is Health.WELL:
            self._silences, self._lost = (0, 0), None
            if self._clock() - self._failed_at > WELL_SECONDS:
                self._pause, self._next = FIRST_PAUSE, float("-inf")
        elif state is Health.GONE:
            self._lose(endpoint, f"The policy server (process {endpoint.pid}) has crashed.")
        else:
            pid, times = self._silences
            self._silences = (endpoint.pid, times + 1 if pid == endpoint.pid else 1)
            if self._silences[1] >= SILENCES:
                self._lose(endpoint, f"The policy server (process {endpoint.pid}) does not answer any more.")

    def _lose(self, endpoint: Endpoint, sentence: str) -> None:
        """Take away what is left of it."""
        self._say(f"{sentence} What it said is in {log_file(self._home)}.")
        self._silences, self._lost = (0, 0), endpoint.model
        stop(self._home)

    def _bring_back(self) -> None:
        """Start again what was lost, unless the last start was too short a time ago."""
        model, now = self._lost, self._clock()
        if model is None or now < self._next:
            return
        self._failed_at, self._next = now, now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        try:
            started = self._restart(model)
        except MetaclawError as error:
            self._say(f"The policy server could not be started again: {error.cause}")
            return
        self._lost = None
        if started:
            self._say("The policy server was started again.")
