"""What a gate asks of a train worker, attempts of adapters on prompts, and what came of them, as files of a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import WorkerFailed
from metaclaw_jlab.runtime.home import replace_private
from metaclaw_jlab.runtime.training_folder import TrainingFolder

_PLAN = "plan.json"
_WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True, slots=True)
class Suite:
    """Prompts (in `suite_file`) that some arms attempt at each temperature, `repeats` times where that is above 0."""

    name: str
    arms: tuple[str, ...]
    temperatures: tuple[float, ...]
    repeats: int = 1


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """Who attempts what. `arms` are adapter folders by name, None being the base without adapter; `model` is the base.

    Arms with one folder share their attempts. All arms draw the same random numbers (`seed`), so that their attempts at
    one prompt are pairs. The divergence from the base is computed for `kl_completions` of each arm, suite and
    temperature. `prompting` is the policy's, as JSON values (core.prompting).
    """

    model: str
    arms: Mapping[str, str | None]
    suites: tuple[Suite, ...]
    seed: int
    max_tokens: int
    max_steps: int
    kl_completions: int = 64
    prompting: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt: `score` in [0, 1], None where it could not be scored (`reason` says why); `strict`
    whether everything was right; tokens of all its completions; `kl` to the base in nats a token, None where it was
    not computed; `steps` its completions."""

    suite: str
    arm: str
    task: str
    temperature: float
    repeat: int
    score: float | None
    strict: bool
    tokens: int
    steps: int = 1
    kl: float | None = None
    reason: str = ""


def suite_file(folder: TrainingFolder, suite: str) -> Path:
    """Where the prompts of a suite lie, as store.prompts writes them; their steps are all the first of a task."""
    folder.trials.mkdir(mode=0o700, exist_ok=True)
    return folder.trials / f"{suite}.jsonl"


def write_plan(folder: TrainingFolder, plan: TrialPlan) -> None:
    """Leave a plan for the worker, beside the prompts of its suites."""
    folder.trials.mkdir(mode=0o700, exist_ok=True)
    replace_private(folder.trials / _PLAN, json.dumps(asdict(plan) | {"arms": dict(plan.arms)}, indent=1))


def read_plan(folder: TrainingFolder) -> TrialPlan:
    """Inverse of write_plan. Raises WorkerFailed."""
    try:
        record = json.loads((folder.trials / _PLAN).read_text(encoding="utf-8"))
        suites = tuple(
            Suite(**{**suite, "arms": tuple(suite["arms"]), "temperatures": tuple(suite["temperatures"])})
            for suite in record.pop("suites")
        )
        return TrialPlan(suites=suites, **record)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WorkerFailed(
            f"{folder.trials / _PLAN} cannot be read ({error}).", "Start the gate again."
        ) from error


def outcomes_file(folder: TrainingFolder, plan: TrialPlan) -> Path:
    """Where the worker writes, one line an attempt: another file for other prompts, adapters or settings."""
    digest = hashlib.sha256((folder.trials / _PLAN).read_bytes())
    for suite in plan.suites:
        digest.update(suite_file(folder, suite.name).read_bytes())
    for adapter in sorted({path for path in plan.arms.values() if path is not None}):
        digest.update((Path(adapter) / _WEIGHTS).read_bytes())
    return folder.trials / f"outcomes-{digest.hexdigest()[:16]}.jsonl"


def read_attempts(folder: TrainingFolder) -> tuple[Attempt, ...]:
    """What is there so far, by suite, arm, task, temperature and repeat. Raises WorkerFailed."""
    plan = read_plan(folder)
    by_adapter = sorted(read_outcomes(outcomes_file(folder, plan)), key=key_of)
    return tuple(
        replace(attempt, arm=arm)
        for suite in plan.suites
        for arm in suite.arms
        for attempt in by_adapter
        if attempt.suite == suite.name and attempt.arm == (plan.arms[arm] or "")
    )


def read_outcomes(path: Path) -> tuple[Attempt, ...]:
    """The lines of a worker's file, `arm` being the adapter's folder, "" for none. A line cut off is none."""
    found: dict[tuple[object, ...], Attempt] = {}
    for record in _records(path):
        record.pop("reply", None)
        attempt = Attempt(**record)  # type: ignore[arg-type]
        found[key_of(attempt)] = attempt  # a later line says more of the same attempt
    return tuple(found.values())


def key_of(attempt: Attempt) -> tuple[str, str, str, float, int]:
    """What an attempt is an attempt of."""
    return (attempt.suite, attempt.arm, attempt.task, attempt.temperature, attempt.repeat)


def _records(path: Path) -> Iterator[dict[str, object]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            continue


def replies_of(path: Path) -> dict[tuple[str, str, str, float, int], str]:
    """The first replies that were kept, those whose divergence is computed at the end."""
    found = {}
    for record in _records(path):
        reply = record.pop("reply", None)
        if isinstance(reply, str):
            found[key_of(Attempt(**record))] = reply  # type: ignore[arg-type]
    return found
