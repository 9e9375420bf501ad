"""Keeps finished exchanges as turns, off the event loop: one thread writes them in the order in which they came."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.core.exchange import Asked, Replied
from metaclaw_jlab.learning.turns import Conversations, End, Placed

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace
    from metaclaw_jlab.store.database import Database
    from metaclaw_jlab.store.trajectories import Trajectories

__all__ = ["Asked", "Recording", "Replied", "open_recording"]

MOST_WAITING = 5000  # exchanges; one more is not kept, and the log says so
SWEEP_SECONDS = 30.0  # how often turns are looked for that nothing is heard of any more

Ended = Callable[["Workspace", tuple[str, ...]], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    workspace: Workspace
    asked: Asked
    replied: Replied
    placed: Placed


@dataclass(frozen=True, slots=True)
class _Over:
    """Turns that ended without an exchange."""

    workspace: Workspace
    ends: tuple[End, ...]


@dataclass(slots=True)
class _Home:
    """A namespace whose turns are kept."""

    workspace: Workspace
    conversations: Conversations = field(default_factory=Conversations)


class Recording:
    """Where the proxy leaves what it has done. `on_ended` is told of turns that came to a good end, on the thread that
    writes, `on_close` how many seconds are left when all is written; `clock` gives seconds since the epoch."""

    def __init__(
        self,
        *,
        on_ended: Ended = lambda _workspace, _ended: None,
        on_close: Callable[[float], None] = lambda _seconds: None,
        clock: Callable[[], float] = time.time,
        limit: int = MOST_WAITING,
    ) -> None:
        self._on_ended, self._on_close, self._clock, self._limit = on_ended, on_close, clock, limit
        self._jobs: queue.SimpleQueue[_Job | _Over | None] = queue.SimpleQueue()
        self._homes: dict[str, _Home] = {}
        self._lock = threading.Lock()  # of the conversations: both threads place and end turns
        self._thread: threading.Thread | None = None
        self._kept: tuple[Database, Trajectories] | None = None
        self._closed = False
        self._lost = 0

    def record(self, workspace: Workspace, asked: Asked, replied: Replied) -> str | None:
        """Keep an exchange in this namespace; the id of its trajectory, None where it is not kept. Returns at once.

        What the headers don't say is told from the conversation itself (see learning.turns).
        """
        if self._closed or self._jobs.qsize() >= self._limit:
            self._lose()
            return None
        with self._lock:
            home = self._home(workspace)
            placed = home.conversations.place(asked, replied)
        self._put(_Job(workspace, asked, replied, placed))
        return placed.trajectory

    def end_session(self, workspace: Workspace, client: str, session: str) -> None:
        """A client says that its session is over, with a request that is not kept: its turns end, and what waits to be
        learnt from is looked at soon. Returns at once."""
        if self._closed:
            return
        with self._lock:
            ends = self._home(workspace).conversations.end_session(client, session)
        self._put(_Over(workspace, ends))

    def _put(self, job: _Job | _Over) -> None:
        self._jobs.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="metaclaw-turns", daemon=True)
            self._thread.start()

    def look(self, workspace: Workspace) -> None:
        """Have what waits in this namespace looked at soon, such as a failure that the user named. Returns at once."""
        self._on_ended(workspace, ())

    def close(self, seconds: float) -> None:
        """Write what waits, for at most so long, and take no more. Turns that go on stay open for the next server."""
        self._closed = True
        until = time.monotonic() + seconds
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join(seconds)
            if self._thread.is_alive():
                _log.warning("%d exchanges could not be written in time.", self._jobs.qsize())
        self._on_close(max(0.0, until - time.monotonic()))

    def _home(self, workspace: Workspace) -> _Home:
        key = str(workspace.home.path)
        found = self._homes.get(key)
        if found is None:
            found = self._homes[key] = _Home(workspace, Conversations(recall=self._recall(key)))
        found.workspace = workspace  # it may have been opened anew
        return found

    def _recall(self, key: str) -> Callable[[Sequence[str], str], str | None]:
        def recall(hashes: Sequence[str], client: str) -> str | None:
            from metaclaw_jlab.store.turns import Turns

            try:
                return Turns(self._homes[key].workspace.database()).session_of(hashes, client)
            except MetaclawError as error:
                _log.warning("The session of a turn could not be looked up: %s", error)
                return None

        return recall

    def _lose(self) -> None:
        self._lost += 1
        if self._lost & (self._lost - 1) == 0:  # 1, 2, 4, 8, ...
            why = "it came after the end" if self._closed else f"{self._limit} wait to be written"
            _log.warning("An exchange is not kept: %s (%d so far).", why, self._lost)

    def _work(self) -> None:
        swept = self._clock()
        while True:
            try:
                job = self._jobs.get(timeout=SWEEP_SECONDS)
            except queue.Empty:
                pass
            else:
                if job is None:
                    return
                if isinstance(job, _Over):
                    self._end(job)
                else:
                    self._keep(job)
            if not 0 <= self._clock() - swept < SWEEP_SECONDS:
                swept = self._clock()
                self.sweep()

    def _keep(self, job: _Job) -> None:
        from metaclaw_jlab.learning.turn_keeping import keep_exchange

        try:
            database = job.workspace.database()
            if self._kept is None or self._kept[0] is not database:
                self._kept = (database, job.workspace.trajectories())
            ended = keep_exchange(database, job.asked, job.replied, job.placed, self._kept[1])
            if ended:
                self._on_ended(job.workspace, ended)
        except MetaclawError as error:
            _log.warning("An exchange of turn %s is not kept: %s", job.placed.trajectory, error)
        except Exception:  # noqa: BLE001 - one exchange must not end the thread
            _log.exception("An exchange of turn %s is not kept.", job.placed.trajectory)

    def _end(self, over: _Over) -> None:
        from metaclaw_jlab.learning.turn_keeping import end_turns

        try:
            end_turns(over.workspace.database(), over.ends)
            self._on_ended(over.workspace, ())
        except MetaclawError as error:
            _log.warning("The turns of a session that is over were not ended: %s", error)
        except Exception:  # noqa: BLE001 - one session must not end the thread
            _log.exception("The turns of a session that is over were not ended.")

    def sweep(self) -> None:
        """End the turns that nothing was heard of for proxy.session_minutes, those of servers before this one too."""
        from metaclaw_jlab.learning.turn_keeping import end_silent, end_turns

        with self._lock:
            homes = tuple(self._homes.values())
        for home in homes:
            try:
                minutes = home.workspace.settings().proxy.session_minutes
                before = self._clock() - 60 * minutes
                with self._lock:
                    ends = home.conversations.silent(before)
                end_turns(home.workspace.database(), ends)
                end_silent(home.workspace.database(), before)
            except MetaclawError as error:
                _log.warning("Turns that are over were not ended: %s", error)
            except Exception:  # noqa: BLE001 - the next look may go better
                _log.exception("Turns that are over were not ended.")


def open_recording() -> Recording:
    """What a server keeps the turns of its proxy with, and learns from them."""
    from metaclaw_jlab.jupyter.server.proxy.turn_learning import TurnLearner

    learner = TurnLearner()
    return Recording(on_ended=lambda workspace, _: learner.look(workspace), on_close=learner.close)
