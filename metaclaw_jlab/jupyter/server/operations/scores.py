"""Whether the agent gets better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from metaclaw_jlab.inspection.trend import GENERATIONS, Trend, trend
from metaclaw_jlab.jupyter.server.operation import Arguments, Operation, Whole

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.server.host import Host

MOST = 40


class Among(Arguments):
    """Of which generations and tasks."""

    generations: Whole = Field(GENERATIONS, ge=1, le=MOST, description="How many generations, the newest.")
    notebook: str | None = Field(
        None, max_length=4096, description="Tasks of this notebook, as it is listed; empty for those of none."
    )
    skill: str | None = Field(None, max_length=256, description="Tasks with this skill in their prompt.")


def trend_of_home(host: Host, *, generations: int, notebook: str | None, skill: str | None) -> Trend:
    """The share of tasks done right by generation, and whether it differs."""
    return trend(host.workspace.database(), generations=generations, notebook=notebook, skill=skill)


OPERATIONS = (
    Operation(
        method="GET",
        path="/trend",
        name="trend",
        about="The share of the user's tasks done right under each skill generation, and whether it got better.",
        call=trend_of_home,
        answer=Trend,
        arguments=Among,
        secret=True,
        counts=False,
    ),
)
