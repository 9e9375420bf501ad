"""Runs a notebook without a front end, as its user would."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import MissingExtra, TaskFailed

CELL_SECONDS = 300
_SHOWN = 60


def run_notebook(path: Path, home: Path, on_progress: Callable[[str], None]) -> float:
    """Run every cell in a kernel whose home is `home`, with a line for each; the seconds that it took.

    Raises TaskFailed where a cell fails, MissingExtra.
    """
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    except ImportError as error:
        raise MissingExtra("nbclient", "all") from error

    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    code = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    began = cell_began = time.monotonic()
    at = code[0] if code else 0

    def start(cell_index: int, **_: Any) -> None:
        nonlocal cell_began, at
        cell_began, at = time.monotonic(), cell_index

    def told(cell: Any, cell_index: int, **_: Any) -> None:
        if cell.cell_type == "code":
            took = time.monotonic() - cell_began
            number = code.index(cell_index) + 1
            on_progress(f"{path.name} [{number}/{len(code)}] {took:5.1f} s  {_title(cell.source)}")

    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=start,
        on_cell_executed=told,
    )
    try:
        client.execute(env={**os.environ, "METACLAW_HOME": str(home)})
    except CellExecutionError as error:
        raise _failed(path, notebook.cells[at], f"{error.ename}: {error.evalue}") from error
    except (CellTimeoutError, DeadKernelError) as error:
        cause = str(error).strip().splitlines()[0]
        raise _failed(path, notebook.cells[at], cause) from error
    return time.monotonic() - began


def _failed(path: Path, cell: Any, cause: str) -> TaskFailed:
    return TaskFailed(
        f"{path.name} failed in the cell that begins with {_title(cell.source)!r}: {cause}",
        "Run it by hand in JupyterLab to look into it; `metaclaw doctor` tells what is missing here.",
    )


def _title(source: str) -> str:
    first = source.strip().split("\n", 1)[0]
    return first if len(first) <= _SHOWN else f"{first[: _SHOWN - 3]}..."
