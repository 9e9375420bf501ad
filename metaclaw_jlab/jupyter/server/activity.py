"""What a server that is not the active host tells it: that its page or its kernels are used."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from metaclaw_jlab.runtime.activity_line import BUSY, IDLE, Sender
from metaclaw_jlab.runtime.host import published
from metaclaw_jlab.runtime.processes import this_process

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace

logger = logging.getLogger(__name__)

LAB = "lab"
BREATH_SECONDS = 2.0


class UsedHere:
    """Tells the store, and the active host at once, that this server is used; beside the event loop."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.working = False  # as it was told last
        self._clock = clock
        self._told_at = float("-inf")
        self._beside: ThreadPoolExecutor | None = None

    def tell(self, workspace: Workspace, *, working: object) -> None:
        """Called at every sign of the user; told at most once a breath. `working`: a kernel runs something now."""
        now = self._clock()
        if bool(working) == self.working and now - self._told_at < BREATH_SECONDS:
            return
        self._told_at, self.working = now, bool(working)
        if self._beside is None:
            self._beside = ThreadPoolExecutor(1, thread_name_prefix="metaclaw-used")
        self._beside.submit(tell, workspace, BUSY if working else IDLE)

    def close(self) -> None:
        """Tell no more."""
        beside, self._beside = self._beside, None
        if beside is not None:
            beside.shutdown(wait=True)


def tell(workspace: Workspace, state: str) -> None:
    """Say that this process is used now, to the active host and, with its state, to the store."""
    from metaclaw_jlab.store.activity import Activities

    process = this_process()
    try:
        host = published(workspace.home)
        if host is not None and host.activity_port:
            sender = Sender(host.activity_port, host.secret, process)
            sender.send(BUSY)
            sender.close()
        Activities(workspace.database()).touch(process, None, state)
    except Exception as error:  # the thread's boundary
        logger.debug("The use of this server is not told.", exc_info=error)
