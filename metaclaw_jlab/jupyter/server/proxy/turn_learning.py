"""Learns from turns beside the server: one thread, which looks some seconds after turns have ended."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import MetaclawError

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace

DELAY_SECONDS = 5.0  # turns that end together are looked at together
AGAIN_SECONDS = 900.0  # what a judge or an evolver left waiting is looked at again

_log = logging.getLogger(__name__)


class TurnLearner:
    """Looks at the turns of the workspaces that it is told of. `learn` is what a look does."""

    def __init__(
        self,
        learn: Callable[[Workspace], object] | None = None,
        *,
        delay: float = DELAY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._learn = learn or _learn
        self._delay, self._clock = delay, clock
        self._wake = threading.Condition()
        self._due: dict[str, tuple[float, Workspace]] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    def look(self, workspace: Workspace) -> None:
        """Have a look at this workspace soon. Returns at once; from any thread."""
        with self._wake:
            if self._closed:
                return
            key = str(workspace.home.path)
            soon = self._clock() + self._delay
            known = self._due.get(key)
            self._due[key] = (min(soon, known[0]) if known is not None else soon, workspace)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="metaclaw-learner", daemon=True)
                self._thread.start()
            self._wake.notify()

    def close(self, seconds: float) -> None:
        """Begin no more looks; wait for the one under way, for at most so long. What waits is looked at next time."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(seconds)

    def _work(self) -> None:
        while (workspace := self._next()) is not None:
            try:
                self._learn(workspace)
            except MetaclawError as error:
                _log.warning("Nothing was learnt from the turns of other agents: %s", error)
            except Exception:  # noqa: BLE001 - a look that fails must not end the thread
                _log.exception("Nothing was learnt from the turns of other agents.")

    def _next(self) -> Workspace | None:
        """The workspace that is due, waited for; None at the end."""
        with self._wake:
            while not self._closed:
                now = self._clock()
                key = min(self._due, key=lambda one: self._due[one][0])
                at, workspace = self._due[key]
                if at <= now:
                    self._due[key] = (now + AGAIN_SECONDS, workspace)
                    return workspace
                self._wake.wait(at - now)
        return None


def _learn(workspace: Workspace) -> None:
    from metaclaw_jlab.assembly.turns import learn_from_turns

    found = learn_from_turns(workspace)
    if found.scored.reason or found.trouble:
        _log.info("Turns of other agents wait: %s", found.scored.reason or found.trouble)
