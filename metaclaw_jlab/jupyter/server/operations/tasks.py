"""The tasks that were done, why they went as they did, and what the user says of them."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from metaclaw_jlab.core.feedback import FeedbackKind
from metaclaw_jlab.inspection import feedback
from metaclaw_jlab.inspection.why import Account
from metaclaw_jlab.inspection.why_command import run_why
from metaclaw_jlab.jupyter.server.operation import FROM_TEXT, Arguments, Body, Operation, Whole
from metaclaw_jlab.store.task_facets import TaskFacets, facets_of_tasks
from metaclaw_jlab.store.task_pages import TaskRow, page_of_tasks

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.server.host import Host

LIMIT = 50
MOST = 200
FACETS = 50
REASON_CHARS = 4000
LARGEST = 2**53  # the largest integer that JavaScript knows exactly


class Page(Arguments):
    """Which tasks."""

    limit: Whole = Field(LIMIT, ge=1, le=MOST, description="How many, the newest first.")
    before: Annotated[int, Field(ge=1, le=LARGEST), FROM_TEXT] | None = Field(
        None, description="Those with numbers under this one; `next` of the page before."
    )
    notebook: str | None = Field(
        None, max_length=4096, description="Those of this notebook, as it is listed; empty for those of none."
    )
    skill: str | None = Field(None, max_length=256, description="Those with this skill in their prompt.")
    generation: Annotated[int, Field(ge=0, le=LARGEST), FROM_TEXT] | None = Field(
        None, description="Those of this skill generation."
    )


class Word(Body):
    """What the user says of a task."""

    kind: Literal["good", "bad"] = Field(description="Whether it was done right.")
    reason: str = Field(
        "", max_length=REASON_CHARS, description="Why it was bad, in the user's words: it is learnt from."
    )


class Shown(Arguments):
    """How much of a task is told."""

    prompt: Literal["0", "1"] = Field("0", description="1: the messages and replies of every step, whole.")


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Tasks, the newest first. `next` is what `before` has to be for those after them, None where there are none."""

    tasks: tuple[TaskRow, ...]
    next: int | None


def tasks(host: Host, *, limit: int, before: int | None, **among: Any) -> TaskPage:
    """A page of tasks; `among` are the notebook, skill and generation."""
    found = page_of_tasks(host.workspace.database(), limit + 1, before=before, **among)
    page = found[:limit]
    return TaskPage(page, page[-1].number if len(found) > limit else None)


def facets(host: Host) -> TaskFacets:
    """By what the list can be narrowed."""
    return facets_of_tasks(host.workspace.database(), FACETS)


def task(host: Host, *, id: str, prompt: str) -> Account:  # noqa: A002
    """Why a task went as it did. Raises NotFound."""
    return run_why(host.workspace, Namespace(id=id, prompt=prompt == "1", no_code=False))


def say(host: Host, *, id: str, kind: str, reason: str) -> feedback.Said:  # noqa: A002
    """Keep what the user says of a task; a turn of another agent is learnt from soon. Raises NotFound, UsageMistake."""
    from metaclaw_jlab.jupyter.server.proxy.handlers import proxy_of

    said = feedback.say(host.workspace, id, FeedbackKind(kind), reason)
    proxy_of(host).recording.look(host.workspace)
    return said


def take_back(host: Host, *, id: str) -> feedback.Said:  # noqa: A002
    """Take back the last thing that was said of a task. Raises NotFound, UsageMistake."""
    return feedback.take_back(host.workspace, id)


OPERATIONS = (
    Operation(
        method="GET",
        path="/tasks",
        name="tasks",
        about="The tasks of all notebooks and clients, the newest first, a page at a time.",
        call=tasks,
        answer=TaskPage,
        arguments=Page,
        secret=True,
        counts=False,
    ),
    Operation(
        method="GET",
        path="/tasks/facets",
        name="task_facets",
        about="The notebooks, skills and skill generations that tasks are of, and how many.",
        call=facets,
        answer=TaskFacets,
        secret=True,
        counts=False,
    ),
    Operation(
        method="GET",
        path="/tasks/{id}",
        name="task",
        about="Why a task went as it did: skills and where they came from, steps, scores, checks, what was learnt.",
        call=task,
        answer=Account,
        arguments=Shown,
        secret=True,
        counts=False,
        errors=(404,),
    ),
    Operation(
        method="POST",
        path="/tasks/{id}/feedback",
        name="say",
        about="Say that a task was done right, or what was wrong: it reaches its score, and a reason is learnt from.",
        call=say,
        answer=feedback.Said,
        body=Word,
        errors=(404, 409),
    ),
    Operation(
        method="DELETE",
        path="/tasks/{id}/feedback",
        name="take_back",
        about="Take back the last thing that was said of a task.",
        call=take_back,
        answer=feedback.Said,
        errors=(404, 409),
    ),
)
