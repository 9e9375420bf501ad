"""The adapters that trainings made: which one serves, what their gates said, and what a person does to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from metaclaw_jlab.core.gate import GateReport
from metaclaw_jlab.inspection.adapter_changes import (
    Moved,
    delete_by_hand,
    promote_by_hand,
    roll_back_by_hand,
)
from metaclaw_jlab.inspection.adapters import (
    HISTORY,
    AdapterAccount,
    describe_adapter,
    gates_of,
    list_adapters,
)
from metaclaw_jlab.jupyter.server.operation import FROM_TEXT, INTEGRAL, Arguments, Body, Operation, Whole
from metaclaw_jlab.jupyter.server.operations.numbered import number_in
from metaclaw_jlab.store.serving import Served, Serving

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.server.host import Host

LIMIT = 20
MOST = 200
LARGEST = 2**53  # the largest integer that JavaScript knows exactly
REASON_CHARS = 4000


class AdapterPage(Arguments):
    """Which adapters."""

    limit: Whole = Field(LIMIT, ge=1, le=MOST, description="How many, the newest first.")
    before: Annotated[int, Field(ge=1, le=LARGEST), FROM_TEXT] | None = Field(
        None, description="Those of versions under this one."
    )


class Why(Body):
    """Why another adapter shall serve."""

    reason: str = Field("", max_length=REASON_CHARS, description="In the person's words, for the record.")


class Back(Why):
    """What shall serve again."""

    to: Literal["before", "base"] | Annotated[int, Field(ge=1, le=LARGEST), INTEGRAL] = Field(
        "before", description="What served before the newest promotion, the base, or a version."
    )


@dataclass(frozen=True, slots=True)
class AdapterList:
    """Adapters, the newest first; `total` are there, `serving` is the version that serves, None for the base."""

    adapters: tuple[AdapterAccount, ...]
    total: int
    serving: int | None


@dataclass(frozen=True, slots=True)
class AdapterDetail:
    """An adapter, what all its gates said, in order, and when it served, the newest first."""

    adapter: AdapterAccount
    gates: tuple[GateReport, ...]
    served: tuple[Served, ...]


def adapters(host: Host, *, limit: int, before: int | None) -> AdapterList:
    """The adapters, without looking at their files."""
    from metaclaw_jlab.store.adapters import Adapters

    workspace = host.workspace
    database = workspace.database()
    found = list_adapters(workspace, limit, before)
    return AdapterList(found, Adapters(database).count(), Serving(database).current())


def adapter(host: Host, *, version: str) -> AdapterDetail:
    """One adapter; its files are held against their checksum. Raises NotFound."""
    number, workspace = number_in(version, "adapter version"), host.workspace
    served = Serving(workspace.database()).of(number, HISTORY)
    return AdapterDetail(describe_adapter(workspace, number), gates_of(workspace, number), served)


def promote(host: Host, *, version: str, reason: str) -> Moved:
    """Let an adapter serve, whatever its gate said. Raises NotFound, AdapterRefused, NotNow."""
    return promote_by_hand(host.workspace, number_in(version, "adapter version"), reason)


def roll_back(host: Host, *, to: int | Literal["before", "base"], reason: str) -> Moved:
    """Let something serve again that served. Raises NotFound, AdapterRefused, NotNow."""
    return roll_back_by_hand(host.workspace, to, reason)


def delete(host: Host, *, version: str) -> Moved:
    """Delete a candidate or a rejected adapter. Raises NotFound, InvariantViolation."""
    return delete_by_hand(host.workspace, number_in(version, "adapter version"))


OPERATIONS = (
    Operation(
        method="GET",
        path="/adapters",
        name="adapters",
        about="The adapters that trainings made, the newest first, and which one serves.",
        call=adapters,
        answer=AdapterList,
        arguments=AdapterPage,
        secret=True,
        counts=False,
    ),
    Operation(
        method="POST",
        path="/adapters/rollback",
        name="roll_back_adapter",
        about="Let what served before, a version that served, or the base serve again.",
        call=roll_back,
        answer=Moved,
        body=Back,
        errors=(404, 409),
    ),
    Operation(
        method="GET",
        path="/adapters/{version}",
        name="adapter",
        about="One adapter: its files held against their checksum, what its gates said, when it served.",
        call=adapter,
        answer=AdapterDetail,
        secret=True,
        counts=False,
        errors=(404,),
    ),
    Operation(
        method="DELETE",
        path="/adapters/{version}",
        name="delete_adapter",
        about="Delete a candidate or a rejected adapter with its files, for good; what its gates said is kept.",
        call=delete,
        answer=Moved,
        errors=(404, 409),
    ),
    Operation(
        method="POST",
        path="/adapters/{version}/promote",
        name="promote_adapter",
        about="Let an adapter serve by hand, whatever its gate said; that is recorded.",
        call=promote,
        answer=Moved,
        body=Why,
        errors=(404, 409),
    ),
)
