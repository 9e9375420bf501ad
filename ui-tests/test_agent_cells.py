"""The labextension in a real JupyterLab: the command and the highlighting."""

from __future__ import annotations

import pytest
from lab_session import Lab, code_cells, execute, open_notebook, search_palette, wait_until
from playwright.sync_api import Page, expect

PYTHON, PROSE = "text/x-ipython", "text/x-ipythongfm"
EMPTY_NOTEBOOK = (
    '{"cells": [{"cell_type": "code", "execution_count": null, "id": "one", "metadata": {}, "outputs": [],'
    ' "source": "x = 1"}], "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python",'
    ' "name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}'
)


@pytest.fixture
def notebook(page: Page, lab: Lab) -> Page:
    (lab.folder / "one_cell.ipynb").write_text(EMPTY_NOTEBOOK)
    open_notebook(page, lab, "one_cell.ipynb")
    return page


def test_command_is_offered_in_the_palette(notebook: Page) -> None:
    assert "MetaClaw: New agent cell" in search_palette(notebook, "New agent cell")


def test_command_inserts_a_cell_and_edits_it(notebook: Page) -> None:
    execute(notebook, "metaclaw:new-agent-cell")
    expect(notebook.locator(".jp-CodeCell")).to_have_count(2)
    notebook.wait_for_function("document.activeElement?.closest('.cm-editor') !== null")
    notebook.keyboard.type("Print the total of prices.csv.")
    assert [cell.source for cell in code_cells(notebook)] == [
        "x = 1",
        "%%metaclaw\nPrint the total of prices.csv.",
    ]


def test_a_task_is_shown_as_prose_and_code_as_code(notebook: Page) -> None:
    execute(notebook, "metaclaw:new-agent-cell")
    expect(notebook.locator(".jp-CodeCell")).to_have_count(2)
    wait_until(notebook, lambda: [cell.mime_type for cell in code_cells(notebook)] == [PYTHON, PROSE])
