"""The train worker as its supervisor sees it: started, listened to, stopped, and found again after a crash."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from metaclaw_jlab.core.errors import WorkerFailed
from metaclaw_jlab.runtime.home import Home, replace_private
from metaclaw_jlab.runtime.processes import boot_id, process_alive, start_ticks
from metaclaw_jlab.runtime.training_folder import TrainingFolder, training_folder, training_folders

MODULE = "metaclaw_jlab.engines.train_worker"
POLL_SECONDS = 0.01
ORPHAN_SECONDS = 5.0
TAIL_CHARS = 2000


class WorkerJob(StrEnum):
    """What a worker is started for."""

    TRAINING = "training"
    TRIALS = "trials"  # attempts of adapters, for a gate


class Ending(StrEnum):
    """How a worker ended. Where it is not DONE, `--resume` goes on from what it left, unless that is pointless."""

    DONE = "done"
    STOPPED = "stopped"  # told to; its checkpoint resumes
    SUPERSEDED = "superseded"  # the skill generation advanced
    DIVERGED = "diverged"  # the loss was no number; the last good adapter is kept
    OUT_OF_MEMORY = "oom"  # even the smallest micro-batch
    FAILED = "failed"  # with a sentence
    KILLED = "killed"  # did not answer, or somebody else ended it


EXIT_CODES: Mapping[Ending, int] = {
    Ending.DONE: 0,
    Ending.FAILED: 1,
    Ending.STOPPED: 3,
    Ending.SUPERSEDED: 4,
    Ending.DIVERGED: 5,
    Ending.OUT_OF_MEMORY: 6,
}


class EventKind(StrEnum):
    """What a worker tells while it works."""

    STARTED = "started"  # pid, job
    PHASE = "phase"  # phase: loading, training, attempts
    RESUMED = "resumed"  # step
    STEP = "step"  # the fields of a StepReport
    MEMORY = "memory"  # micro_batch: halved, because the memory did not hold the last one
    DROPPED = "dropped"  # prompts: how many may no longer be trained on
    TRIALS = "trials"  # done, total
    ENDED = "ended"  # ending, reason, steps_done, adapter, peak_mb


@dataclass(frozen=True, slots=True)
class WorkerEvent:
    """One line of a worker's output."""

    kind: EventKind
    fields: Mapping[str, object] = field(default_factory=dict)


class Worker:
    """A running worker. One thread reads its events; any thread may stop it."""

    def __init__(self, process: subprocess.Popen[bytes], folder: TrainingFolder) -> None:
        self.folder = folder
        self._process = process
        self._last: WorkerEvent | None = None
        self._killed = False
        self._stopping = threading.Lock()

    @property
    def pid(self) -> int:
        """Its process id, and that of its process group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._process.poll() is None

    def events(self) -> Iterator[WorkerEvent]:
        """What it tells, as it comes, to its end."""
        assert self._process.stdout is not None
        if self._process.stdout.closed:
            return
        for line in self._process.stdout:
            if (event := _event(line)) is not None:
                self._last = event if event.kind is EventKind.ENDED else self._last
                yield event

    def stop(self, deadline_seconds: float) -> float:
        """Stop it, and kill it where it has not ended after so long; the seconds that it took.

        It takes its sandboxes with it, however it ends.
        """
        began = time.monotonic()
        with self._stopping:
            _signal(self._process, signal.SIGTERM)
            try:
                self._process.wait(deadline_seconds)
            except subprocess.TimeoutExpired:
                self._killed = True
                _kill_group(self.pid)
                self._process.wait()
        return time.monotonic() - began

    def wait(self) -> WorkerEvent:
        """Read what is left of its events; the last one, made up here where it ended without a word."""
        for _ in self.events():
            pass
        self._process.wait()
        self._tidy()
        if self._last is not None:
            return self._last
        ending, reason = self._silent_end()
        return WorkerEvent(EventKind.ENDED, {"ending": ending.value, "reason": reason})

    def _silent_end(self) -> tuple[Ending, str]:
        code = self._process.returncode
        if self._killed:
            return Ending.KILLED, "The train worker did not stop in time and was killed."
        if code == -signal.SIGTERM:
            return Ending.STOPPED, "Told to stop before it had begun."
        if code < 0:
            return Ending.KILLED, f"The train worker was killed by signal {-code}."
        return Ending.FAILED, self._last_words(code)

    def _last_words(self, code: int) -> str:
        try:
            said = self.folder.log.read_text(encoding="utf-8", errors="replace")[-TAIL_CHARS:].strip()
        except OSError:
            said = ""
        words = said.splitlines()[-1] if said else "It wrote nothing."
        return f"The train worker ended with code {code}. {words} See {self.folder.log}."

    def _tidy(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.folder.worker.unlink(missing_ok=True)
        shutil.rmtree(self.folder.scratch, ignore_errors=True)


def ending_of(event: WorkerEvent) -> tuple[Ending, str]:
    """How the worker ended and why, from its last event."""
    return Ending(str(event.fields.get("ending"))), str(event.fields.get("reason", ""))


def worker_command(home: Home, run: int, job: WorkerJob, *, resume: bool) -> list[str]:
    """The command line of a worker."""
    words = [sys.executable, "-P", "-m", MODULE, "--home", str(home.path)]
    words += ["--run", str(run), "--job", job.value]
    return [*words, "--resume"] if resume else words


def start(
    home: Home,
    run: int,
    *,
    job: WorkerJob = WorkerJob.TRAINING,
    resume: bool = False,
    command: Sequence[str] | None = None,
) -> Worker:
    """Start a worker on what lies in the run's folder. It stops too when this process ends. Raises WorkerFailed."""
    folder = training_folder(home, run)
    words = command or worker_command(home, run, job, resume=resume)
    log = os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )
    except OSError as error:
        raise WorkerFailed(f"The train worker cannot be started ({error}).", "") from error
    finally:
        os.close(log)
    record = {"pid": process.pid, "start_ticks": start_ticks(process.pid), "boot_id": boot_id()}
    replace_private(folder.worker, json.dumps(record))
    return Worker(process, folder)


def tell_to_stop(home: Home) -> None:
    """Tell the worker of this home to stop, beside its supervisor, which spares a detour. Twice told is once told."""
    for folder in training_folders(home):
        if (known := _noted(folder)) is not None:
            with contextlib.suppress(OSError):
                os.kill(known[0], signal.SIGTERM)


def end_orphans(home: Home, *, seconds: float = ORPHAN_SECONDS) -> int:
    """End the workers of this home whose supervisor crashed, by force after so long; how many there were.

    Only for who holds the lease of training: a worker that somebody listens to would be ended too.
    """
    noted = {folder: _noted(folder) for folder in training_folders(home)}
    found = {folder: known for folder, known in noted.items() if known is not None}
    for pid, _ in found.values():
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    for folder, (pid, started) in found.items():
        if not _gone(pid, started, deadline):
            _kill_group(pid)
            _gone(pid, started, time.monotonic() + ORPHAN_SECONDS)
        folder.worker.unlink(missing_ok=True)
        shutil.rmtree(folder.scratch, ignore_errors=True)
    return len(found)


def _gone(pid: int, started: int, deadline: float) -> bool:
    """Wait for the end of a process that is no child of this one; whether it came in time."""
    while process_alive(pid, started=started):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _noted(folder: TrainingFolder) -> tuple[int, int] | None:
    """The pid and start of the worker that a folder names, where it still runs."""
    try:
        record = json.loads(folder.worker.read_text(encoding="utf-8"))
        pid, started = int(record["pid"]), int(record["start_ticks"])
        same_boot = record["boot_id"] == boot_id()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (pid, started) if same_boot and process_alive(pid, started=started) else None


def _event(line: bytes) -> WorkerEvent | None:
    try:
        record = json.loads(line)
        return WorkerEvent(EventKind(record.pop("event")), record)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _signal(process: subprocess.Popen[bytes], sign: signal.Signals) -> None:
    with contextlib.suppress(OSError):
        process.send_signal(sign)


def _kill_group(pid: int) -> None:
    """Kill a process and its group. Its sandboxes have sessions of their own, and die when it is gone."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGTERM)
