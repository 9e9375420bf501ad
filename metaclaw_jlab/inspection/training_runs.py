"""The training runs that ever began, a page at a time, and one of them whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclaw_jlab.core.gate import Verdict
from metaclaw_jlab.core.training import RunState
from metaclaw_jlab.inspection.training import RunAccount, describe_run

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace


@dataclass(frozen=True, slots=True)
class RunRow:
    """A training run in a list. `reward` is of its newest step, `verdict` what the last gate of its adapter said; None
    where there is none."""

    number: int
    state: RunState
    reason: str
    skill_generation: int
    base: str
    steps: int
    steps_done: int
    prompts: int
    parent: int | None
    adapter: int | None
    created_at: float
    changed_at: float
    reward: float | None
    verdict: Verdict | None


def list_runs(workspace: Workspace, limit: int, before: int | None = None) -> tuple[RunRow, ...]:
    """At most `limit` runs, the newest first, of numbers under `before`."""
    from metaclaw_jlab.store.gates import Gates
    from metaclaw_jlab.store.training import Training

    database = workspace.database()
    store = Training(database)
    found = store.recent(limit, before)
    rewards = store.last_rewards([run.number for run in found])
    gates = Gates(database).latest([run.adapter for run in found if run.adapter is not None])
    return tuple(
        RunRow(
            number=run.number,
            state=run.state,
            reason=run.reason,
            skill_generation=run.skill_generation,
            base=run.base,
            steps=run.steps,
            steps_done=run.steps_done,
            prompts=run.prompts,
            parent=run.parent,
            adapter=run.adapter,
            created_at=run.created_at,
            changed_at=run.changed_at,
            reward=rewards.get(run.number),
            verdict=gates[run.adapter].verdict if run.adapter in gates else None,
        )
        for run in found
    )


def run_account(workspace: Workspace, number: int) -> RunAccount:
    """One run, with what was reported of all its steps. Raises NotFound."""
    from metaclaw_jlab.runtime.training_process import conductor
    from metaclaw_jlab.store.training import Training

    database = workspace.database()
    run = Training(database).get(number)
    conducts = None if run.state.over else conductor(workspace.home)
    return describe_run(database, run, None if conducts is None else conducts.pid)
