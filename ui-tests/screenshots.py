"""Take the README's screenshots: the quickstart after its run, light and dark.

make screenshots
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from lab_session import (
    execute,
    open_notebook,
    run_all_cells,
    running_browser,
    running_lab,
    running_page,
    set_theme,
)
from playwright.sync_api import Page

EXAMPLES = Path(__file__).parent.parent / "examples"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SHOWN = {"quickstart": "first-task", "why": "other-task"}  # picture -> the cell at its top


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


def main(target: Path) -> None:
    """Write PICTURE-THEME.png for each picture and theme."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as folder:
        shutil.copy(EXAMPLES / "quickstart.ipynb", folder)
        with (
            running_lab(Path(scratch), Path(folder)) as lab,
            running_browser() as browser,
            running_page(browser, width=1100, height=860) as page,
        ):
            open_notebook(page, lab, "quickstart.ipynb")
            execute(page, "application:toggle-left-area")
            run_all_cells(page, timeout=180)
            for suffix, theme in THEMES.items():
                set_theme(page, theme)
                for picture, cell_id in SHOWN.items():
                    scroll_to(page, cell_id)
                    page.screenshot(path=target / f"{picture}-{suffix}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
