"""The demonstration: the quickstart, then the agent without and with skills on test tasks."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from tqdm import tqdm

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.errors import LeaseHeld
from metaclaw_jlab.core.policy import Policy, Sampling
from metaclaw_jlab.evaluation.arm_report import arm_report
from metaclaw_jlab.evaluation.notebook import run_notebook
from metaclaw_jlab.evaluation.practice_arms import (
    BASELINE,
    GIVEN_SKILLS,
    HOUSES,
    draw_households,
    measure,
    no_skills,
    retrieved_skills,
)
from metaclaw_jlab.practice import splits_sha256
from metaclaw_jlab.runtime.policy_server import stop

QUICKSTART = Path("examples/quickstart.ipynb")
TASKS = 240
SEED = 1
OUTPUT = Path("build/demo.json")
_WORKERS = 2


def demonstrate(
    *,
    tasks: int = TASKS,
    seed: int = SEED,
    notebook: Path | None = QUICKSTART,
    on_progress: Callable[[str], None],
) -> dict[str, Any]:
    """Run the quickstart where there is one, then measure the arms; in a home of its own, with progress.

    Raises TaskFailed where a cell of the quickstart fails, ServerStartFailed.
    """
    began = time.monotonic()
    notebook_seconds: float | None = None
    with _temporary_workspace() as workspace:
        if notebook is not None and notebook.is_file():
            notebook_seconds = round(run_notebook(notebook.absolute(), workspace.home.path, on_progress), 1)
        elif notebook is not None:
            on_progress(f"There is no {notebook} here: the measurement alone is done.")
        policy = workspace.policy(on_progress)
        measured = measure_arms(workspace, policy, tasks=tasks, seed=seed)
    return {
        **measured,
        "splits_sha256": splits_sha256(),
        "seconds": round(time.monotonic() - began, 1),
        "notebook_seconds": notebook_seconds,
    }


def measure_arms(workspace: Workspace, policy: Policy, *, tasks: int, seed: int) -> dict[str, Any]:
    """The report of baseline and given skills at the serving temperature, with progress bars on standard error."""
    settings = workspace.settings()
    households = draw_households(seed, tasks)
    drawn = [task for household in households for task in household.tasks]
    arms = {BASELINE: no_skills, GIVEN_SKILLS: retrieved_skills(households, settings.skills)}
    sampling = Sampling(
        settings.policy.temperature, settings.policy.max_tokens, seed, extra=settings.policy.extra
    )
    attempts = {}
    began = time.monotonic()
    with workspace.sandbox_pool(_WORKERS) as pool:
        for arm, skills_of in arms.items():
            with tqdm(total=len(drawn), desc=arm.ljust(len(GIVEN_SKILLS)), unit="task") as bar:
                attempts[arm] = measure(
                    arm,
                    drawn,
                    policy,
                    pool,
                    sampling=sampling,
                    skills_of=skills_of,
                    max_steps=settings.agent.steps,
                    on_progress=lambda _attempt, bar=bar: bar.update(),  # type: ignore[misc]
                )
        protections = pool.protections()
    return {
        **arm_report(attempts, settings.skills.max_skills),
        "split": "test",
        "seed": seed,
        "houses": min(HOUSES, tasks),
        "model": policy.model,
        "temperature": sampling.temperature,
        "max_skills": settings.skills.max_skills,
        "protections": protections,
        "measuring_seconds": round(time.monotonic() - began, 1),
    }


def write_report(report: Mapping[str, Any], output: Path) -> None:
    """Write a report as JSON, its folder made where it is missing. Raises OSError."""
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


@contextmanager
def _temporary_workspace() -> Iterator[Workspace]:
    """A workspace that is gone at the end, with the policy server that was started for it."""
    with (
        tempfile.TemporaryDirectory(prefix="metaclaw-demo-", ignore_cleanup_errors=True) as folder,
        closing(open_workspace(Path(folder) / "home")) as workspace,
    ):
        try:
            yield workspace
        finally:
            # A lease that is held is of a start under way, whose server nobody will use: it ends when idle.
            with suppress(LeaseHeld):
                stop(workspace.home)
