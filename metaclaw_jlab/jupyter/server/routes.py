"""Everything under /metaclaw/api: the operations, and the handlers for them."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

from metaclaw_jlab.jupyter.server.handler import NothingHandler, OperationHandler
from metaclaw_jlab.jupyter.server.operation import ROOT, Operation, by_path
from metaclaw_jlab.jupyter.server.operations import (
    ablation_changes,
    ablations,
    adapters,
    clients,
    diagnosis,
    library,
    library_changes,
    overview,
    retrieval,
    schedule,
    scores,
    settings,
    tasks,
    training,
)

OPERATIONS: tuple[Operation, ...] = (
    *overview.OPERATIONS,
    *schedule.OPERATIONS,
    *training.OPERATIONS,
    *library.OPERATIONS,
    *library_changes.OPERATIONS,
    *adapters.OPERATIONS,
    *tasks.OPERATIONS,
    *scores.OPERATIONS,
    *clients.OPERATIONS,
    *retrieval.OPERATIONS,
    *settings.OPERATIONS,
    *ablations.OPERATIONS,
    *ablation_changes.OPERATIONS,
    *diagnosis.OPERATIONS,
)


def api_handlers(pool: Executor) -> list[tuple[str, type[OperationHandler], dict[str, Any]]]:
    """Patterns under the base URL, and what answers there. Work that waits for the store is done in `pool`."""
    found: list[tuple[str, type[OperationHandler], dict[str, Any]]] = [
        (pattern, OperationHandler, {"operations": operations, "pool": pool})
        for pattern, operations in by_path(OPERATIONS).items()
    ]
    nothing: dict[str, Any] = {"operations": {}, "pool": pool}
    found.append((f"/{ROOT}(?:/.*)?", NothingHandler, nothing))
    return found
