"""Adapters, gates and training runs in a real home, without any training."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from metaclaw_jlab.core.adapter import Adapter
from metaclaw_jlab.core.estimate import Interval
from metaclaw_jlab.core.gate import Comparison, GateReport, Verdict
from metaclaw_jlab.core.training import RunState, StepReport, TrainingRun
from metaclaw_jlab.learning.adapters import WEIGHTS, candidate_folder
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.gates import Gates
from metaclaw_jlab.store.training import Training

BASE = "metaclaw-practice-1m"


def write_adapter(folder: Path, version: int, weights: bytes = b"weights") -> str:
    """The files of an adapter; the checksum of its weights."""
    folder.mkdir(parents=True)
    sha256 = hashlib.sha256(weights).hexdigest()
    (folder / WEIGHTS).write_bytes(weights)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "metaclaw.json").write_text(json.dumps({"version": version, "base": BASE, "sha256": sha256}))
    return sha256


def candidate(home: Home, database: Database, *, base: str = BASE) -> Adapter:
    """The next candidate, with its files."""
    weights = b"weights" * 20
    made = Adapters(database).add(base, hashlib.sha256(weights).hexdigest(), 0, "Trained; not gated yet.")
    write_adapter(candidate_folder(home, made.version), made.version, weights)
    return made


def compared(name: str = "gain", passed: bool = True, difference: float = 0.15) -> Comparison:
    """What a comparison of 120 tasks gave."""
    interval = Interval(difference, difference - 0.1, difference + 0.1)
    return Comparison(name, 120, 0.75, 0.75 - difference, interval, passed, f"The sentence of {name}.")


def verdict(found: Verdict = Verdict.PROMOTE, *, missing: int = 0) -> GateReport:
    """What a gate says."""
    comparisons = (compared("gain", found is Verdict.PROMOTE), compared("regression/base/T=0", True, 0.0))
    return GateReport(found, f"The reason to {found.value}.", comparisons, look=1, missing=missing)


def gated(home: Home, database: Database, found: Verdict = Verdict.PROMOTE) -> Adapter:
    """The next candidate, and what its gate said; nothing is decided."""
    made = candidate(home, database)
    Gates(database).record(made.version, verdict(found))
    return made


def step(number: int, **changes: float) -> StepReport:
    """What a step saw."""
    fields = {"reward": 0.1 * number, "loss": 0.5, "kl": 0.01, "entropy": 1.2, "completion_tokens": 40.0}
    counts = {"groups": 8, "equal_groups": 2, "unscored": 1, "mismatched": 1}
    return StepReport(number, **{**fields, **counts, "tokens_per_second": 900.0, "seconds": 2.0, **changes})  # type: ignore[arg-type]


def begun(database: Database, *, steps: int = 10, done: int = 0, base: str = BASE) -> TrainingRun:
    """A run that trains, `done` steps of it reported."""
    training = Training(database)
    run = training.begin(skill_generation=0, base=base, base_sha256="b" * 64, seed=1, steps=steps)
    run = training.change(run.number, RunState.TRAINING, "The policy practises its query set.", prompts=12)
    for number in range(1, done + 1):
        training.report(run.number, step(number))
        run = training.change(run.number, RunState.TRAINING, "", steps_done=number)
    return run


def finished(home: Home, database: Database, found: Verdict = Verdict.PROMOTE) -> TrainingRun:
    """A run of three steps that is over, its adapter gated."""
    run = begun(database, steps=3, done=3)
    made = candidate(home, database)
    training = Training(database)
    training.change(run.number, RunState.GATING, "Its adapter is compared.", adapter=made.version)
    Gates(database).record(made.version, verdict(found))
    return training.change(run.number, RunState.DONE, f"The reason to {found.value}.")


def damage(path: Path) -> None:
    """Cut a file off in the middle."""
    with suppress(FileNotFoundError):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
