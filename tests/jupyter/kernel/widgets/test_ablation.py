"""The ablation widget in real kernels: worked by its buttons, followed, saved, and without anywidget."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.ablation import AblationState
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
from metaclaw_jlab.jupyter.kernel.widgets.ablation import AblationBoard
from metaclaw_jlab.runtime.leases import lease
from tests.evaluation.ablation.made_run import TASKS, attempt, made_run

VIEW = "application/vnd.jupyter.widget-view+json"
OPEN = "%load_ext metaclaw_jlab\n%metaclaw ablate"
ROOT = Path(__file__).parents[4]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run that was stopped, in the home of the kernels that are started."""
    home = tmp_path / "home"
    workspace = open_workspace(home)
    made = made_run(workspace.home, state=AblationState.CANCELLED)
    workspace.close()
    for name, value in {
        "METACLAW_HOME": home,
        "IPYTHONDIR": tmp_path / "ipython",
        "PYTHONPATH": ROOT,
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(tmp_path)
    return made


class Kernel:
    """A kernel, and what the front end of its widget is sent."""

    def __init__(self) -> None:
        self.manager, self.client = start_new_kernel(
            kernel_name="python3", env=dict(os.environ), startup_timeout=120
        )
        self.comm = ""

    def open(self, source: str) -> None:
        shown: list[dict[str, Any]] = []
        answer = self.client.execute_interactive(source, output_hook=shown.append, timeout=120)
        assert answer["content"]["status"] == "ok", answer["content"]
        data = [message["content"].get("data", {}) for message in shown]
        self.comm = str(next(one[VIEW]["model_id"] for one in data if VIEW in one))

    def click(self, **wanted: object) -> None:
        data = {"method": "custom", "content": wanted}
        message = self.client.session.msg("comm_msg", {"comm_id": self.comm, "data": data})
        self.client.shell_channel.send(message)

    def told(self, trait: str, until: Callable[[dict[str, Any]], bool] = bool) -> dict[str, Any]:
        """What a trait of the widget becomes, when it is as it is waited for."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            message = self.client.get_iopub_msg(timeout=90)
            sent = message["content"].get("data", {})
            value = sent.get("state", {}).get(trait) if message["msg_type"] == "comm_msg" else None
            if value is not None and until(value):
                return dict(value)
        raise AssertionError(f"{trait} was not told.")


@pytest.fixture
def kernel(run: RunFolder) -> Iterator[Kernel]:
    kernel = Kernel()
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


def test_a_task_is_opened_and_a_file_written(kernel: Kernel, run: RunFolder, tmp_path: Path) -> None:
    kernel.open(f"{OPEN} show {run.number}")
    kernel.click(do="grid", on=True, asked=1)
    grid = kernel.told("grid")
    assert (grid["number"], len(grid["tasks"])) == (run.number, TASKS)
    kernel.click(do="pair", task=grid["tasks"][0]["id"], seed=None, asked=2)
    assert [one["arm"] for one in kernel.told("pair")["attempts"]] == ["baseline", "full"]
    kernel.click(do="export", kind="json", asked=3)
    state = kernel.told("state", lambda state: state["answered"] == 3)
    assert state["notice"] == "Written: ablation-1.json, beside this notebook."
    assert json.loads((tmp_path / "ablation-1.json").read_text())["report"]["number"] == run.number


@pytest.mark.parametrize(
    "wanted",
    [
        {"do": "rm"},
        {"do": "start", "plan": {"arms": [], "extra": [], "tasks": "log"}},
        {"do": "start", "plan": {"arms": ["baseline"], "tasks": "practice:held-out", "n": "many"}},
        {"do": "pair", "task": "none", "seed": 1},
        {"do": "open", "number": 99},
        {},
    ],
)
def test_what_cannot_be_done_is_told(run: RunFolder, wanted: dict[str, object]) -> None:
    workspace = open_workspace(run.home.path)
    board = AblationBoard(workspace, None, run.number)
    board._asked(wanted)
    assert board.number == run.number
    assert board._state()["notice"]
    workspace.close()


def test_what_breaks_is_told_too(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise ValueError("Out of range.")

    monkeypatch.setattr("metaclaw_jlab.jupyter.kernel.widgets.ablation_acts.act", broken)
    workspace = open_workspace(run.home.path)
    board = AblationBoard(workspace, None, run.number)
    board._asked({"do": "stop", "asked": 7})
    assert board._state()["answered"] == 7
    assert "Out of range." in str(board._state()["notice"])
    workspace.close()


def test_a_form_names_its_reference_and_its_budget(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metaclaw_jlab.evaluation.ablation.running.start_beside", lambda _run: None)
    workspace = open_workspace(run.home.path)
    board = AblationBoard(workspace)
    sizes = {"n": 20, "seeds": 1, "days": 6, "budget_minutes": None, "budget_tokens": 5000}
    words = {"arms": ["baseline", "skills"], "tasks": "practice:held-out", "reference": "skills"}
    board._asked({"do": "start", "plan": {**words, **sizes}})
    assert board.live is not None, board._state()["notice"]
    plan = board.live.run.plan()
    assert (plan.reference, plan.budget.tokens) == ("skills", 5000)
    workspace.close()


def test_it_follows_a_run_to_its_end(kernel: Kernel, run: RunFolder) -> None:
    with lease(run.home, run.lease_name):
        run.change(state=AblationState.RUNNING, ended_at=None, of=2 * TASKS + 1)
        kernel.open(OPEN)
        AttemptsLog(run.jobs / "two").append(attempt("full", TASKS, right=True))
        state = kernel.told("state", lambda state: state["report"]["done"] > 2 * TASKS)
        assert state["report"]["state"] == "running"
        run.change(state=AblationState.DONE, ended_at=99.0)
    state = kernel.told("state", lambda state: state["report"]["state"] == "done")
    assert "So far" not in state["report"]["verdict"]


def run_notebook(*cells: str) -> nbformat.NotebookNode:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    return NotebookClient(notebook, kernel_name="python3", timeout=120, store_widget_state=False).execute()


def test_a_saved_notebook_shows_the_last_state(run: RunFolder) -> None:
    (view, saved) = run_notebook(f"{OPEN} show 1").cells[0].outputs
    assert VIEW in view.data
    assert "Learning helped" in saved.data["text/plain"]
    assert "<svg" in saved.data["text/html"]


def test_without_anywidget_it_says_what_to_install(run: RunFolder) -> None:
    (saved,) = run_notebook(f"import sys\nsys.modules['anywidget'] = None\n{OPEN} show 1").cells[0].outputs
    assert '%pip install "metaclaw-jlab[widgets]"' in saved.data["text/plain"]
    assert "Learning helped" in saved.data["text/html"]
