"""What a person does to ablations: begin one, stop it, have it go on, delete it. It runs in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from metaclaw_jlab.core.ablation import AblationState
from metaclaw_jlab.core.errors import (
    AdapterRefused,
    ConfigError,
    MetaclawError,
    NotNow,
    RequestInvalid,
    TaskSetInvalid,
    UsageMistake,
)
from metaclaw_jlab.jupyter.server.operation import INTEGRAL, Body, Operation
from metaclaw_jlab.jupyter.server.operations.ablation_records import AblationTold
from metaclaw_jlab.jupyter.server.operations.ablations import NOUN, live_runs
from metaclaw_jlab.jupyter.server.operations.numbered import number_in

if TYPE_CHECKING:
    from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
    from metaclaw_jlab.jupyter.server.host import Host

MOST_TASKS, MOST_SEEDS, MOST_DAYS = 100_000, 100, 365
MOST_ARMS = 40
CHARS = 1000
UNPROCESSABLE = 422
_MISTAKES = (UsageMistake, TaskSetInvalid, AdapterRefused, ConfigError)

Words = Annotated[str, Field(max_length=CHARS)]
Count = Annotated[int, INTEGRAL]


def _without_default(schema: dict[str, Any]) -> None:
    """What may be left out has to be nothing that front ends send."""
    schema.pop("default", None)


class Planned(Body):
    """What is to be compared, and on what."""

    arms: list[Words] = Field(max_length=MOST_ARMS, description="Arms that have a name.")
    extra: list[Words] = Field(
        default=[], max_length=MOST_ARMS, description="Arms in a line: `few=skills,skills.max_skills=1`."
    )
    tasks: Words = Field(description="The spec of a set of tasks.")
    reference: Words | None = Field(
        None,
        description="The arm that the others are compared with; the first where left out.",
        json_schema_extra=_without_default,
    )
    n: Count = Field(100, ge=1, le=MOST_TASKS, description="The most test tasks.")
    seeds: Count = Field(1, ge=1, le=MOST_SEEDS, description="How many seeds.")
    samples: Count = Field(1, ge=1, le=MOST_SEEDS, description="Attempts at each task with each seed.")
    days: Annotated[int, Field(ge=1, le=MOST_DAYS), INTEGRAL] | None = Field(
        None, description="Days of a stream that is learnt from before the test; none where left out."
    )
    budget_minutes: Annotated[float, Field(gt=0, le=1e6)] | None = Field(
        None, description="The most minutes."
    )
    budget_tokens: Annotated[int, Field(ge=1, le=2**53), INTEGRAL] | None = Field(
        None, description="The most tokens."
    )


def start(host: Host, **asked: Any) -> AblationTold:
    """Plan an ablation and have it run. Raises RequestInvalid (422), AblationError."""
    from metaclaw_jlab.evaluation.ablation.form import plan_of_form
    from metaclaw_jlab.evaluation.ablation.run_folder import create_run

    workspace = host.workspace
    folder = Path(host.root).expanduser() if host.root else None
    try:
        plan = plan_of_form(workspace, **asked, folder=folder)
    except _MISTAKES as error:
        raise RequestInvalid(error.cause, error.next_step, status=UNPROCESSABLE) from error
    run = create_run(workspace.home, plan)
    try:
        return _begun(run, f"Ablation {run.number} has begun.")
    except MetaclawError:
        run.delete()
        raise


def stop(host: Host, *, number: str) -> AblationTold:
    """Have a run stop so that it can go on later. Raises NotFound, NotNow."""
    run = _run(host, number)
    state = run.state().state
    if state.over:
        raise NotNow(f"Ablation {run.number} does not run: it is {state}.", "There is nothing to stop.")
    run.ask_to_stop()
    return _told(run, f"Ablation {run.number} stops as soon as the attempts under way are done.")


def resume(host: Host, *, number: str) -> AblationTold:
    """Have a run go on without doing again what is done. Raises NotFound, NotNow."""
    run = _run(host, number)
    state = run.state()
    if run.running():
        raise NotNow(f"Ablation {run.number} runs.", "Wait for it, or stop it.")
    if state.state is AblationState.DONE:
        raise NotNow(f"Ablation {run.number} is done.", "Plan another one with more tasks or seeds.")
    if state.state is AblationState.SPENT:
        step = (
            f"Give it another: metaclaw ablate resume {run.number} --budget-minutes 60 (or --budget-tokens)."
        )
        raise NotNow(state.reason, step)
    run.forget_stop()
    return _begun(run, f"Ablation {run.number} goes on.")


def delete(host: Host, *, number: str) -> AblationTold:
    """Delete a run with all that it found. Raises NotFound, LeaseHeld."""
    run = _run(host, number)
    state = run.state().state
    run.delete()
    live_runs(host).forget(run.number)
    return AblationTold(run.number, state, f"Ablation {run.number} is deleted.")


def _run(host: Host, number: str) -> RunFolder:
    from metaclaw_jlab.evaluation.ablation.run_folder import open_run

    return open_run(host.workspace.home, number_in(number, NOUN))


def _begun(run: RunFolder, told: str) -> AblationTold:
    from metaclaw_jlab.evaluation.ablation.running import start_beside

    start_beside(run)
    return _told(run, told)


def _told(run: RunFolder, told: str) -> AblationTold:
    return AblationTold(run.number, run.state().state, told)


OPERATIONS = (
    Operation(
        method="POST",
        path="/ablations",
        name="start_ablation",
        about="Compare arms on the same tasks with the same seeds, on a frozen copy of the home, in another process.",
        call=start,
        answer=AblationTold,
        body=Planned,
        status=201,
        errors=(409, 422),
    ),
    Operation(
        method="POST",
        path="/ablations/{number}/stop",
        name="stop_ablation",
        about="Stop an ablation so that it can go on later; what it has found stays.",
        call=stop,
        answer=AblationTold,
        errors=(404, 409),
    ),
    Operation(
        method="POST",
        path="/ablations/{number}/resume",
        name="resume_ablation",
        about="Go on with an ablation; what is done is not done again.",
        call=resume,
        answer=AblationTold,
        errors=(404, 409),
    ),
    Operation(
        method="DELETE",
        path="/ablations/{number}",
        name="delete_ablation",
        about="Delete an ablation with all that it found.",
        call=delete,
        answer=AblationTold,
        errors=(404, 409),
    ),
)
