"""A run whose adapter is gated, and interruptions of its gate."""

import json
from typing import Any

import pytest

from metaclaw_jlab.core.training import RunState, TrainingRun
from metaclaw_jlab.learning.adapters import candidate_folder
from metaclaw_jlab.runtime.train_worker import WorkerJob
from metaclaw_jlab.runtime.training_folder import Job, TrainingFolder, write_job
from metaclaw_jlab.store.training import Training
from tests.learning.slow_homes import Script, Slow
from tests.learning.trained import candidate


class Killed(BaseException):
    """The process ends here."""


def trained(slow: Slow, base_sha256: str = "b" * 64) -> tuple[TrainingRun, TrainingFolder]:
    """A run whose adapter lies where candidates do, and its folder."""
    database = slow.ground.database
    training = Training(database)
    run = training.begin(skill_generation=0, base="tiny", base_sha256=base_sha256, seed=1, steps=1)
    training.change(run.number, RunState.TRAINING, "It trains.")
    made = candidate(slow.ground.home, database)
    name(slow, made.version, base_sha256)
    folder = slow.folder(run.number)
    write_job(folder, Job({"max_tokens": 8, "max_steps": 2}))
    return training.change(run.number, RunState.GATING, "It is gated.", adapter=made.version), folder


def name(slow: Slow, version: int, base_sha256: str = "b" * 64) -> None:
    """Say on the card of a candidate which base it is for."""
    card = candidate_folder(slow.ground.home, version) / "metaclaw.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"base_sha256": base_sha256}))


def work(folder: TrainingFolder, script: Script) -> Any:
    """What has a worker make the attempts."""

    def do(job: WorkerJob) -> None:
        assert job is WorkerJob.TRIALS
        for _ in script(folder):
            pass

    return do


def killed_after(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
    """The process ends right after the next call of this."""
    real = getattr(owner, name)

    def once(*arguments: object, **named: object) -> object:
        monkeypatch.setattr(owner, name, real)
        real(*arguments, **named)
        raise Killed

    monkeypatch.setattr(owner, name, once)
