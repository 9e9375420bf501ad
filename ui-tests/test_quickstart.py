"""The quickstart as a reader runs it: top to bottom in JupyterLab."""

from __future__ import annotations

import pytest
from lab_session import CodeCell, Lab, code_cells, open_notebook, run_all_cells, running_page, wait_until
from playwright.sync_api import Browser

MINUTES = 60
CORRECTED = "csv files must have semicolons"


@pytest.fixture(scope="module")
def cells(browser: Browser, lab: Lab) -> list[CodeCell]:
    """The code cells of the quickstart after one run."""
    with running_page(browser) as page:
        open_notebook(page, lab, "quickstart.ipynb")
        run_all_cells(page, timeout=3 * MINUTES)
        # What comes of the last failure is shown in its cell when the thread beside is through.
        wait_until(page, lambda: not any("learning from it" in cell.text for cell in code_cells(page)))
        return code_cells(page)


def tasks(cells: list[CodeCell]) -> list[CodeCell]:
    return [cell for cell in cells if cell.source.startswith("%%metaclaw")]


@pytest.mark.timeout(5 * MINUTES)
def test_only_the_tasks_without_the_skill_fail(cells: list[CodeCell]) -> None:
    assert all(cell.execution_count for cell in cells)
    failed = [f"TaskFailed: {CORRECTED}" in (cell.error or "") for cell in tasks(cells)]
    assert failed == [True, False, False, True]
    assert [cell.error for cell in cells if cell.error and cell not in tasks(cells)] == []


def test_what_was_learned_is_told_in_the_cell_that_failed(cells: list[CodeCell]) -> None:
    assert "MetaClaw learned: new skill" in tasks(cells)[0].text
    assert "undo: %metaclaw generations rollback 0" in tasks(cells)[0].text


def test_the_same_task_and_another_one_are_done_right_with_the_skill(cells: list[CodeCell]) -> None:
    for cell in tasks(cells)[1:3]:
        assert "1 of 1 checks passed" in cell.text
        assert "semicolons" in cell.text


def test_why_names_the_failure_that_the_skill_came_from(cells: list[CodeCell]) -> None:
    why = next(cell for cell in cells if cell.source == "%metaclaw why")
    assert CORRECTED in why.text
    assert "quickstart.ipynb" in why.text


def test_what_was_taken_out_is_not_learned_again(cells: list[CodeCell]) -> None:
    assert "taken out" in tasks(cells)[3].text
