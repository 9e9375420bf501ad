"""What a job of the train worker has to work with: its folder, the store, sandboxes, and the line to its supervisor."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metaclaw_jlab.agent.rooms import SandboxRooms
from metaclaw_jlab.core.errors import TrainingError
from metaclaw_jlab.core.start_state import Rooms
from metaclaw_jlab.engines.worker_line import Line
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.training_folder import Job, TrainingFolder, read_job, training_folder
from metaclaw_jlab.store.database import Database, open_database


@dataclass
class Work:
    """What a job needs: its folder, the store, the line to the supervisor. `last_words` go with the last event."""

    home: Home
    run: int
    folder: TrainingFolder
    job: Job
    line: Line
    database: Database
    last_words: dict[str, object] = field(default_factory=dict)


@contextmanager
def open_work(path: Path, run: int, line: Line, last_words: dict[str, object]) -> Iterator[Work]:
    """Take up a run's job: after everybody else at the processor and the disk. Raises MetaclawError."""
    home = open_home(path)
    folder = training_folder(home, run)
    job = read_job(folder)
    _step_back(job.niceness)
    shutil.rmtree(folder.scratch, ignore_errors=True)
    folder.scratch.mkdir(mode=0o700)
    tempfile.tempdir = str(folder.scratch)  # what is left there by a sudden end is found and removed
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # a resumed training repeats itself
    with closing(open_database(home.database)) as database:
        yield Work(home, run, folder, job, line, database, last_words)


def _step_back(niceness: int) -> None:
    """Let everybody else go first, at the processor and at the disk."""
    if hasattr(os, "nice"):
        os.nice(niceness)
    with suppress(OSError):  # Linux shares the processor out among sessions first, and this is one of its own
        Path("/proc/self/autogroup").write_text(str(niceness))
    import psutil

    with suppress(psutil.Error, AttributeError, OSError, ValueError):
        psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)


@contextmanager
def rooms_of(work: Work) -> Iterator[Rooms]:
    """The job's own sandboxes. Raises TrainingError where they are not isolated and the user has not accepted that."""
    arguments: dict[str, Any] = dict(work.job.sandbox)
    pool = SandboxPool(work.job.workers, hidden=(work.home.root,), **arguments)
    try:
        rooms = SandboxRooms(pool)
        if not (rooms.isolated() or work.job.unattended):
            raise TrainingError(
                "Nothing isolates model-written code on this machine, so none runs unattended.",
                "Install bubblewrap, or accept it: metaclaw config set sandbox.unattended true.",
            )
        yield rooms
    finally:
        if not work.line.flag.is_set():  # else they end with this process; closing them would take its time
            pool.close()
