"""One process of the pipeline, with a time limit; whoever leaves, takes its whole process group with them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from metaclaw_jlab.core.errors import ResearchError

LOOK_SECONDS = 2.0
GRACE_SECONDS = 15.0  # on a first word it finishes its stage, which may take hours


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended. `code` is None where its time was over."""

    code: int | None
    seconds: float


def words_of(program: Sequence[str], config: Path, output: Path, *, resume: bool) -> tuple[str, ...]:
    """The command line of a run without a person at its gates."""
    words = (*program, "run", "--config", str(config), "--output", str(output), "--auto-approve")
    return (*words, "--resume") if resume else words


def run_process(
    words: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    *,
    seconds: float,
    look: Callable[[], None],
    look_seconds: float = LOOK_SECONDS,
) -> Ended:
    """Run it to its end, or for so many seconds; `look` is called every now and then, and once after. What it prints is
    added to the log. Raises ResearchError where it cannot be started."""
    began = time.monotonic()
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(
                words,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            raise ResearchError(
                f"{words[0]} cannot be started ({error.strerror}).", "Name its command: --command"
            ) from error
        try:
            code = _followed(process, began + seconds, look, look_seconds)
        finally:
            _stop(process)
    look()
    return Ended(code, time.monotonic() - began)


def _followed(
    process: subprocess.Popen[bytes], until: float, look: Callable[[], None], look_seconds: float
) -> int | None:
    while (left := until - time.monotonic()) > 0:
        try:
            return process.wait(min(look_seconds, left))
        except subprocess.TimeoutExpired:
            look()
    return None


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and those that it began, also where it has ended before them."""
    try:
        if process.poll() is None:
            _signal(process, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)
    finally:
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
