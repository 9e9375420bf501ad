"""Which skills bear on a task: kernels ask, since the host alone has the vectors of the home open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from metaclaw_jlab.jupyter.server.operation import INTEGRAL, Body, Operation

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.server.host import Host

MOST = 50
LONGEST = 100_000


class Sought(Body):
    """What is looked for."""

    text: str = Field(max_length=LONGEST, description="The text of the task.")
    limit: Annotated[int, INTEGRAL] = Field(
        3, ge=1, le=MOST, description="How many skills at most, the most relevant first."
    )


@dataclass(frozen=True, slots=True)
class Found:
    """A skill, by the hash of its content, and how relevant it is."""

    name: str
    sha256: str
    relevance: float


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Skills of the current generation, the most relevant first; none under the threshold."""

    generation: int
    skills: tuple[Found, ...]


def retrieve(host: Host, *, text: str, limit: int) -> Retrieved:
    """The skills that bear on a text. Raises HostElsewhere: only one process may have the vectors open."""
    from metaclaw_jlab.assembly.retrieval import search

    host.active_scheduler()
    found = search(host.workspace, text, limit)
    skills = tuple(Found(match.skill.name, match.skill.sha256, match.relevance) for match in found)
    return Retrieved(host.workspace.synchronised().generation.number, skills)


OPERATIONS = (
    Operation(
        method="POST",
        path="/retrieve",
        name="retrieve",
        about="The skills that bear on a text, by words and by meaning.",
        call=retrieve,
        answer=Retrieved,
        body=Sought,
        secret=True,
        counts=False,
        errors=(409,),
    ),
)
