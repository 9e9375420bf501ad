"""The folder of a training run: what its worker is given, and what it leaves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType

from metaclaw_jlab.core.errors import WorkerFailed
from metaclaw_jlab.runtime.home import Home, replace_private


@dataclass(frozen=True, slots=True)
class TrainingFolder:
    """A run's folder and where things lie in it."""

    path: Path

    @property
    def job(self) -> Path:
        """What to train (see Job)."""
        return self.path / "job.json"

    @property
    def query(self) -> Path:
        """The drained prompts, as store.prompts writes them."""
        return self.path / "query.jsonl"

    @property
    def replay(self) -> Path:
        """The prompts of the replay set."""
        return self.path / "replay.jsonl"

    @property
    def checkpoints(self) -> Path:
        """The last whole steps."""
        return self.path / "checkpoints"

    @property
    def adapter(self) -> Path:
        """The trained adapter, in PEFT's format."""
        return self.path / "adapter"

    @property
    def trials(self) -> Path:
        """What the gate asks for and gets (see runtime.trials)."""
        return self.path / "trials"

    @property
    def scratch(self) -> Path:
        """Temporary files of the worker that runs; nobody else's."""
        return self.path / "scratch"

    @property
    def worker(self) -> Path:
        """Which process works on it."""
        return self.path / "worker.json"

    @property
    def log(self) -> Path:
        """What the workers said, one after the other."""
        return self.path / "worker.log"


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is told. `plan` are the fields of a GrpoPlan; `sandbox` the arguments of a SandboxPool, `workers`
    its warm processes; `unattended` lets model-written code run where nothing isolates it; `niceness` is by how much it
    steps back behind its starter. `judge` are the fields of JudgeSettings where a judge decides on tasks without
    checks, and under `secret_names` the environment variables whose values it must not see; a key is in none of them.
    `note` is what is to be said of the run beside its outcome."""

    plan: Mapping[str, object]
    sandbox: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    workers: int = 2
    unattended: bool = False
    niceness: int = 10
    judge: Mapping[str, object] | None = None
    note: str = ""


def training_folder(home: Home, run: int) -> TrainingFolder:
    """The folder of a run, made where it is missing."""
    path = home.runtime / "training" / str(run)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return TrainingFolder(path)


def training_folders(home: Home) -> tuple[TrainingFolder, ...]:
    """The folders of all runs that have one, by number."""
    found = [path for path in (home.runtime / "training").glob("*") if path.name.isdecimal()]
    return tuple(TrainingFolder(path) for path in sorted(found, key=lambda path: int(path.name)))


def write_job(folder: TrainingFolder, job: Job) -> None:
    """Leave a job for the worker."""
    record = {one.name: getattr(job, one.name) for one in fields(job)} | {
        "plan": dict(job.plan),
        "sandbox": dict(job.sandbox),
    }
    replace_private(folder.job, json.dumps(record, indent=1))


def read_job(folder: TrainingFolder) -> Job:
    """The job of a run. Raises WorkerFailed."""
    try:
        return Job(**json.loads(folder.job.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise WorkerFailed(
            f"{folder.job} cannot be read ({error}).", "Start the training again: metaclaw train --now."
        ) from error
