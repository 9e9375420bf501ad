"""The demonstration: the quickstart, then learning from streams of tasks and the arms that measure what was learnt."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.errors import LeaseHeld
from metaclaw_jlab.evaluation.notebook import run_notebook
from metaclaw_jlab.evaluation.practice_measurement import Plan, measure_learning
from metaclaw_jlab.practice import splits_sha256
from metaclaw_jlab.runtime.policy_server import stop

QUICKSTART = Path("examples/quickstart.ipynb")


def demonstrate(
    plan: Plan,
    *,
    notebook: Path | None = QUICKSTART,
    on_progress: Callable[[str], None],
) -> dict[str, Any]:
    """Run the quickstart where there is one, then learn and measure; in homes of their own, with progress.

    Raises TaskFailed where a cell of the quickstart fails, ServerStartFailed.
    """
    began = time.monotonic()
    notebook_seconds: float | None = None
    with _temporary_workspace() as workspace:
        if notebook is not None and notebook.is_file():
            notebook_seconds = round(run_notebook(notebook.absolute(), workspace.home.path, on_progress), 1)
        elif notebook is not None:
            on_progress(f"There is no {notebook} here: the measurement alone is done.")
        policy = workspace.policy(on_progress)
        measured = measure_learning(workspace, policy, plan)
    return {
        **measured,
        "splits_sha256": splits_sha256(),
        "seconds": round(time.monotonic() - began, 1),
        "notebook_seconds": notebook_seconds,
    }


def write_report(report: Mapping[str, Any], output: Path) -> None:
    """Write a report as JSON, its folder made where it is missing. Raises OSError."""
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


@contextmanager
def _temporary_workspace() -> Iterator[Workspace]:
    """A workspace that is gone at the end, with the policy server that was started for it."""
    with (
        tempfile.TemporaryDirectory(prefix="metaclaw-demo-", ignore_cleanup_errors=True) as folder,
        closing(open_workspace(Path(folder) / "home")) as workspace,
    ):
        try:
            yield workspace
        finally:
            # A lease that is held is of a start under way, whose server nobody will use: it ends when idle.
            with suppress(LeaseHeld):
                stop(workspace.home)
