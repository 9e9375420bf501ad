"""Proposals of the embedded policy in a real JupyterLab: accepted, run, rejected, undone, and left alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator

import pytest
from axe import violations
from lab_session import (
    CodeCell,
    Lab,
    code_cells,
    execute,
    open_notebook,
    run_all_cells,
    running_lab,
    running_page,
)
from playwright.sync_api import Browser, Locator, Page, expect

from metaclaw_jlab.core.feedback import FeedbackKind
from metaclaw_jlab.core.trajectory import StopReason, Trajectory
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.feedback import Feedbacks
from metaclaw_jlab.store.trajectories import Trajectories

EXTENSION = "--ServerApp.jpserver_extensions={'metaclaw_jlab': True}"
SECONDS = 120.0  # for what has to come, on a slow machine

SETUP = """\
%load_ext metaclaw_jlab
import os, tempfile
from pathlib import Path
os.chdir(tempfile.mkdtemp())
Path("reports").mkdir()
Path("prices.csv").write_text("item,price\\nlamp,45\\nchair,80\\ntable,95\\n")
"""
TASK = """\
%%metaclaw
Keep the rows of prices.csv with price above 50 and save them in reports/dear.csv
"""
BAR = ".mc-proposal"

pytestmark = pytest.mark.timeout(600)


def notebook(*sources: str) -> str:
    cells: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{number}",
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return json.dumps(
        {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    )


@pytest.fixture(scope="module")
def proposing_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab with the server extension, which tells tasks what became of their proposals."""
    with running_lab(
        tmp_path_factory.mktemp("proposing-lab"), tmp_path_factory.mktemp("notebooks"), EXTENSION
    ) as running:
        yield running


@pytest.fixture
def proposed(browser: Browser, proposing_lab: Lab, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A notebook in which the policy has proposed a cell, and that cell is active."""
    name = f"{request.node.name}.ipynb"
    (proposing_lab.folder / name).write_text(notebook(SETUP, TASK))
    with running_page(browser) as page:
        open_notebook(page, proposing_lab, name)
        execute(page, "notebook:run-all-cells")
        expect(page.locator(BAR)).to_be_visible(timeout=SECONDS * 1000)
        activate(page, 2)
        yield page


def activate(page: Page, index: int) -> None:
    """Make a cell the active one, in command mode, with the focus on it."""
    page.evaluate(
        """index => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            notebook.activeCellIndex = index;
            notebook.mode = 'command';
            notebook.activeCell.node.focus();
        }""",
        index,
    )


def cell(page: Page, index: int) -> CodeCell:
    return code_cells(page)[index]


def provenance(page: Page, index: int) -> dict[str, object]:
    found: dict[str, object] = page.evaluate(
        "index => window.jupyterapp.shell.currentWidget.content.model.cells.get(index).getMetadata('metaclaw')",
        index,
    )
    return found


def saved(page: Page) -> object:
    """The notebook as it would be saved."""
    return page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.toJSON()")


def act(page: Page, name: str) -> Locator:
    return page.locator(BAR).get_by_role("button", name=name, exact=True)


def until(what: str, found: Callable[[], object]) -> None:
    """Look every 100 ms until something holds; AssertionError that says what did not come."""
    pause, left = threading.Event(), int(SECONDS / 0.1)
    while not found():
        left -= 1
        assert left > 0, f"waited {SECONDS:g} s in vain for: {what}"
        pause.wait(0.1)


def trajectory(lab: Lab, trajectory_id: str) -> Trajectory:
    database = open_database(Home(lab.home).database)
    try:
        return Trajectories(database).get(trajectory_id)
    finally:
        database.close()


def test_accept_run_and_undo_by_keyboard(proposed: Page) -> None:
    page = proposed
    expect(page.locator(BAR)).to_contain_text("MetaClaw proposes")
    before = saved(page)

    page.keyboard.press("Enter")
    expect(page.locator(BAR)).to_contain_text("By MetaClaw")
    assert provenance(page, 2)["state"] == "accepted"
    assert cell(page, 2).execution_count is None

    page.keyboard.press("Control+Alt+z")
    expect(page.locator(BAR)).to_contain_text("MetaClaw proposes")
    assert saved(page) == before

    page.keyboard.press("Shift+Enter")
    page.wait_for_function(
        """() => {
            const cell = window.jupyterapp.shell.currentWidget.content.model.cells.get(2);
            return cell.executionCount !== null && cell.outputs.length > 0;
        }""",
        timeout=SECONDS * 1000,
    )
    expect(act(page, "Undo")).to_be_visible()
    ran = cell(page, 2)
    assert provenance(page, 2)["state"] == "accepted"

    act(page, "Undo").click()
    expect(page.locator(BAR)).to_contain_text("MetaClaw proposes")
    undone = cell(page, 2)
    assert (undone.execution_count, undone.outputs) == (None, [])
    assert provenance(page, 2)["state"] == "proposed"

    page.keyboard.press("Control+Alt+Shift+z")
    expect(page.locator(BAR)).to_contain_text("By MetaClaw")
    assert cell(page, 2) == ran


def test_a_rejected_proposal_leaves_nothing_and_its_task_hears_of_it(
    proposed: Page, proposing_lab: Lab
) -> None:
    page = proposed
    task = str(provenance(page, 2)["trajectory"])
    before = saved(page)

    page.keyboard.press("Escape")
    expect(page.locator(BAR)).to_have_count(0)
    assert [one.source for one in code_cells(page)] == [SETUP, TASK]

    page.get_by_role("button", name="Undo", exact=True).first.click()
    expect(page.locator(BAR)).to_be_visible()
    assert saved(page) == before
    assert trajectory(proposing_lab, task).stop is None

    act(page, "Reject").click()
    expect(page.locator(BAR)).to_have_count(0)
    page.goto("about:blank")  # nobody can undo it any more
    until("the end of the task", lambda: trajectory(proposing_lab, task).stop is StopReason.REJECTED)


def test_a_deleted_proposal_is_a_rejected_one(proposed: Page, proposing_lab: Lab) -> None:
    page = proposed
    task = str(provenance(page, 2)["trajectory"])
    page.keyboard.press("d")
    page.keyboard.press("d")
    expect(page.locator(BAR)).to_have_count(0)
    until("the end of the task", lambda: trajectory(proposing_lab, task).stop is StopReason.REJECTED)
    database = open_database(Home(proposing_lab.home).database)
    said = Feedbacks(database).of(task)
    database.close()
    assert [word.kind for word in said] == [FeedbackKind.REJECTED]


def test_a_protected_proposal_is_left_alone(proposed: Page) -> None:
    page = proposed
    page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.model.cells.get(2)
            .setMetadata('tags', ['metaclaw-protect'])"""
    )
    expect(page.locator(BAR)).to_contain_text("protected")
    expect(act(page, "Accept")).to_be_disabled()
    expect(act(page, "Reject")).to_be_disabled()
    before = saved(page)
    for key in ("Enter", "Shift+Enter", "Escape"):
        activate(page, 2)
        page.keyboard.press(key)
    assert saved(page) == before


def test_a_task_is_judged_from_its_output(browser: Browser, proposing_lab: Lab) -> None:
    (proposing_lab.folder / "judged.ipynb").write_text(
        notebook(SETUP, TASK.replace("%%metaclaw", "%%metaclaw --mode auto"))
    )
    with running_page(browser) as page:
        open_notebook(page, proposing_lab, "judged.ipynb")
        run_all_cells(page, timeout=SECONDS)
        good = page.get_by_role("button", name="Done right", exact=True)
        expect(good).to_have_attribute("aria-pressed", "false", timeout=SECONDS * 1000)
        assert violations(page, ".mc-task") == []
        bad = page.get_by_role("button", name="Not done right", exact=True)
        bad.click()
        page.keyboard.type("dd")  # in a cell that would delete it
        page.keyboard.press("Enter")
        expect(bad).to_have_attribute("aria-pressed", "true")
        expect(bad).to_be_focused()
        page.keyboard.press("Enter")
        expect(bad).to_have_attribute("aria-pressed", "false")
        good.click()
        expect(good).to_have_attribute("aria-pressed", "true")
        execute(page, "docmanager:save")
        page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.content.model.dirty")
        page.reload()
        expect(good).to_have_attribute("aria-pressed", "true", timeout=SECONDS * 1000)


def test_a_failed_cell_is_handed_to_the_agent(browser: Browser, proposing_lab: Lab) -> None:
    (proposing_lab.folder / "failed.ipynb").write_text(notebook("1 / 0"))
    with running_page(browser) as page:
        open_notebook(page, proposing_lab, "failed.ipynb")
        run_all_cells(page, timeout=SECONDS)
        activate(page, 0)
        page.locator(".jp-cell-toolbar").get_by_text("Fix", exact=True).click()
        expect(page.locator(".jp-CodeCell")).to_have_count(2)
        assert cell(page, 1).source.startswith(
            "%%metaclaw\nThe cell @In[1] failed with ZeroDivisionError: division by zero\n"
        )
        assert provenance(page, 1) == {"version": 1, "fixes": "cell-0"}


def test_a_card_that_was_saved_under_way_says_that_its_end_was_not_seen(
    browser: Browser, proposing_lab: Lab
) -> None:
    left = json.loads(notebook(TASK))
    metadata = {"metaclaw_under_way": {"version": 1, "trajectory": "0a1b2c3d"}}
    data = {"text/plain": "MetaClaw: writes · step 1"}
    left["cells"][0]["outputs"] = [{"output_type": "display_data", "data": data, "metadata": metadata}]
    (proposing_lab.folder / "left.ipynb").write_text(json.dumps(left))
    with running_page(browser) as page:
        open_notebook(page, proposing_lab, "left.ipynb")
        expect(page.locator(".mc-task")).to_contain_text("was not seen here")


def test_a_rule_that_the_user_states_becomes_a_skill_while_they_watch(
    browser: Browser, proposing_lab: Lab
) -> None:
    task = TASK.replace("%%metaclaw", '%%metaclaw --mode auto --check "1 == 2"')
    own = "import pandas as pd\npd.read_csv('prices.csv').to_csv('reports/dear.csv', sep=';')"
    (proposing_lab.folder / "corrected.ipynb").write_text(notebook(SETUP, task, own))
    with running_page(browser) as page:
        open_notebook(page, proposing_lab, "corrected.ipynb")
        execute(page, "metaclaw:show-tab", tab="skills")
        run_all_cells(page, timeout=SECONDS)
        activate(page, 2)
        execute(page, "notebook:run-cell")
        page.locator(".jp-cell-toolbar").get_by_text("Learn from this", exact=True).click()
        field = page.get_by_role("textbox", name="What was wrong")
        expect(field).to_have_value(own)
        field.fill("csv files must have semicolons")
        page.locator(".jp-Dialog-footer").get_by_role("button", name="Learn from this").click()
        tree = page.locator("#metaclaw-sidebar").get_by_role("tree")
        expect(tree).to_contain_text("semicolons", timeout=SECONDS * 1000)


FAILED = "total = pricse + 1"
MENDED = "# metaclaw:0a1b2c3d\ntotal = 1"


@pytest.fixture
def mending(browser: Browser, proposing_lab: Lab, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A failed cell, a task that asks for it to be mended, and a proposal for it as a kernel would put it there."""
    name = f"{request.node.name}.ipynb"
    (proposing_lab.folder / name).write_text(notebook(FAILED))
    with running_page(browser) as page:
        open_notebook(page, proposing_lab, name)
        page.evaluate(
            """mended => {
                const { sharedModel } = window.jupyterapp.shell.currentWidget.content.model;
                const metadata = { metaclaw: { version: 1, fixes: 'cell-0' } };
                sharedModel.insertCell(1, { cell_type: 'code', source: '%%metaclaw\\nMend it.', metadata });
                sharedModel.insertCell(2, { cell_type: 'code', source: mended });
            }""",
            MENDED,
        )
        activate(page, 2)
        yield page


def test_a_change_is_shown_before_it_is_accepted(mending: Page) -> None:
    page = mending
    expect(page.locator(BAR)).to_contain_text("proposes a change")
    shown = page.locator(".mc-difference")
    expect(shown.locator(".cm-deletedChunk")).to_contain_text(FAILED)
    expect(shown.locator(".cm-content")).to_contain_text("total = 1")
    assert violations(page, BAR) == []

    act(page, "Accept").click()
    assert [one.source for one in code_cells(page)] == [MENDED, "%%metaclaw\nMend it."]
    act(page, "Undo").click()
    assert [one.source for one in code_cells(page)] == [FAILED, "%%metaclaw\nMend it.", MENDED]


def test_undo_of_a_change_that_was_changed_since_asks_first(mending: Page) -> None:
    page = mending
    before = saved(page)
    act(page, "Accept and run").click()
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.model.cells.get(0).executionCount !== null",
        timeout=SECONDS * 1000,
    )
    expect(act(page, "Undo")).to_be_visible()
    edited = MENDED + "  # mine"
    page.evaluate(
        "text => window.jupyterapp.shell.currentWidget.content.model.cells.get(0).sharedModel.setSource(text)",
        edited,
    )
    act(page, "Undo").click()
    page.get_by_role("button", name="Keep what is there").click()
    assert cell(page, 0).source == edited
    act(page, "Undo").click()
    page.get_by_role("button", name="Undo all the same").click()
    expect(page.locator(BAR)).to_contain_text("proposes a change")
    assert saved(page) == before


def test_a_run_that_is_cut_by_a_restart_can_be_undone(mending: Page) -> None:
    page = mending
    page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.model.cells.get(2).sharedModel
            .setSource('# metaclaw:0a1b2c3d\\nimport time\\ntime.sleep(600)')"""
    )
    before = saved(page)
    act(page, "Accept and run").click()
    expect(page.locator(BAR)).to_contain_text("By MetaClaw")
    expect(act(page, "Undo")).to_have_count(0)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    act(page, "Undo").click(timeout=SECONDS * 1000)
    expect(page.locator(BAR)).to_contain_text("proposes a change")
    assert saved(page) == before


def test_a_protected_cell_is_not_changed_by_a_proposal_for_it(mending: Page) -> None:
    page = mending
    page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.model.cells.get(0)
            .setMetadata('tags', ['metaclaw-protect'])"""
    )
    expect(act(page, "Accept")).to_be_disabled()
    page.keyboard.press("Enter")
    assert cell(page, 0).source == FAILED
