"""The demonstration: the quickstart, then a house that learns, fast and slowly, and the arms that measure it."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.errors import LeaseHeld
from metaclaw_jlab.evaluation.house_run import Plan, open_house
from metaclaw_jlab.evaluation.house_training import train_house
from metaclaw_jlab.evaluation.notebook import run_notebook
from metaclaw_jlab.evaluation.practice_measurement import measure_learning
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
    if notebook is not None and notebook.is_file():
        with _temporary_home() as home:
            notebook_seconds = round(run_notebook(notebook.absolute(), home, on_progress), 1)
    elif notebook is not None:
        on_progress(f"There is no {notebook} here: the measurement alone is done.")
    with _temporary_home() as home, open_house(plan, home, {}, on_progress) as run:
        measured = measure_learning(run, train_house)
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
def _temporary_home() -> Iterator[Path]:
    """A home that is gone at the end, with the policy server that was started for it."""
    with tempfile.TemporaryDirectory(prefix="metaclaw-demo-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "home"
        try:
            yield path
        finally:
            # A lease that is held is of a start under way, whose server nobody will use: it ends when idle.
            with suppress(LeaseHeld), closing(open_workspace(path)) as workspace:
                stop(workspace.home)
