"""A worker: a process that does jobs of a run, and tells each attempt when it is written down.

    python -m metaclaw_jlab.evaluation.ablation.worker --home HOME --run N [--job JSON]

With `--job` it does that one and ends: 0 where it is done. Without, it reads jobs from its standard input, a line each
(`{"job": ...}`), until it is told `{"stop": true}` or the other end closes. Messages are lines on its standard output;
whatever else is printed goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

from metaclaw_jlab.core.ablation import Attempt
from metaclaw_jlab.core.errors import AblationError, MetaclawError
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog
from metaclaw_jlab.evaluation.ablation.jobs import Job, JobKind, Message, MessageKind, job_of
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, open_run
from metaclaw_jlab.evaluation.ablation.snapshot import THREADS, Chosen, Snapshot
from metaclaw_jlab.runtime.home import VARIABLE, open_home
from metaclaw_jlab.runtime.leases import lease

logger = logging.getLogger(__name__)

CHAIN_SECONDS = 300.0  # so long another process may need to let go of a chain
ENDING_SECONDS = 60.0  # for what is under way when its starter is gone

Emit = Callable[[Message], None]


class Worker:
    """Does jobs, several snapshots at once, chains one after the other. `emit` is called from any thread."""

    def __init__(self, run: RunFolder, emit: Emit, *, threads: int = THREADS) -> None:
        self._run = run
        self._emit = emit
        self._stop = threading.Event()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="metaclaw-attempts")
        self._jobs = ThreadPoolExecutor(threads, thread_name_prefix="metaclaw-jobs")
        self._chain = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._lock = threading.Lock()
        self._under_way: list[Future[None]] = []

    def begin(self, job: Job) -> Future[None]:
        """Do a job; what becomes of it is told."""
        future = self._jobs.submit(self._do, job)
        self._under_way = [one for one in self._under_way if not one.done()] + [future]
        return future

    def stop(self) -> None:
        """Begin nothing more; what is under way comes to its end."""
        self._stop.set()

    def stopped(self) -> bool:
        """Whether it is to begin nothing more."""
        return self._stop.is_set() or self._run.wants_stop()

    def finish(self) -> None:
        """Wait for what is under way, and close what is open."""
        wait(self._under_way)
        self._close()

    def abandon(self, seconds: float) -> None:
        """Give up what is under way, for somebody may have begun it anew; a chain has so long to come to a rest."""
        self.stop()
        self._close()
        wait(self._under_way, seconds)

    def _close(self) -> None:
        if self._snapshot is not None:
            self._snapshot.close()
        for pool in (self._jobs, self._threads):
            pool.shutdown(wait=False)

    def _do(self, job: Job) -> None:
        try:
            whole = self._snapshot_job(job) if job.kind is JobKind.SNAPSHOT else self._chain_job(job)
        except MetaclawError as error:
            logger.exception("Job %s cannot be done", job.id)
            self._emit(Message(MessageKind.FAILED, job.id, text=error.cause, next_step=error.next_step))
        except Exception as error:  # the boundary of the process: its starter has to hear of it
            logger.exception("Job %s has broken off", job.id)
            text = f"A worker broke off: {type(error).__name__}: {error}"
            self._emit(Message(MessageKind.FAILED, job.id, text=text, next_step="See the worker's log."))
        else:
            self._emit(Message(MessageKind.DONE if whole else MessageKind.STOPPED, job.id))

    def _snapshot_job(self, job: Job) -> bool:
        """Whether all of it was done."""
        snapshot, log = self._opened(job), AttemptsLog(self._run.jobs / job.id)
        attempts = [
            self._threads.submit(self._attempt, snapshot, job, chosen, log)
            for chosen in snapshot.chosen(job, log)
        ]
        done = [one.result() for one in attempts]  # of all of them, before the job is told to be over
        return all(done)

    def _attempt(self, snapshot: Snapshot, job: Job, chosen: Chosen, log: AttemptsLog) -> bool:
        if self.stopped():
            return False
        self._tell(job, snapshot.attempt(job, chosen, log))
        return True

    def _chain_job(self, job: Job) -> bool:
        from metaclaw_jlab.evaluation.ablation.chain import run_chain

        arm = next((arm for arm in self._run.plan().arms if arm.name == job.arm), None)
        if arm is None:
            raise AblationError(f"Ablation {self._run.number} has no arm {job.arm}.", "See its plan.json.")
        # A worker whose starter was killed may be at its end still, and one home is one chain's.
        name = f"{self._run.lease_name}-{job.id}"
        with (
            self._chain,
            lease(self._run.home, name, wait_seconds=CHAIN_SECONDS, valid_seconds=CHAIN_SECONDS),
        ):
            log = AttemptsLog(self._run.jobs / job.id)
            run_chain(
                self._run,
                arm,
                job.seed,
                log,
                done=log.done(),
                stop=self.stopped,
                on_attempt=partial(self._tell, job),
            )
        return not self.stopped()

    def _opened(self, job: Job) -> Snapshot:
        def note(text: str) -> None:
            self._emit(Message(MessageKind.NOTE, job.id, text=text))

        with self._lock:
            if self._snapshot is None:
                self._snapshot = Snapshot(self._run, note)
            return self._snapshot

    def _tell(self, job: Job, attempt: Attempt) -> None:
        self._emit(Message(MessageKind.ATTEMPT, job.id, attempt))


def serve(worker: Worker, lines: Iterable[str]) -> None:
    """Take jobs from lines, until they end or say so."""
    for line in lines:
        try:
            order: Mapping[str, Any] = json.loads(line)
        except ValueError:
            continue  # cut off by its starter's end
        if order.get("stop"):
            worker.stop()
        elif "job" in order:
            worker.begin(job_of(order["job"]))


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says."""
    arguments = _arguments(words)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    with _messages() as emit:
        try:
            run = open_run(open_home(arguments.home), arguments.run)
            # Whatever home the environment names: no sandbox sees that of the run, nor any copy of it.
            os.environ[VARIABLE] = str(run.home.root)
            job = None if arguments.job is None else job_of(json.loads(arguments.job))
        except (MetaclawError, ValueError) as error:
            sys.stderr.write(f"metaclaw: {error}\n")
            return 2
        failed = threading.Event()

        def tell(message: Message) -> None:
            if message.kind in (MessageKind.FAILED, MessageKind.STOPPED):
                failed.set()
            emit(message)

        worker = Worker(run, tell)
        signal.signal(signal.SIGTERM, lambda *_: worker.stop())
        if job is not None:
            worker.begin(job).result()
            worker.finish()
            return int(failed.is_set())
        serve(worker, sys.stdin)
        worker.abandon(ENDING_SECONDS)
    logging.shutdown()
    os._exit(0)  # whatever thread is at something still


@contextmanager
def _messages() -> Iterator[Emit]:
    """Writes messages to what was standard output; from now on that is standard error."""
    lock = threading.Lock()
    out: IO[str] = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def emit(message: Message) -> None:
        # Where nobody reads them any more the attempts are written down all the same.
        with lock, suppress(OSError, ValueError):
            out.write(json.dumps(message.record(), separators=(",", ":")) + "\n")
            out.flush()

    yield emit


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m metaclaw_jlab.evaluation.ablation.worker", description="Do jobs of an ablation."
    )
    parser.add_argument("--home", type=Path, required=True, help="the home folder that the run lies in")
    parser.add_argument("--run", type=int, required=True, metavar="N", help="the number of the run")
    parser.add_argument("--job", metavar="JSON", help='such as {"kind": "chain", "arm": "full", "seed": 1}')
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
