"""Runs the code of practice tasks in this process, in a folder of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.practice import Outcome, PracticeTask, probe

Runner = Callable[[PracticeTask, Sequence[str]], Outcome]


def _execute(code: str, namespace: dict[str, Any]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "<step>", "exec"), namespace)
    return printed.getvalue()


@pytest.fixture
def run_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    """Runs the steps of a task in a fresh folder and gives the outcome."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    home = os.getcwd()
    count = 0

    def run(task: PracticeTask, steps: Sequence[str]) -> Outcome:
        nonlocal count
        count += 1
        folder = tmp_path / str(count)
        folder.mkdir()
        for path, text in task.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        os.chdir(folder)
        namespace: dict[str, Any] = {"__name__": "__main__"}
        error: str | None = None
        stdout, probes = "", dict[str, Any]()
        try:
            stdout = "".join(_execute(step, namespace) for step in steps)
            snippet = probe(task)
            probes = json.loads(_execute(snippet, namespace)) if snippet else {}
        except Exception as problem:  # noqa: BLE001
            error = f"{type(problem).__name__}: {problem}"
        finally:
            os.chdir(home)
        files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        return Outcome(error, stdout, files, probes)

    yield run
    os.chdir(home)
