"""The process that conducts a training: started beside the user, found, and stopped so that it can be resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from metaclaw_jlab.core.errors import LeaseHeld, TrainingError
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.leases import Holder, held_by
from metaclaw_jlab.runtime.processes import boot_id, host_name

LEASE = "training"
MODULE = "metaclaw_jlab.cli.main"
POLL_SECONDS = 0.05
START_SECONDS = 60.0
TAIL_CHARS = 4000
ATTACHED = "--attached"


def log_file(home: Home) -> Path:
    """What a training beside the user says, from its last start on."""
    return home.runtime / "training.log"


def conductor(home: Home) -> Holder | None:
    """Who conducts a training of this home now."""
    return held_by(home, LEASE)


def start(
    home: Home,
    words: Sequence[str] = ("--now",),
    *,
    command: Sequence[str] | None = None,
    start_seconds: float = START_SECONDS,
    attached: bool = False,
    on_process: Callable[[subprocess.Popen[bytes]], None] = lambda _: None,
) -> subprocess.Popen[bytes]:
    """Start `metaclaw train` with these words beside the caller, in a session of its own, and wait until it conducts.

    An `attached` one ends with this process: it watches the pipe that is its standard input. `on_process` is called as
    soon as there is a process. It may have ended already when this returns. Raises LeaseHeld where a training runs, and
    TrainingError with what it said where it did not come up; an exception meanwhile, Ctrl-C too, stops what began.
    """
    if (other := conductor(home)) is not None:
        raise LeaseHeld(f"A training runs already (process {other.pid}).", "See: metaclaw train status.")
    home.runtime.mkdir(mode=0o700, exist_ok=True)
    log = os.open(log_file(home), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            [*(command or train_command(home)), *words, *([ATTACHED] if attached else [])],
            stdin=subprocess.PIPE if attached else subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    except OSError as error:
        raise TrainingError(f"The training cannot be started ({error}).", "See: metaclaw doctor.") from error
    finally:
        os.close(log)
    # Whoever started it has to collect it when it ends, long after this call.
    threading.Thread(target=process.wait, name="metaclaw-training-end", daemon=True).start()
    try:
        on_process(process)
        _await(home, process, time.monotonic() + start_seconds)
    except BaseException:
        process.terminate()
        raise
    return process


def stop(
    home: Home,
    seconds: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Holder | None:
    """Stop the training that runs, wait until it has, and give who conducted it; None where none runs.

    Raises TrainingError where another host conducts it, or it has not stopped after `seconds`.
    """
    found = conductor(home)
    if found is None:
        return None
    if found.host != host_name() and found.boot_id != boot_id():
        raise TrainingError(f"The training runs on {found.host}.", "Stop it there: metaclaw train stop.")
    try:
        os.kill(found.pid, signal.SIGTERM)
    except ProcessLookupError:
        return found
    except PermissionError as error:
        raise TrainingError(
            f"Process {found.pid} belongs to another user.", "Have it stopped there."
        ) from error
    deadline = clock() + seconds
    while (now := conductor(home)) is not None and now.pid == found.pid:
        if clock() >= deadline:
            raise TrainingError(
                f"Process {found.pid} has not stopped within {seconds:g} s.",
                f"What it does is in {log_file(home)}.",
            )
        sleep(POLL_SECONDS)
    return found


def stop_with_starter() -> None:
    """Called in an attached training: once nobody holds the other end of its standard input, it is told to stop."""

    def follow() -> None:
        with suppress(OSError, ValueError):
            while os.read(sys.stdin.fileno(), 1024):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, name="metaclaw-starter", daemon=True).start()


def train_command(home: Home) -> list[str]:
    """The command line of `metaclaw train` on this home, without what it shall do."""
    return [sys.executable, "-P", "-m", MODULE, "--home", str(home.path), "train"]


def last_words(home: Home) -> str:
    """The last line that a training beside the user said; "" where it said nothing."""
    try:
        said = log_file(home).read_text(encoding="utf-8", errors="replace")[-TAIL_CHARS:].strip()
    except OSError:
        return ""
    return said.splitlines()[-1].removeprefix("metaclaw: ") if said else ""


def _await(home: Home, process: subprocess.Popen[bytes], deadline: float) -> None:
    while process.poll() is None:
        found = conductor(home)
        if found is not None and found.pid == process.pid:
            return
        if time.monotonic() > deadline:
            raise TrainingError("The training did not come up.", f"What it says is in {log_file(home)}.")
        time.sleep(POLL_SECONDS)
    if process.returncode != 0:
        raise TrainingError(last_words(home) or f"The training ended with code {process.returncode}.")
