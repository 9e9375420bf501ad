"""The train worker: `python -m metaclaw_jlab.engines.train_worker --home PATH --run N [--job trials] [--resume]`.

A process of its own, started by a supervisor (runtime.train_worker) on a run's folder. It tells events as JSON lines,
and stops when it is told to: by SIGTERM, by the word `stop`, or by the end of its standard input. Whatever ends it, the
last whole step is on the disk.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import (
    Diverged,
    MemoryTooSmall,
    MetaclawError,
    MissingExtra,
    Superseded,
)
from metaclaw_jlab.engines.stopping import StopFlag, Stopped
from metaclaw_jlab.engines.worker_line import Line
from metaclaw_jlab.runtime.train_worker import Ending, EventKind, WorkerJob

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """The command line."""

    home: Path
    run: int
    job: WorkerJob
    resume: bool


def options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m metaclaw_jlab.engines.train_worker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="home folder")
    parser.add_argument("--run", type=int, required=True, help="number of the training run")
    parser.add_argument("--job", type=WorkerJob, choices=list(WorkerJob), default=WorkerJob.TRAINING)
    parser.add_argument("--resume", action="store_true", help="go on from what an earlier worker left")
    return Options(**vars(parser.parse_args(arguments)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Do one job and end the process; its exit code says how (runtime.train_worker.EXIT_CODES)."""
    chosen = options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    line = Line(_own_output(), StopFlag())
    last_words: dict[str, object] = {}
    line.listen(sys.stdin.fileno(), last_words)
    line.tell(EventKind.STARTED, pid=os.getpid(), job=chosen.job.value)
    ending, reason = Ending.DONE, ""
    try:
        from metaclaw_jlab.engines.work import open_work

        with open_work(chosen.home, chosen.run, line, last_words) as work:
            if chosen.job is WorkerJob.TRIALS:
                from metaclaw_jlab.engines.adapter_trials import attempt_all

                attempt_all(work, resume=chosen.resume)
            else:
                from metaclaw_jlab.engines.training_job import run_training

                run_training(work, resume=chosen.resume)
    except Stopped:
        ending, reason = Ending.STOPPED, "Told to stop."
    except Exception as error:  # noqa: BLE001 - the end of a process: whatever it was is told
        ending, reason = _meaning(error)
    line.end(ending, reason, **last_words, **_peaks())


def _meaning(error: Exception) -> tuple[Ending, str]:
    """What an exception says of the whole job."""
    kinds: dict[type[MetaclawError], Ending] = {
        Superseded: Ending.SUPERSEDED,
        Diverged: Ending.DIVERGED,
        MemoryTooSmall: Ending.OUT_OF_MEMORY,
    }
    if isinstance(error, MetaclawError):
        _log.error("%s", error)
        return kinds.get(type(error), Ending.FAILED), str(error)
    _log.error("the job failed", exc_info=error)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return Ending.OUT_OF_MEMORY, "The memory does not hold this job. Train a smaller model, or free some."
    if isinstance(error, ModuleNotFoundError) and error.name:
        return Ending.FAILED, str(MissingExtra(error.name, "train"))
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    return Ending.FAILED, f"{type(error).__name__}: {said}"


def _own_output() -> int:
    """A descriptor of standard output for events alone; what libraries print goes to the log."""
    sys.stdout.flush()
    own = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return own


def _peaks() -> dict[str, object]:
    """The most memory that this process held, in MB."""
    if sys.platform == "win32":
        return {}
    import resource

    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    peaks: dict[str, object] = {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit}
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        peaks["peak_gpu_mb"] = torch.cuda.max_memory_reserved() >> 20
    return peaks


if __name__ == "__main__":
    main()
