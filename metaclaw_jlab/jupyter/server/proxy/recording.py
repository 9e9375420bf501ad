"""Keeps finished exchanges as turns, off the event loop: one thread writes them in the order in which they came."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.core.exchange import Asked, Replied

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace

__all__ = ["Asked", "Recording", "Replied"]

MOST_WAITING = 2000  # exchanges; one more is not kept, and the log says so

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    workspace: Workspace
    trajectory: str
    asked: Asked
    replied: Replied


class Recording:
    """Where the proxy leaves what it has done. `place` says at once which trajectory an exchange belongs to, None where
    it is not kept; `keep` writes it, on a thread of this object's own."""

    def __init__(
        self,
        place: Callable[[Workspace, Asked, Replied], str | None],
        keep: Callable[[Workspace, str, Asked, Replied], None],
        *,
        limit: int = MOST_WAITING,
    ) -> None:
        self._place, self._keep = place, keep
        self._jobs: queue.Queue[_Job | None] = queue.Queue(limit)
        self._thread: threading.Thread | None = None
        self._closed = False

    def record(self, workspace: Workspace, asked: Asked, replied: Replied) -> str | None:
        """Keep an exchange in this namespace; the id of its trajectory, None where it is not kept. Returns at once."""
        if self._closed or self._jobs.full():
            _log.warning(
                "An exchange is not kept: %s.", "it came too late" if self._closed else "too many wait"
            )
            return None
        trajectory = self._place(workspace, asked, replied)
        if trajectory is not None:
            self._jobs.put_nowait(_Job(workspace, trajectory, asked, replied))
            self._start()
        return trajectory

    def close(self, seconds: float) -> None:
        """Write what waits, for at most so long, and take no more."""
        self._closed = True
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join(seconds)
            if self._thread.is_alive():
                _log.warning("%d exchanges could not be written in time.", self._jobs.qsize())

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="metaclaw-turns", daemon=True)
            self._thread.start()

    def _write(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                self._keep(job.workspace, job.trajectory, job.asked, job.replied)
            except MetaclawError as error:
                _log.warning("Exchange of turn %s is not kept: %s", job.trajectory, error)
            except Exception:  # noqa: BLE001
                _log.exception("Exchange of turn %s is not kept.", job.trajectory)
