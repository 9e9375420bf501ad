"""The ablations of a home, as they are read: what one can be made of, what there is, what each has come to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Literal
from weakref import WeakKeyDictionary

from pydantic import Field

from metaclaw_jlab.core.ablation import AblationState
from metaclaw_jlab.core.errors import MetaclawError, NotFound
from metaclaw_jlab.jupyter.server.operation import FROM_TEXT, Arguments, File, Operation, Whole
from metaclaw_jlab.jupyter.server.operations.ablation_records import (
    AblationChoices,
    AblationDefaults,
    AblationGrid,
    AblationReport,
    AblationRow,
    AblationRows,
    ArmChoice,
    ArmPart,
    TaskSetChoice,
    TracePair,
)
from metaclaw_jlab.jupyter.server.operations.numbered import number_in

if TYPE_CHECKING:
    from metaclaw_jlab.evaluation.ablation.live_run import LiveRuns
    from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
    from metaclaw_jlab.jupyter.server.host import Host

LIMIT, MOST = 50, 200
LARGEST = 2**53  # the largest integer that JavaScript knows exactly
KEY_CHARS = 1024
RECKON_SECONDS = 1.0  # of one list: verdicts that take longer come with the next one
NOUN = "ablation"
Kind = Literal["ipynb", "csv", "json", "vega"]
FILES = ("application/x-ipynb+json", "text/csv", "application/json", "application/vnd.vegalite.v5+json")

_LIVE: WeakKeyDictionary[Host, LiveRuns] = WeakKeyDictionary()


class AblationPage(Arguments):
    """Which ablations."""

    limit: Whole = Field(LIMIT, ge=1, le=MOST, description="How many, the newest first.")
    before: Annotated[int, Field(ge=1, le=LARGEST), FROM_TEXT] | None = Field(
        None, description="Those with numbers under this one; `next` of the page before."
    )


class Attempted(Arguments):
    """Which attempts at a task."""

    seed: Whole = Field(ge=0, le=LARGEST, description="The seed that they were made with.")
    sample: Whole = Field(0, ge=0, le=LARGEST, description="Which of the attempts with this seed.")


class Exported(Arguments):
    """As what."""

    kind: Kind = Field("ipynb", description="A notebook, tables, all numbers, or a figure.")


def live_runs(host: Host) -> LiveRuns:
    """What this server keeps of the ablations that were looked at last. Raises HomeRefused."""
    from metaclaw_jlab.evaluation.ablation.live_run import LiveRuns

    found = _LIVE.get(host)
    if found is None:
        found = _LIVE[host] = LiveRuns(host.workspace.home)
    return found


def ablations(host: Host, *, limit: int, before: int | None) -> AblationRows:
    """A page of the runs, the newest first."""
    from metaclaw_jlab.evaluation.ablation.run_folder import list_runs

    found = [one for one in list_runs(host.workspace.home) if before is None or one.number < before]
    live, until = live_runs(host), time.monotonic() + RECKON_SECONDS
    rows = [row for one in found[:limit] if (row := _row(live, one, until)) is not None]
    return AblationRows(tuple(rows), found[limit - 1].number if len(found) > limit else None)


def choices(host: Host) -> AblationChoices:
    """What an ablation can be made of."""
    from metaclaw_jlab.evaluation.ablation.arms import PRESETS
    from metaclaw_jlab.evaluation.task_sets import describe_task_sets

    arms = tuple(ArmChoice(name, one.about, one.arm.learns) for name, one in PRESETS.items())
    sets = tuple(
        TaskSetChoice(one.spec, one.title, one.about, one.count, one.why_not)
        for one in describe_task_sets(host.workspace)
    )
    return AblationChoices(arms, _parts(), sets, _defaults(sets))


def report(host: Host, *, number: str) -> dict[str, Any]:
    """What a run has come to so far. Raises NotFound."""
    return live_runs(host).get(number_in(number, NOUN)).report()


def grid(host: Host, *, number: str) -> dict[str, Any]:
    """Every task of a run by every arm. Raises NotFound."""
    return live_runs(host).get(number_in(number, NOUN)).grid()


def attempts_at(host: Host, *, number: str, task: str, seed: int, sample: int) -> dict[str, Any]:
    """What each arm did at a task. Raises NotFound."""
    return live_runs(host).get(number_in(number, NOUN)).pair(task, seed, sample)


def exported(host: Host, *, number: str, kind: Kind) -> File:
    """A run as a file. Raises NotFound."""
    from metaclaw_jlab.evaluation.ablation.export import export
    from metaclaw_jlab.evaluation.ablation.run_folder import open_run

    name, content, mime = export(open_run(host.workspace.home, number_in(number, NOUN)), kind)
    return File(name, content, mime)


def _row(live: LiveRuns, run: RunFolder, until: float) -> AblationRow | None:
    """A run in the list; None where it was deleted meanwhile. One whose files are damaged says so."""
    from metaclaw_jlab.evaluation.ablation.live_run import count_attempts, eta_seconds

    try:
        plan, state = run.plan(), run.state()
        done = count_attempts(run)
        return AblationRow(
            number=run.number,
            state=state.state,
            reason=state.reason,
            created_at=state.created_at,
            tasks=plan.tasks,
            arms=tuple(arm.name for arm in plan.arms),
            reference=plan.reference,
            done=done,
            of=state.of,
            eta_seconds=eta_seconds(state, done, time.time()),
            verdict=str(live.get(run.number).report()["verdict"]) if time.monotonic() < until else "",
        )
    except NotFound:
        return None
    except MetaclawError as error:
        return AblationRow(
            run.number,
            AblationState.FAILED,
            f"{error.cause} {error.next_step}",
            0.0,
            "",
            (),
            "",
            0,
            0,
            None,
            "",
        )


def _parts() -> tuple[ArmPart, ...]:
    """What an arm's line can change, with settings by dotted name as the last."""
    from metaclaw_jlab.core.arm import SkillSource

    yes_or_no = ("true", "false")
    return (
        ArmPart("skills", "where the skills in its prompts come from", tuple(SkillSource)),
        ArmPart("generation", "the skill generation that it takes them from; a number", ()),
        ArmPart("adapter", "which adapter answers: base, serving, or a version such as v3", ()),
        ArmPart("temperature", "a number from 0 to 2, or best", ()),
        ArmPart("separated", "whether what evolved the skills is kept from training the weights", yes_or_no),
        ArmPart("wrong", "the share of outcomes that are reported the wrong way round, 0 to 1", ()),
        ArmPart("window_minutes", "how long the weights may train each night", ()),
        ArmPart("successes_only", "whether the weights train on successes alone", yes_or_no),
        ArmPart("gated", "whether an adapter has to pass its gate before it serves", yes_or_no),
        *(ArmPart(key, about, ()) for key, about in _settings()),
    )


def _settings() -> tuple[tuple[str, str], ...]:
    """The settings that an arm may be about, by dotted name."""
    from metaclaw_jlab.core.config import Settings

    sections = {
        name: Settings.model_fields[name].annotation for name in ("skills", "evolver", "training", "judge")
    }
    return tuple(
        (f"{section}.{name}", field.description or "")
        for section, kind in sections.items()
        for name, field in (getattr(kind, "model_fields", None) or {}).items()
    )


def _defaults(sets: tuple[TaskSetChoice, ...]) -> AblationDefaults:
    from metaclaw_jlab.evaluation.ablation.arms import PAPER

    usable = [one.spec for one in sets if one.why_not is None]
    wanted = "practice:held-out"
    tasks = wanted if wanted in usable or not usable else usable[0]
    return AblationDefaults(
        PAPER, tasks, n=100, seeds=1, samples=1, days=None, budget_minutes=None, budget_tokens=None
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/ablations",
        name="ablations",
        about="The ablations, the newest first, how far each is and what it says.",
        call=ablations,
        answer=AblationRows,
        arguments=AblationPage,
        secret=True,
        counts=False,
    ),
    Operation(
        method="GET",
        path="/ablations/options",
        name="ablation_choices",
        about="What an ablation can be made of: arms that have a name, what their lines can change, sets of tasks.",
        call=choices,
        answer=AblationChoices,
        secret=True,
        counts=False,
    ),
    Operation(
        method="GET",
        path="/ablations/{number}",
        name="ablation",
        about="What an ablation has come to so far: arms, differences, trainings, days, and what that shows.",
        call=report,
        answer=AblationReport,
        secret=True,
        counts=False,
        errors=(404, 409),
    ),
    Operation(
        method="GET",
        path="/ablations/{number}/grid",
        name="ablation_grid",
        about="Every task of an ablation by every arm.",
        call=grid,
        answer=AblationGrid,
        secret=True,
        counts=False,
        errors=(404, 409),
    ),
    Operation(
        method="GET",
        path="/ablations/{number}/tasks/{task}",
        name="ablation_task",
        about="What each arm did at a task, step by step.",
        call=attempts_at,
        answer=TracePair,
        arguments=Attempted,
        secret=True,
        counts=False,
        errors=(404, 409),
    ),
    Operation(
        method="GET",
        path="/ablations/{number}/export",
        name="export_ablation",
        about="An ablation as a file: a notebook that runs by itself, CSV, JSON, or a Vega-Lite figure.",
        call=exported,
        answer=File,
        arguments=Exported,
        files=FILES,
        secret=True,
        counts=False,
        errors=(404, 409),
    ),
)
