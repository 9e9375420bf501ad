"""The dashboard in real kernels: as a widget, without anywidget, in a notebook that was run, saved and converted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.jupyter.kernel.widgets.dashboard import Dashboard
from metaclaw_jlab.store.skills import Skills

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)> costs $5'
VIEW = "application/vnd.jupyter.widget-view+json"
OPEN = "import metaclaw_jlab\nboard = metaclaw_jlab.dashboard()\nboard"
ROOT = Path(__file__).parents[4]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one skill, of which kernels that are started know."""
    home = tmp_path / "home"
    workspace = open_workspace(home)
    Skills(workspace.database()).commit_generation(Cause.USER, [Skill("iso-dates", HOSTILE, "Do it.")])
    workspace.synchronised()
    workspace.close()
    for name, value in {
        "METACLAW_HOME": home,
        "IPYTHONDIR": tmp_path / "ipython",
        "PYTHONPATH": ROOT,
    }.items():
        monkeypatch.setenv(name, str(value))
    return home


def run_notebook(*cells: str) -> nbformat.NotebookNode:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    return NotebookClient(notebook, kernel_name="python3", timeout=120, store_widget_state=False).execute()


class Kernel:
    """A kernel, and what a front end of it is sent."""

    def __init__(self) -> None:
        self.manager, self.client = start_new_kernel(
            kernel_name="python3", env=dict(os.environ), startup_timeout=120
        )

    def run(self, source: str) -> list[dict[str, Any]]:
        shown: list[dict[str, Any]] = []
        answer = self.client.execute_interactive(source, output_hook=shown.append, timeout=120)
        assert answer["content"]["status"] == "ok", answer["content"]
        return shown

    def click(self, comm: str, **wanted: object) -> None:
        data = {"method": "custom", "content": wanted}
        message = self.client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        self.client.shell_channel.send(message)

    def state(self, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The state that the widget is sent, when it is as it is waited for."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            message = self.client.get_iopub_msg(timeout=90)
            sent = message["content"].get("data", {})
            state = sent.get("state", {}).get("state") if message["msg_type"] == "comm_msg" else None
            if state is not None and until(state):
                return dict(state)
        raise AssertionError("The widget was not told.")


@pytest.fixture
def kernel(home: Path) -> Iterator[Kernel]:
    kernel = Kernel()
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


def view_of(messages: list[dict[str, Any]]) -> str:
    shown = [message["content"].get("data", {}) for message in messages]
    return str(next(data[VIEW]["model_id"] for data in shown if VIEW in data))


def test_a_button_pins_a_skill_and_says_so(kernel: Kernel) -> None:
    comm = view_of(kernel.run(OPEN))
    kernel.click(comm, do="pin", name="iso-dates", on=True, asked=1)
    state = kernel.state(lambda state: state["answered"] == 1)
    assert state["notice"] == "iso-dates is pinned: only you change it."
    assert state["snapshot"]["skills"][0]["pinned"] is True


@pytest.mark.parametrize(
    "wanted",
    [{"do": "rm"}, {"do": "pin", "name": 7, "on": True}, {"do": "pin", "name": "<b>", "on": True}, {}],
)
def test_what_cannot_be_done_is_told(kernel: Kernel, wanted: dict[str, object]) -> None:
    comm = view_of(kernel.run(OPEN))
    kernel.click(comm, **wanted, asked=3)
    assert kernel.state(lambda state: state["answered"] == 3)["notice"]


def test_it_follows_what_cells_change(kernel: Kernel) -> None:
    kernel.run(OPEN)
    kernel.run("board")  # shown twice, it follows all the same
    kernel.run("%load_ext metaclaw_jlab\n%metaclaw skills disable iso-dates")
    assert kernel.state(lambda state: state["snapshot"]["skills"][0]["disabled"])


def test_a_saved_notebook_shows_the_last_state(home: Path) -> None:
    notebook = run_notebook(
        "%load_ext metaclaw_jlab", OPEN, "%metaclaw skills pin iso-dates", "board.refresh()"
    )
    (view, saved) = notebook.cells[1].outputs
    assert VIEW in view.data
    assert "pinned" in saved.data["text/plain"]
    assert "pinned" in saved.data["text/html"]


def test_a_converted_notebook_shows_it_and_no_scripts_of_others(home: Path) -> None:
    page, _ = HTMLExporter().from_notebook_node(run_notebook(OPEN))
    assert '<div class="metaclaw-shown' in page
    assert "iso-dates" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_without_anywidget_it_says_what_to_install(home: Path) -> None:
    notebook = run_notebook("import sys\nsys.modules['anywidget'] = None", OPEN)
    (saved,) = notebook.cells[1].outputs
    assert '%pip install "metaclaw-jlab[widgets]"' in saved.data["text/plain"]
    assert "iso-dates" in saved.data["text/html"]


def test_without_a_notebook_it_is_text(home: Path) -> None:
    workspace = open_workspace(home)
    assert "iso-dates" in repr(Dashboard(workspace))
    workspace.close()
