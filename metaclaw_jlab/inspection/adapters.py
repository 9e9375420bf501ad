"""The adapters that were ever made, which one serves, and what their gates said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.core.adapter import Adapter, AdapterStatus
from metaclaw_jlab.core.gate import GateReport
from metaclaw_jlab.inspection.lines import local_time, one_line, rows, size, table
from metaclaw_jlab.inspection.training_text import gate_lines

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.store.serving import Served

HISTORY = 20
COLUMNS = 90
STATUSES = {
    AdapterStatus.CANDIDATE: "candidate: not decided on",
    AdapterStatus.PROMOTED: "promoted by its gate",
    AdapterStatus.REJECTED: "rejected by its gate",
    AdapterStatus.FORCED: "forced by a person",
}


@dataclass(frozen=True, slots=True)
class AdapterAccount:
    """An adapter. `bytes` of its files, None where they are gone; `fault` says what is wrong with them, "" where
    nothing is or it was not looked for; `gate` is what its last gate said."""

    version: int
    status: AdapterStatus
    serving: bool
    base: str
    skill_generation: int
    created_at: float
    reason: str
    sha256: str
    bytes: int | None
    gate: GateReport | None
    folder: Path | None = None
    fault: str = ""


def list_adapters(workspace: Workspace, limit: int, before: int | None = None) -> tuple[AdapterAccount, ...]:
    """At most `limit` adapters, the newest first, of versions under `before`; their files are not read."""
    from metaclaw_jlab.store.adapters import Adapters
    from metaclaw_jlab.store.gates import Gates
    from metaclaw_jlab.store.serving import Serving

    database = workspace.database()
    found = Adapters(database).recent(limit, before)
    gates = Gates(database).latest([adapter.version for adapter in found])
    serving = Serving(database).current()
    return tuple(
        _account(workspace, adapter, serving, gates.get(adapter.version), look=False) for adapter in found
    )


def describe_adapter(workspace: Workspace, version: int) -> AdapterAccount:
    """One adapter; its weights are read and held against their checksum. Raises NotFound."""
    from metaclaw_jlab.store.adapters import Adapters
    from metaclaw_jlab.store.serving import Serving

    database = workspace.database()
    adapter, gates = Adapters(database).get(version), gates_of(workspace, version)
    return _account(workspace, adapter, Serving(database).current(), gates[-1] if gates else None, look=True)


def gates_of(workspace: Workspace, version: int) -> tuple[GateReport, ...]:
    """What all gates of an adapter said, in order."""
    from metaclaw_jlab.store.gates import Gates

    return Gates(workspace.database()).of(version)


def serving_history(workspace: Workspace, limit: int = HISTORY) -> tuple[Served, ...]:
    """What served, the newest first."""
    from metaclaw_jlab.store.serving import Serving

    return Serving(workspace.database()).history(limit)


def render_adapters(listed: tuple[AdapterAccount, ...], more: int = 0) -> str:
    """The adapters, one a line."""
    if not listed:
        return "No adapters yet: the base model answers. A training makes one: metaclaw train --now."
    lines = [
        (
            "*" if one.serving else "",
            f"v{one.version}",
            one.status.value,
            f"g{one.skill_generation}",
            local_time(one.created_at),
            _size(one),
            one_line(one.gate.reason if one.gate is not None else one.reason, COLUMNS),
        )
        for one in listed
    ]
    left = [f"… {more} more: --limit"] if more > 0 else []
    served = any(one.serving for one in listed)
    legend = "* serves now" if served else "none of these serves now"
    return "\n".join([*table(lines, "  "), *left, legend])


def render_adapter(one: AdapterAccount, gates: tuple[GateReport, ...], history: tuple[Served, ...]) -> str:
    """One adapter with its gates and when it served."""
    listed = [
        ("status", STATUSES[one.status] + (", serves now" if one.serving else "")),
        ("reason", one_line(one.reason, COLUMNS)),
        ("base", one.base),
        ("skills", f"generation {one.skill_generation}"),
        ("made", local_time(one.created_at)),
        ("files", one.fault or f"{one.folder}, {_size(one)}, as they were trained"),
        ("sha256", one.sha256),
    ]
    parts = [[f"Adapter v{one.version}", *rows(listed, "  ")]]
    parts += [gate_lines(gate, f"v{one.version}") for gate in gates]
    mine = tuple(served for served in history if served.version == one.version)
    if mine:
        parts.append(["Served", *_served(mine)])
    return "\n\n".join("\n".join(part) for part in parts)


def render_history(history: tuple[Served, ...]) -> str:
    """What served, the newest first."""
    if not history:
        return "Only the base model has served."
    return "\n".join(["What served, the newest first", *_served(history)])


def name_of(version: int | None) -> str:
    """What a version is called; None is the base."""
    return "the base" if version is None else f"v{version}"


def _account(
    workspace: Workspace, adapter: Adapter, serving: int | None, gate: GateReport | None, *, look: bool
) -> AdapterAccount:
    from metaclaw_jlab.learning.adapters import fault, folder_of

    folder = folder_of(workspace.home, adapter.version)
    return AdapterAccount(
        version=adapter.version,
        status=adapter.status,
        serving=serving == adapter.version,
        base=adapter.base,
        skill_generation=adapter.skill_generation,
        created_at=adapter.created_at,
        reason=adapter.reason,
        sha256=adapter.sha256,
        bytes=None if folder is None else _bytes(folder),
        gate=gate,
        folder=folder,
        fault=(fault(workspace.home, adapter) or "") if look else "",
    )


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _size(one: AdapterAccount) -> str:
    return "files gone" if one.bytes is None else size(one.bytes)


def _served(history: tuple[Served, ...]) -> list[str]:
    lines = [
        (local_time(one.at), name_of(one.version), one.cause.value, one_line(one.reason, COLUMNS))
        for one in history
    ]
    return table(lines, "  ")
