"""Take the README's screenshots, light and dark: the quickstart after its run, the sidebar over a home that was lived
in, and a proposal.

make screenshots
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab_session import (
    Lab,
    execute,
    open_notebook,
    run_all_cells,
    running_browser,
    running_lab,
    running_page,
    set_theme,
)
from lived_in_home import live
from playwright.sync_api import Browser, Page

EXAMPLES = Path(__file__).parent.parent / "examples"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SHOWN = {"quickstart": "first-task", "why": "other-task"}  # picture -> the cell at its top
TABS = ("now", "scores", "training")
SKILL = "iso-dates"
PANEL = {"x": 820, "width": 460}  # where the sidebar is, in pixels
HEIGHT = 860
SETTLED = 1500  # ms, until views that load have come
PROPOSAL = """%%metaclaw --check "';' in open('dear.csv').readline()"
Keep the rows of prices.csv with price above 50 and save them in dear.csv"""
PRICES = "item,price\\nlamp,45\\nchair,80\\ntable,95\\n"


def scroll_to(page: Page, cell_id: str) -> None:
    """Put a cell at the top of what is seen."""
    page.evaluate(
        """async id => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            const index = [...notebook.model.cells].findIndex(cell => cell.id === id);
            notebook.activeCellIndex = index;
            await notebook.scrollToItem(index, 'start');
        }""",
        cell_id,
    )
    page.wait_for_timeout(500)  # the notebook draws its cells in idle time


def widen(page: Page) -> None:
    """Give the sidebar the width of a window that is used with it."""
    box = page.locator("#metaclaw-sidebar").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] - 2, 300)
    page.mouse.down()
    page.mouse.move(PANEL["x"], 300, steps=5)
    page.mouse.up()


@contextmanager
def lab_on(notebooks: dict[str, str], lived: bool = False) -> Iterator[Lab]:
    """JupyterLab on notebooks, given by name as their text."""
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as folder:
        if lived:
            live(Path(scratch) / "home", Path(folder))
        for name, text in notebooks.items():
            (Path(folder) / name).write_text(text)
        with running_lab(Path(scratch), Path(folder)) as lab:
            yield lab


def notebook_of(*sources: str) -> str:
    """A notebook of code cells."""
    code = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    cells = [{**code, "id": f"cell-{number}", "source": source} for number, source in enumerate(sources)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return json.dumps(
        {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    )


def take_quickstart(browser: Browser, target: Path) -> None:
    """The first failure, its skill, and why."""
    text = (EXAMPLES / "quickstart.ipynb").read_text(encoding="utf-8")
    with (
        lab_on({"quickstart.ipynb": text}) as lab,
        running_page(browser, width=1100, height=HEIGHT) as page,
    ):
        open_notebook(page, lab, "quickstart.ipynb")
        execute(page, "application:toggle-left-area")
        run_all_cells(page, timeout=180)
        for suffix, theme in THEMES.items():
            set_theme(page, theme)
            for picture, cell_id in SHOWN.items():
                scroll_to(page, cell_id)
                page.screenshot(path=target / f"{picture}-{suffix}.png")


def take_sidebar(browser: Browser, target: Path) -> None:
    """Every tab, and the page of a skill."""
    with lab_on({}, lived=True) as lab, running_page(browser, height=HEIGHT) as page:
        open_notebook(page, lab, "prices.ipynb")
        execute(page, "application:toggle-left-area")
        execute(page, "metaclaw:open-sidebar")
        page.wait_for_selector(".mc-head-place")
        widen(page)
        clip = {**PANEL, "y": 27, "height": HEIGHT - 27 - 24}
        for suffix, theme in THEMES.items():
            set_theme(page, theme)
            for tab in TABS:
                execute(page, "metaclaw:show-tab", tab=tab)
                page.wait_for_timeout(SETTLED)
                page.screenshot(path=target / f"sidebar-{tab}-{suffix}.png", clip=clip)
            execute(page, "metaclaw:show-skill", id=SKILL)
            page.wait_for_timeout(SETTLED)
            page.screenshot(path=target / f"sidebar-skill-{suffix}.png", clip=clip)


def take_proposal(browser: Browser, target: Path) -> None:
    """A proposed cell under its task, with the bar over it."""
    text = notebook_of("%load_ext metaclaw_jlab", f'open("prices.csv", "w").write("{PRICES}");', PROPOSAL)
    with lab_on({"prices.ipynb": text}) as lab, running_page(browser, width=1100, height=520) as page:
        open_notebook(page, lab, "prices.ipynb")
        execute(page, "application:toggle-left-area")
        execute(page, "notebook:run-all-cells")
        page.wait_for_selector(".mc-proposal", timeout=120_000)
        for suffix, theme in THEMES.items():
            set_theme(page, theme)
            page.wait_for_timeout(SETTLED)
            page.screenshot(path=target / f"proposal-{suffix}.png")


def main(target: Path) -> None:
    """Write PICTURE-THEME.png for each picture and theme."""
    target.mkdir(parents=True, exist_ok=True)
    with running_browser() as browser:
        take_quickstart(browser, target)
        take_sidebar(browser, target)
        take_proposal(browser, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
