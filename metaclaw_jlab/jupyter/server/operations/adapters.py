"""The adapters that trainings made, and which one serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from metaclaw_jlab.inspection.adapters import AdapterAccount, list_adapters
from metaclaw_jlab.jupyter.server.operation import Arguments, Operation, Whole

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.server.host import Host

LIMIT = 20
MOST = 200


class Newest(Arguments):
    """How many adapters."""

    limit: Whole = Field(LIMIT, ge=1, le=MOST, description="How many, the newest first.")


@dataclass(frozen=True, slots=True)
class AdapterList:
    """Adapters, the newest first; `total` are there, `serving` is the version that serves, None for the base."""

    adapters: tuple[AdapterAccount, ...]
    total: int
    serving: int | None


def adapters(host: Host, *, limit: int) -> AdapterList:
    """The adapters, without looking at their files."""
    from metaclaw_jlab.store.adapters import Adapters
    from metaclaw_jlab.store.serving import Serving

    workspace = host.workspace
    database = workspace.database()
    found = list_adapters(workspace, limit)
    return AdapterList(found, Adapters(database).count(), Serving(database).current())


OPERATIONS = (
    Operation(
        method="GET",
        path="/adapters",
        name="adapters",
        about="The adapters that trainings made, the newest first, and which one serves.",
        call=adapters,
        answer=AdapterList,
        arguments=Newest,
        secret=True,
        counts=False,
    ),
)
