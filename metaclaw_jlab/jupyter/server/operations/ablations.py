"""The ablations of a home, as they are read: what one can be made of, what there is, what each has come to."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Literal
from weakref import WeakKeyDictionary

from pydantic import Field

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.jupyter.server.operation import FROM_TEXT, Arguments, File, Operation, Whole
from metaclaw_jlab.jupyter.server.operations.ablation_records import (
    AblationChoices,
    AblationGrid,
    AblationReport,
    AblationRows,
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

    seed: Annotated[int, Field(ge=0, le=LARGEST), FROM_TEXT] | None = Field(
        None, description="The seed that they were made with; the first that there is where left out."
    )
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


def ablations(host: Host, *, limit: int, before: int | None) -> dict[str, Any]:
    """A page of the runs, the newest first."""
    from metaclaw_jlab.evaluation.ablation.run_folder import list_runs

    found = [one for one in list_runs(host.workspace.home) if before is None or one.number < before]
    live, until = live_runs(host), time.monotonic() + RECKON_SECONDS
    rows = [_row(live, one, until) for one in found[:limit]]
    return {"runs": rows, "next": found[limit - 1].number if len(found) > limit else None}


def offered(host: Host) -> dict[str, Any]:
    """What an ablation can be made of."""
    from metaclaw_jlab.evaluation.ablation.form import choices

    return choices(host.workspace)


def report(host: Host, *, number: str) -> dict[str, Any]:
    """What a run has come to so far. Raises NotFound."""
    return live_runs(host).get(number_in(number, NOUN)).report()


def grid(host: Host, *, number: str) -> dict[str, Any]:
    """Every task of a run by every arm. Raises NotFound."""
    return live_runs(host).get(number_in(number, NOUN)).grid()


def attempts_at(host: Host, *, number: str, task: str, seed: int | None, sample: int) -> dict[str, Any]:
    """What each arm did at a task. Raises NotFound."""
    return live_runs(host).get(number_in(number, NOUN)).pair(task, seed, sample)


def exported(host: Host, *, number: str, kind: Kind) -> File:
    """A run as a file. Raises NotFound."""
    from metaclaw_jlab.evaluation.ablation.export import export
    from metaclaw_jlab.evaluation.ablation.run_folder import open_run

    name, content, mime = export(open_run(host.workspace.home, number_in(number, NOUN)), kind)
    return File(name, content, mime)


def _row(live: LiveRuns, run: RunFolder, until: float) -> dict[str, Any]:
    """A run in the list, with its verdict where there is time to reckon it; one that is damaged has none."""
    from metaclaw_jlab.core.ablation import AblationState
    from metaclaw_jlab.evaluation.ablation.live_run import run_line, verdict_of

    line, verdict = run_line(run), ""
    if time.monotonic() < until:
        with suppress(MetaclawError):
            over = AblationState(
                line["state"]
            ).over  # and not to be kept in memory in place of one that goes on
            verdict = verdict_of(run) if over else str(live.get(run.number).report()["verdict"])
    return {**line, "verdict": verdict}


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
        call=offered,
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
