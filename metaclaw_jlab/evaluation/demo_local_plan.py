"""What a measurement with a local model is of, how long it may take, and where what it has done is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaclaw_jlab.assembly.slow_loop import check_weights, trainable_base
from metaclaw_jlab.core.config import Settings
from metaclaw_jlab.core.prompting import Prompting
from metaclaw_jlab.evaluation.demo_local_folder import RunFolder, State, folder_for, others_under_way
from metaclaw_jlab.evaluation.learnt_arms import FULL, SKILLS
from metaclaw_jlab.evaluation.practice_arms import BASELINE, GIVEN_SKILLS
from metaclaw_jlab.policies.calibration import prompting_for
from metaclaw_jlab.policies.model_store import InstalledModel, folder_of
from metaclaw_jlab.practice import splits_sha256
from metaclaw_jlab.runtime.home import Home, home_error
from metaclaw_jlab.settings.configuration import load

WORDING_SECONDS = 40.0  # of a skill: an attempt of a real model on two cores takes seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPlan:
    """How much is measured, and what one attempt may take. `minutes` end it with what is there; None: all of it."""

    tasks: int = 200
    stream: int = 48
    seed: int = 1
    compound_share: float = 0.5
    steps: int = 4
    max_tokens: int = 512
    train: bool = False
    minutes: float | None = None

    @property
    def arms(self) -> tuple[str, ...]:
        """Their names, in the order in which each task is done: what may share a prompt is side by side."""
        return (BASELINE, SKILLS, GIVEN_SKILLS, *([FULL] if self.train else []))


@dataclass
class Deadline:
    """When it is to end, on `clock`, counted from when the command `began`; `minutes` None: never."""

    minutes: float | None
    began: float
    clock: Callable[[], float] = time.monotonic

    def within(self, share: float = 1.0, needed: float = 0.0) -> bool:
        """Whether what takes `needed` seconds still ends within that share of the time."""
        if self.minutes is None:
            return True
        return self.clock() + needed <= self.began + 60 * self.minutes * share

    def seconds(self) -> float:
        """Since it began."""
        return self.clock() - self.began


def overrides_of(plan: LocalPlan, model: InstalledModel, output: Path) -> dict[str, object]:
    """The settings of the home that learns: this model answers and writes the skills, whatever is set elsewhere."""
    own: dict[str, object] = {
        "policy.base_url": None,
        "policy.local_model": model.name,
        "policy.local_form": model.form,
        "policy.max_tokens": plan.max_tokens,
        "agent.steps": plan.steps,
        "agent.namespace": "",
        "evolver.base_url": None,
    }
    if _settings(output, own).evolver.wording_seconds is None:
        own["evolver.wording_seconds"] = WORDING_SECONDS
    return own


def _settings(output: Path, overrides: Mapping[str, object]) -> Settings:
    """Those of a home without a configuration of its own."""
    return load(output.absolute().with_suffix("") / "config.toml", dict(overrides)).settings


def check_trainable(models: Home, output: Path, overrides: Mapping[str, object]) -> None:
    """Raise TrainingError where this model is not trained here or its weights are not: before a stream of hours."""
    check_weights(models, trainable_base(_settings(output, overrides)))


def open_folder(
    plan: LocalPlan,
    model: InstalledModel,
    models: Home,
    output: Path,
    overrides: Mapping[str, object],
    say: Callable[[str], None],
) -> tuple[RunFolder, State]:
    """The folder of this measurement, and how far it is; what it begins or goes on with is said.

    Raises StoreFull, StoreReadOnly.
    """
    of = _what(plan, model, prompting_for(models, model.name), _settings(output, overrides))
    folder = folder_for(output, of)
    state = folder.read()
    if state is None:
        for other in others_under_way(folder):
            say(f"A measurement of something else was begun and is kept: {_difference(other.of, of)}.")
        folder.clear()
        state = State(of)
        say(f"A new measurement begins: {model.name}, {plan.tasks} test tasks in {len(plan.arms)} arms.")
    else:
        say(f"It goes on: {state.streamed} of {plan.stream} training tasks were learnt from.")
    state.processes += 1
    folder.write(state)
    return folder, state


def _what(plan: LocalPlan, model: InstalledModel, prompting: Prompting, settings: Settings) -> dict[str, Any]:
    """What is measured: where any of it differs, it is another measurement."""
    return {
        "model": model.name,
        "form": model.form,
        "files": dict(model.files),
        "tasks": plan.tasks,
        "stream": plan.stream,
        "seed": plan.seed,
        "compound_share": plan.compound_share,
        "train": plan.train,
        "steps": settings.agent.steps,
        "max_tokens": settings.policy.max_tokens,
        "temperature": settings.policy.temperature,
        "max_skills": settings.skills.max_skills,
        "threshold": settings.skills.threshold,
        "evolver": settings.evolver.kind,
        "prompting": prompting.to_dict(),
        "splits_sha256": splits_sha256(),
    }


def _difference(other: Mapping[str, Any], of: Mapping[str, Any]) -> str:
    told = [
        f"{name} {other.get(name)} there, {value} here"
        for name, value in of.items()
        if other.get(name) != value
    ]
    return "; ".join(one for one in told[:3]) or "made by another version"


def share_models(home: Home, models: Home) -> None:
    """Let the home that learns see the models of another one, with what was measured of them. Raises StoreFull,
    StoreReadOnly."""
    place, wanted = home.path / "models", folder_of(models).absolute()
    try:
        if place.is_symlink() and place.readlink() == wanted:
            return
        place.unlink(missing_ok=True)
        place.symlink_to(wanted, target_is_directory=True)
    except OSError as error:
        raise home_error(home.path, error) from error
