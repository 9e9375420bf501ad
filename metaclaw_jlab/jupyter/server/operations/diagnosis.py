"""What works here and what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field

from metaclaw_jlab.inspection.doctor import Diagnosis, diagnose, healthy, startable
from metaclaw_jlab.jupyter.server.operation import Arguments, Operation

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.server.host import Host


def _said(text: object) -> object:
    return {"true": True, "false": False}.get(text, text) if isinstance(text, str) else text


class Looks(Arguments):
    """What the doctor may do besides looking."""

    start: Annotated[bool, BeforeValidator(_said)] = Field(
        False, description="Start the local policy where it does not run, which takes seconds."
    )


def doctor(host: Host, *, start: bool) -> Diagnosis:
    """Look at everything that a task needs. What fails is a finding. Raises HomeRefused."""
    findings = diagnose(host.workspace, start=start)
    return Diagnosis(findings, healthy(findings), startable(host.workspace))


OPERATIONS = (
    Operation(
        method="GET",
        path="/doctor",
        name="doctor",
        about="What works here and what does not, with the command that mends it. It takes seconds.",
        call=doctor,
        answer=Diagnosis,
        arguments=Looks,
        counts=False,
    ),
)
