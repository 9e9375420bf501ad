"""How a home is: whether it is served, what is going on, what can be asked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.inspection.glance import glance
from metaclaw_jlab.inspection.status import Status, status, version
from metaclaw_jlab.jupyter.server.host import Standing
from metaclaw_jlab.jupyter.server.operation import Operation
from metaclaw_jlab.jupyter.server.operations.schedule import view_of

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.jupyter.server.host import Host
    from metaclaw_jlab.skills.library import Problem

_VERSION = version()  # of the code that runs: an upgrade changes what is installed under it


@dataclass(frozen=True, slots=True)
class Health:
    """`home` is the id of the home, by which a kernel or a page tells whether this server serves its own; None where it
    cannot be opened. `standing` says what this server is for it, and which process is its active host. `root` is the
    folder that Jupyter shows, under which a notebook has a path there; "" where its files lie elsewhere."""

    version: str
    home: str | None
    pid: int
    standing: Standing
    root: str


def health(host: Host) -> Health:
    """Which home is served, and by whom."""
    standing = host.standing()
    return Health(_VERSION, standing.home_id, os.getpid(), standing, host.root)


def description(host: Host) -> dict[str, Any]:
    """The description of all operations, as OpenAPI 3.1."""
    from metaclaw_jlab.jupyter.server.openapi import describe
    from metaclaw_jlab.jupyter.server.routes import OPERATIONS as ALL

    return describe(ALL, urlsplit(host.url).path or "/", version())


def _status(host: Host) -> Status:
    return status(host.workspace, view=view_of(host), problems=_problems(host.workspace))


def _problems(workspace: Workspace) -> tuple[Problem, ...]:
    """What is wrong in the skill folder; nothing where the store cannot be read, which the status tells itself."""
    try:
        return glance(workspace)
    except MetaclawError:
        return ()


OPERATIONS = (
    Operation(
        method="GET",
        path="/health",
        name="health",
        about="Which home this server serves, and whether it is its active host.",
        call=health,
        answer=Health,
        secret=True,
        counts=False,
    ),
    Operation(
        method="GET",
        path="/status",
        name="status",
        about="The state of the home: which policy answers, what it knows, what waits, how training stands.",
        call=_status,
        answer=Status,
        secret=True,
        counts=False,
    ),
    Operation(
        method="GET",
        path="/openapi.json",
        name="describe",
        about="This description.",
        call=description,
        answer=dict,
        counts=False,
    ),
)
