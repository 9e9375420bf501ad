"""What a kernel tells of itself: that its user runs something, to the host at once and to the store beside."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.runtime.activity_line import BUSY, IDLE, Sender
from metaclaw_jlab.runtime.home import Home, default_path
from metaclaw_jlab.runtime.host import host_file, published
from metaclaw_jlab.runtime.processes import this_process

if TYPE_CHECKING:
    from metaclaw_jlab.store.activity import Activities
    from metaclaw_jlab.store.database import Database

logger = logging.getLogger(__name__)

BREATH_SECONDS = 1.0  # between two writes: cells that run one after the other are one activity
BUSY_SECONDS = 30.0  # a cell that still runs says so again this often
LOOK_SECONDS = 5.0  # how often a host is looked for while the user works


class KernelActivity:
    """Tells the host and the store when this kernel is used. The user's thread sends a datagram and sets a flag; a
    thread of its own finds the host and writes."""

    def __init__(
        self,
        home: Callable[[], Home] = lambda: Home(default_path()),
        *,
        notebook: Callable[[], str | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._home = home
        self._notebook = notebook
        self._clock = clock
        self._process = this_process()
        self._state = IDLE
        self._depth = 0
        self._told = threading.Event()
        self._ended = threading.Event()
        self._sender: Sender | None = None
        self._found: tuple[object, ...] | None = None
        self._looked_at = float("-inf")
        self._activities: Activities | None = None
        self._database: Database | None = None
        self._thread: threading.Thread | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a host that is told at once."""
        return self._sender is not None

    def before_cell(self, _: Any = None) -> None:
        """Something is about to run."""
        self._depth += 1
        self._say(BUSY)

    def after_cell(self, _: Any = None) -> None:
        """Something has run: perhaps a cell within a cell, or the one that loaded the extension."""
        self._depth = max(0, self._depth - 1)
        if not self._depth:
            self._say(IDLE)

    def close(self) -> None:
        """Write what is still to be written, and end the thread."""
        self._ended.set()
        self._told.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _say(self, state: str) -> None:
        self._state = state
        sender = self._sender
        if sender is not None:
            sender.send(state)
        self._told.set()
        if self._thread is None:
            thread = threading.Thread(target=self._follow, name="metaclaw-activity", daemon=True)
            with suppress(RuntimeError):  # the interpreter ends
                thread.start()
                self._thread = thread

    def _follow(self) -> None:
        """The thread: after each sign it writes the state, at most once a breath."""
        try:
            while not self._ended.is_set():
                wait = BUSY_SECONDS if self._state == BUSY else None
                self._told.wait(wait)
                self._told.clear()
                self.write()
                self._ended.wait(BREATH_SECONDS)
            self.write()
        finally:
            self._let_go()

    def write(self) -> None:
        """Tell the store, and a host that was not known yet. A home that is not there, or not writable, is let be."""
        try:
            home = self._home()
            if not home.database.exists():
                self._let_go()
                return
            self._look_for_host(home)
            self._store(home).touch(self._process, self._notebook(), self._state)
        except Exception as error:  # the thread's boundary: the user's work goes on without it
            self._let_go()
            logger.debug("The activity of this kernel is not written.", exc_info=error)

    def _look_for_host(self, home: Home) -> None:
        """Connect to the host that is published now; a new one is told at once."""
        if self._clock() - self._looked_at < LOOK_SECONDS and self._sender is not None:
            return
        self._looked_at = self._clock()
        try:
            status = host_file(home).stat()
            found: tuple[object, ...] | None = (str(home.path), status.st_ino, status.st_mtime_ns)
        except OSError:
            found = None
        if found == self._found and self._sender is not None:
            return
        sender, self._sender, self._found = self._sender, None, found
        if sender is not None:
            sender.close()
        host = published(home)
        if host is not None and host.activity_port:
            connected = Sender(host.activity_port, host.secret, self._process)
            self._sender = (
                connected  # before it is told: what the user does meanwhile is said by the cell itself
            )
            connected.send(self._state)

    def _store(self, home: Home) -> Activities:
        if self._activities is None:
            from metaclaw_jlab.store.activity import Activities
            from metaclaw_jlab.store.database import open_database

            self._database = open_database(home.database)
            self._activities = Activities(self._database)
        return self._activities

    def _let_go(self) -> None:
        sender, self._sender, self._found = self._sender, None, None
        if sender is not None:
            sender.close()
        database, self._database, self._activities = self._database, None, None
        if database is not None:
            database.close()
