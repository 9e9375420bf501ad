"""Who does the jobs of a run: processes of this machine, or whatever else takes jobs and tells what came of them."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.evaluation.ablation.jobs import Job, JobKind, Message, MessageKind, message_of
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
from metaclaw_jlab.runtime.home import VARIABLE

MODULE = "metaclaw_jlab.evaluation.ablation.worker"
AHEAD = 2  # snapshots given to a process at once, so that it never waits for the next one
TRIES = 2
STOP_SECONDS = 30.0  # for attempts that are under way
END_SECONDS = 10.0
TAIL_LINES = 8
_OVER = frozenset({MessageKind.DONE, MessageKind.STOPPED, MessageKind.FAILED})


class Workers(Protocol):
    """Does jobs, in about the order in which they are given. A cluster implements it with the one-shot command of
    `worker`, on a folder that it shares with its coordinator."""

    def submit(self, job: Job) -> None:
        """Have a job done some time. Raises AblationError."""

    def messages(self, seconds: float) -> Iterator[Message]:
        """What has come; waits so long at most for the first. Raises AblationError where a job cannot be done."""

    def stop(self) -> None:
        """Begin nothing more. What is under way ends soon; all jobs that are not over are told to be."""

    def close(self) -> None:
        """End all of them at once."""


@dataclass
class _Hand:
    """A worker process and what it is at."""

    number: int
    process: subprocess.Popen[str]
    log: Path
    jobs: dict[str, Job] = field(default_factory=dict)

    def tell(self, order: object) -> None:
        """Give it a line; one that is gone is noticed by its reader."""
        assert self.process.stdin is not None
        with suppress(OSError, ValueError):
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()


class LocalWorkers:
    """Worker processes of this machine, which end with this one. Used from one thread; implements Workers."""

    def __init__(self, run: RunFolder, parallel: int, *, command: Sequence[str] | None = None) -> None:
        self._run = run
        self._parallel = parallel
        self._command = list(command or worker_command(run))
        self._waiting: deque[Job] = deque()
        self._dropped: deque[Job] = deque()  # never begun, or never to be done again
        self._hands: list[_Hand] = []
        self._tries: dict[str, int] = {}
        self._inbox: queue.SimpleQueue[tuple[_Hand, Message | None]] = queue.SimpleQueue()
        self._stopping = False
        self._started = 0

    def submit(self, job: Job) -> None:
        """Have a job done some time. Raises AblationError."""
        self._waiting.append(job)
        self._feed()

    def messages(self, seconds: float) -> Iterator[Message]:
        """What has come; waits so long at most for the first. Raises AblationError where a process died at one job
        twice."""
        if self._dropped:
            seconds = 0.0
        while self._dropped:
            yield Message(MessageKind.STOPPED, self._dropped.popleft().id)
        with suppress(queue.Empty):
            hand, message = self._inbox.get(timeout=seconds)
            while True:
                if message is None:
                    self._bury(hand)
                else:
                    if message.kind in _OVER:
                        hand.jobs.pop(message.job, None)
                        self._feed()
                    yield message
                hand, message = self._inbox.get_nowait()

    def stop(self) -> None:
        """Begin nothing more. What is under way ends soon; all jobs that are not over are told to be."""
        self._stopping = True
        self._dropped.extend(self._waiting)
        self._waiting.clear()
        for hand in self._hands:
            hand.tell({"stop": True})

    def close(self) -> None:
        """End all of them at once."""
        self._stopping = True
        for hand in self._hands:
            assert hand.process.stdin is not None
            with suppress(OSError):
                hand.process.stdin.close()
        deadline = time.monotonic() + END_SECONDS
        for hand in self._hands:
            _end(hand.process, deadline)
        self._hands.clear()

    def _feed(self) -> None:
        """Give jobs to whoever has the least to do; a chain only to one that does nothing else."""
        while self._waiting and not self._stopping:
            job = self._waiting[0]
            hand = self._free(job)
            if hand is None:
                return
            self._waiting.popleft()
            hand.jobs[job.id] = job
            hand.tell({"job": job.record()})

    def _free(self, job: Job) -> _Hand | None:
        least = min(self._hands, key=lambda hand: len(hand.jobs), default=None)
        if (least is None or least.jobs) and len(self._hands) < self._parallel:
            least = self._hired()
        if least is None:
            return None
        chained = any(one.kind is JobKind.CHAIN for one in least.jobs.values())
        room = 1 if chained or job.kind is JobKind.CHAIN else AHEAD
        return least if len(least.jobs) < room else None

    def _hired(self) -> _Hand:
        number = self._started
        self._started += 1
        log = self._run.path / f"worker-{number % self._parallel}.log"
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=descriptor,
                text=True,
                encoding="utf-8",
                env={**os.environ, VARIABLE: str(self._run.home.root)},
                start_new_session=True,  # Ctrl-C is its coordinator's to understand
            )
        except OSError as error:
            raise AblationError(
                f"A worker cannot be started ({error}).", "Free some memory, or use --parallel 1."
            ) from error
        finally:
            os.close(descriptor)
        hand = _Hand(number, process, log)
        self._hands.append(hand)
        assert process.stdout is not None
        reader = threading.Thread(
            target=self._listen, args=(hand, process.stdout), name=f"metaclaw-worker-{number}", daemon=True
        )
        reader.start()
        return hand

    def _listen(self, hand: _Hand, lines: IO[str]) -> None:
        with suppress(OSError, ValueError):
            for line in lines:
                with suppress(ValueError, KeyError, TypeError):
                    self._inbox.put((hand, message_of(json.loads(line))))
        self._inbox.put((hand, None))

    def _bury(self, hand: _Hand) -> None:
        """A process has ended: another one takes over what it was at, once."""
        if hand not in self._hands:
            return
        self._hands.remove(hand)
        code = hand.process.wait()
        if self._stopping:
            self._dropped.extend(hand.jobs.values())
            return
        for job in reversed(hand.jobs.values()):
            self._tries[job.id] = self._tries.get(job.id, 1) + 1
            if self._tries[job.id] > TRIES:
                raise AblationError(
                    f"Worker processes ended twice at job {job.id}, at last with code {code}. {_tail(hand.log)}",
                    f"Its log is {hand.log}. What was done is kept: resume it.",
                )
            self._waiting.appendleft(job)
        self._feed()


def worker_command(run: RunFolder) -> list[str]:
    """The command line of a worker of this run."""
    return [sys.executable, "-m", MODULE, "--home", str(run.home.path), "--run", str(run.number)]


def _end(process: subprocess.Popen[str], deadline: float) -> None:
    for end in (process.terminate, process.kill):
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
            break
        except subprocess.TimeoutExpired:
            end()
    process.wait()
    if process.stdout is not None:
        with suppress(OSError, ValueError):
            process.stdout.close()


def _tail(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    said = [line for line in lines if line.strip()][-TAIL_LINES:]
    return "It said: " + " / ".join(said) if said else "It said nothing."


__all__ = ["LocalWorkers", "Workers", "worker_command"]
