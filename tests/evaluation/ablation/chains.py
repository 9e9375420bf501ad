"""Chains without a model: a run of practice days whose policy obeys every skill in its prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.ablation import AblationPlan, Attempt, Days
from metaclaw_jlab.core.arm import Arm
from metaclaw_jlab.core.policy import Policy
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog
from metaclaw_jlab.evaluation.ablation.chain import run_chain
from metaclaw_jlab.evaluation.ablation.frozen_home import freeze
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, create_run
from metaclaw_jlab.evaluation.ablation.trial_files import read_tasks, tasks_path, write_tasks
from metaclaw_jlab.evaluation.task_sets import load_tasks
from metaclaw_jlab.evaluation.task_sets.practice_tasks import practice_task
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import PracticeTask
from metaclaw_jlab.runtime.home import open_home
from tests.evaluation.obeying import ObeyingPolicy

SEED = 4
# The policy is a test's own, nothing is ever sent there; wordings are not tried.
ELSEWHERE: dict[str, object] = {
    "policy.base_url": "http://127.0.0.1:9/v1",
    "evolver.kind": "distiller",
    "sandbox.unattended": True,
}


@dataclass
class Chains:
    """A run of days, and the attempts that were told of."""

    run: RunFolder
    told: list[Attempt] = field(default_factory=list)

    def go(self, arm: Arm, stop: Callable[[], bool] = lambda: False) -> tuple[Attempt, ...]:
        """Take the arm's chain up; all that its log holds then."""
        log = AttemptsLog(self.run.jobs / f"{arm.name}-{SEED}")
        run_chain(self.run, arm, SEED, log, done=log.done(), stop=stop, on_attempt=self.told.append)
        return log.done()

    def open(self, arm: Arm) -> Workspace:
        """The home of an arm's chain."""
        return open_workspace(self.run.chains / f"{arm.name}-{SEED}" / "home", ELSEWHERE)


def chains_of(
    home: Path,
    arms: Sequence[Arm],
    pool: SandboxPool,
    patch: pytest.MonkeyPatch,
    *,
    days: Days,
    n: int = 4,
    tasks: str = "practice:held-out",
    policy: Policy | None = None,
) -> Chains:
    """A run that is ready for its chains."""
    owner = open_home(home)
    plan = AblationPlan(tuple(arms), tasks, arms[0].name, n=n, seeds=(SEED,), days=days, settings=ELSEWHERE)
    run = create_run(owner, plan)
    workspace = open_workspace(home)
    write_tasks(tasks_path(run, SEED), load_tasks(plan.tasks, n, seed=SEED, workspace=workspace, days=days))
    workspace.close()
    freeze(owner, run.frozen)
    answering = policy or ObeyingPolicy(practice_tasks(run))

    def given(*_: Any, **__: Any) -> Policy:
        return answering

    def pooled(*_: Any) -> nullcontext[SandboxPool]:
        return nullcontext(pool)

    patch.setattr(Workspace, "policy", given)
    patch.setattr(Workspace, "sandbox_pool", pooled)
    return Chains(run)


def practice_tasks(run: RunFolder) -> list[PracticeTask]:
    """All that a run's policy is asked."""
    tasks = read_tasks(tasks_path(run, SEED))
    trials = [*tasks.test, *tasks.validation, *(trial for day in tasks.days for trial in day)]
    return [task for trial in trials if (task := practice_task(trial.start)) is not None]
