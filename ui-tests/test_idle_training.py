"""A real run: nobody works, a training starts; a key is pressed, it is gone; nobody works, and it goes on to serve.

Asserted is the order of things. How fast they are is measured by benchmarks/yielding.py.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator

import pytest
from lab_session import Lab, code_cells, open_notebook, running_lab, running_page
from playwright.sync_api import Browser, Page
from practised_home import prepare

from metaclaw_jlab.core.training import RunState, TrainingRun
from metaclaw_jlab.core.window import Window
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.training_folder import training_folder
from metaclaw_jlab.runtime.training_process import conductor
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.serving import Serving
from metaclaw_jlab.store.training import Training
from metaclaw_jlab.store.windows import Windows

STEPS = 20
FIRST_SECONDS = 300.0  # until the first steps are done, the libraries loaded on a slow machine
REST_SECONDS = 1500.0  # the rest of the training, and its gate
EXTENSION = "--ServerApp.jpserver_extensions={'metaclaw_jlab': True}"

# What the user runs: it looks for the worker of the run until that is gone, and ends then.
CELL = """\
import time
from metaclaw_jlab.runtime.processes import process_alive
began = time.monotonic()
while process_alive({pid}) and time.monotonic() - began < 60:
    time.sleep(0.01)
print('gone' if not process_alive({pid}) else 'still there')
"""
NOTEBOOK = (
    '{"cells": [{"cell_type": "code", "execution_count": null, "id": "one", "metadata": {}, "outputs": [],'
    ' "source": ""}], "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python",'
    ' "name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}'
)


@pytest.fixture(scope="module")
def idle_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on a home in which much was done, and nothing trained yet."""
    scratch, folder = tmp_path_factory.mktemp("idle-lab"), tmp_path_factory.mktemp("notebooks")
    (folder / "work.ipynb").write_text(NOTEBOOK)
    counts = prepare(scratch / "home", steps=STEPS)
    assert counts.held_out >= 50
    with running_lab(scratch, folder, EXTENSION) as running:
        yield running


@pytest.fixture
def database(idle_lab: Lab) -> Iterator[Database]:
    opened = open_database(Home(idle_lab.home).database)
    yield opened
    opened.close()


def until(what: str, found: Callable[[], object], seconds: float) -> None:
    """Look every 50 ms until something holds; AssertionError that says what did not come."""
    pause, left = threading.Event(), int(seconds / 0.05)
    while not found():
        left -= 1
        assert left > 0, f"waited {seconds:g} s in vain for: {what}"
        pause.wait(0.05)


def window(database: Database) -> Window | None:
    return next(iter(Windows(database).recent(1)), None)


def run_of(database: Database) -> TrainingRun | None:
    return next(iter(Training(database).recent(1)), None)


def worker_of(home: Home, run: int) -> int:
    return int(json.loads(training_folder(home, run).worker.read_text())["pid"])


@pytest.mark.timeout(2400)
def test_it_trains_while_nobody_works_and_makes_way_at_a_key(
    idle_lab: Lab, browser: Browser, database: Database
) -> None:
    with running_page(browser) as page:
        open_notebook(page, idle_lab, "work.ipynb")
        page.locator(".jp-CodeCell .cm-content").click()
        _it_trains_and_makes_way(page, Home(idle_lab.home), database)
        _it_goes_on_and_is_promoted(database)


def _it_trains_and_makes_way(page: Page, home: Home, database: Database) -> None:
    assert window(database) is None  # opening the page and starting a kernel is work
    until("a training", lambda: (run := run_of(database)) is not None and run.steps_done > 0, FIRST_SECONDS)
    opened, run, trains = window(database), run_of(database), conductor(home)
    assert opened is not None
    assert opened.closed_at is None
    assert run is not None
    assert trains is not None
    pid = worker_of(home, run.number)

    # Put there by the page itself: nobody has pressed a key yet.
    cell = CELL.format(pid=pid)
    page.evaluate(
        """source => window.jupyterapp.shell.currentWidget.content.widgets[0]
            .model.sharedModel.setSource(source)""",
        cell,
    )
    assert conductor(home) is not None
    page.keyboard.press("End")
    page.keyboard.press("Shift+Enter")
    until("the cell's output", lambda: code_cells(page)[0].text.strip(), 120)
    assert code_cells(page)[0].text.strip() == "gone"

    until("the window's end", lambda: (one := window(database)) and one.closed_at is not None, 60)
    closed = window(database)
    assert closed is not None
    assert closed.number == opened.number
    assert closed.closed_by in {"lab", "server_kernels"}
    assert closed.used_seconds > 0
    assert closed.yield_seconds is not None
    paused = Training(database).get(run.number)
    assert paused.state is RunState.PAUSED
    assert paused.steps_done < paused.steps
    assert Serving(database).current() is None


def _it_goes_on_and_is_promoted(database: Database) -> None:
    before = run_of(database)
    assert before is not None
    until(
        "the end of the training",
        lambda: (run := run_of(database)) is not None and run.state.over,
        REST_SECONDS,
    )
    run, last = run_of(database), window(database)
    assert run is not None
    assert last is not None
    assert run.number == before.number  # it was taken up, not begun again
    assert last.number > 1
    assert run.state is RunState.DONE, run.reason
    assert run.steps_done == STEPS
    assert Serving(database).current() == run.adapter, run.reason
