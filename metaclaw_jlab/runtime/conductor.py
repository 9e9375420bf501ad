"""Trainings of a window: begun beside the host, stopped at once when its user comes back, ended with the host."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from metaclaw_jlab.core.errors import LeaseHeld, MetaclawError
from metaclaw_jlab.core.schedule import Conducting
from metaclaw_jlab.runtime import training_process
from metaclaw_jlab.runtime.home import Home, replace_private
from metaclaw_jlab.runtime.leases import Holder, lease
from metaclaw_jlab.runtime.processes import boot_id, host_name, process_alive, start_ticks
from metaclaw_jlab.runtime.train_worker import end_orphans, tell_to_stop

MARGIN_SECONDS = 3.0  # beyond the worker's own deadline, for whoever conducts it to say how it ended
POLL_SECONDS = 0.02
STOPPED_CODES = frozenset({130, -signal.SIGTERM, -signal.SIGINT})  # `metaclaw train` that was told to stop


@dataclass(slots=True)
class _Started:
    """A training of the window's, from the call on. `process` is None until there is one."""

    since: float
    process: subprocess.Popen[bytes] | None = None
    called_off: bool = False
    ended: threading.Event = field(default_factory=threading.Event)


class TrainingConductor:
    """Implements core.schedule.Conductor: a process a training, followed by a thread of its own.

    `run_of` gives the run that is under way and whether its gate is; `stop_seconds` how long a worker may take to stop;
    `on_end` is called in that thread when a training of the window's is gone.
    """

    def __init__(
        self,
        home: Home,
        *,
        stop_seconds: Callable[[], float],
        run_of: Callable[[], tuple[int | None, bool]],
        command: Sequence[str] | None = None,
        clock: Callable[[], float] = time.time,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._home = home
        self._stop_seconds = stop_seconds
        self._run_of = run_of
        self._command = command
        self._clock = clock
        self._on_end = on_end
        self._guard = threading.Lock()
        self._started: _Started | None = None
        self._failure: str | None = None
        self._stopping: set[int] = set()

    def start(self, *, resume: bool) -> None:
        """Begin a training, or take up the one that is not over; nothing where one of the window's is under way."""
        with self._guard:
            if self._started is not None and not self._started.ended.is_set():
                return
            self._failure = None
            self._started = started = _Started(self._clock())
        words = ("resume",) if resume else ("--now",)
        threading.Thread(
            target=self._conduct, args=(started, words), name="metaclaw-conductor", daemon=True
        ).start()

    def stop(self) -> None:
        """Tell whoever trains to stop; one that does not in time is killed."""
        with self._guard:
            started = self._started
            if started is not None and not started.ended.is_set():
                started.called_off = True
                if started.process is not None:
                    self._tell(started.process.pid)
                return
        found = training_process.conductor(self._home)
        if found is not None and _here(found):
            self._tell(found.pid)

    def conducting(self) -> Conducting | None:
        """Who trains now."""
        with self._guard:
            started = self._started
            mine = started if started is not None and not started.ended.is_set() else None
            process = mine.process if mine is not None else None
        if mine is not None:
            run, gating = self._run_of() if process is not None else (None, False)
            return Conducting(True, process.pid if process is not None else 0, mine.since, run, gating)
        found = training_process.conductor(self._home)
        if found is None:
            return None
        run, gating = self._run_of()
        return Conducting(False, found.pid, found.since, run, gating)

    def failure(self) -> str | None:
        """Why the last training of the window's came to nothing."""
        return self._failure

    def close(self, seconds: float) -> None:
        """Stop the window's training, and wait at most so long until it is gone; then it is killed."""
        with self._guard:
            started = self._started
        if started is None or started.ended.is_set():
            return
        self.stop()
        if not started.ended.wait(seconds) and started.process is not None:
            _kill(started.process.pid)
            self._clear_up()

    def _conduct(self, started: _Started, words: Sequence[str]) -> None:
        """The thread: from the start of a process to its end, its worker's included."""
        try:
            process = training_process.start(
                self._home,
                words,
                command=self._command,
                attached=True,
                on_process=lambda process: self._came_up(started, process),
            )
            code = process.wait()
            self._follow_end(started, code)
        except LeaseHeld:
            pass  # somebody was faster: theirs is the training now
        except (MetaclawError, OSError) as error:
            if not started.called_off:
                self._failure = str(error)
        finally:
            self._end(started)

    def _came_up(self, started: _Started, process: subprocess.Popen[bytes]) -> None:
        record = {"pid": process.pid, "start_ticks": start_ticks(process.pid), "boot_id": boot_id()}
        replace_private(note_file(self._home), json.dumps(record))
        with self._guard:
            started.process = process
            if started.called_off:
                self._tell(process.pid)

    def _follow_end(self, started: _Started, code: int) -> None:
        if code < 0:
            self._clear_up()  # it could not see to its worker itself
        if code == 0 or started.called_off or code in STOPPED_CODES:
            return
        said = training_process.last_words(self._home)
        self._failure = said or f"The training ended with code {code}."

    def _end(self, started: _Started) -> None:
        process = started.process
        if process is not None and process.poll() is None:  # it never came up
            self._tell(process.pid)
            process.wait()
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        with contextlib.suppress(OSError):
            note_file(self._home).unlink(missing_ok=True)
        with self._guard:
            started.ended.set()
        self._on_end()

    def _tell(self, pid: int) -> None:
        """Send the signal, once, and see beside that it is obeyed."""
        if pid in self._stopping:
            return
        self._stopping.add(pid)
        started = start_ticks(pid)
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGTERM)
        tell_to_stop(self._home)
        threading.Thread(
            target=self._insist, args=(pid, started), name="metaclaw-insist", daemon=True
        ).start()

    def _insist(self, pid: int, started: int) -> None:
        try:
            if not _gone(pid, started, self._stop_seconds() + MARGIN_SECONDS):
                _kill(pid)
                _gone(pid, started, MARGIN_SECONDS)
                self._clear_up()
        finally:
            self._stopping.discard(pid)

    def _clear_up(self) -> None:
        """End a worker whose conductor is gone. Where somebody conducts by now, that one has seen to it."""
        if not self._home.runtime.exists():
            return  # a home that was deleted is not made again by a lease
        with contextlib.suppress(MetaclawError, OSError), lease(self._home, training_process.LEASE):
            end_orphans(self._home)


def note_file(home: Home) -> Path:
    """Which process conducts for a window."""
    return home.runtime / "window.json"


def end_left_over(home: Home, *, seconds: float = 15.0) -> bool:
    """End the training that a crashed host has left, by force after so long; whether there was one.

    Only for who holds the lease of the host.
    """
    try:
        record = json.loads(note_file(home).read_text(encoding="utf-8"))
        pid, started = int(record["pid"]), int(record["start_ticks"])
        same_boot = record["boot_id"] == boot_id()
    except (OSError, ValueError, KeyError, TypeError):
        return False
    found = same_boot and process_alive(pid, started=started)
    if found:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGTERM)
        if not _gone(pid, started, seconds):
            _kill(pid)
            _gone(pid, started, MARGIN_SECONDS)
    with contextlib.suppress(MetaclawError, OSError), lease(home, training_process.LEASE):
        end_orphans(home)
    note_file(home).unlink(missing_ok=True)
    return found


def _here(found: Holder) -> bool:
    return found.host == host_name() or found.boot_id == boot_id()


def _gone(pid: int, started: int, seconds: float) -> bool:
    """Wait for the end of a process; whether it came in time."""
    deadline = time.monotonic() + seconds
    while process_alive(pid, started=started):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _kill(pid: int) -> None:
    """Kill a process that has a session of its own, with all that is in it."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGTERM)
