"""The quickstart as a reader runs it: top to bottom in JupyterLab."""

from __future__ import annotations

import pytest
from lab_session import CodeCell, Lab, code_cells, open_notebook, run_all_cells, running_page
from playwright.sync_api import Browser

MINUTES = 60


@pytest.fixture(scope="module")
def cells(browser: Browser, lab: Lab) -> list[CodeCell]:
    """The code cells of the quickstart after one run."""
    with running_page(browser) as page:
        open_notebook(page, lab, "quickstart.ipynb")
        run_all_cells(page, timeout=3 * MINUTES)
        return code_cells(page)


def results(cells: list[CodeCell]) -> list[str]:
    """What the cells show that print the file that the agent wrote."""
    return [cell.text for cell in cells if cell.source == 'print(Path("reports/dear.csv").read_text())']


@pytest.mark.timeout(5 * MINUTES)
def test_every_cell_runs(cells: list[CodeCell]) -> None:
    assert [cell.error for cell in cells if cell.error] == []
    assert all(cell.execution_count for cell in cells)


def test_the_rule_is_broken_before_the_skill_is_there(cells: list[CodeCell]) -> None:
    assert results(cells)[0].split() == ["item,price", "chair,80", "table,95", "shelf,60"]


def test_the_rule_is_kept_with_the_skill(cells: list[CodeCell]) -> None:
    assert results(cells)[1].split() == ["item;price", "chair;80", "table;95", "shelf;60"]


def test_why_names_the_skill(cells: list[CodeCell]) -> None:
    assert "csv-separator" in cells[-1].text
