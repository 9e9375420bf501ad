from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_session import Lab, running_browser, running_lab, running_page
from playwright.sync_api import Browser, Page

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on a copy of the examples."""
    folder = tmp_path_factory.mktemp("notebooks")
    for notebook in EXAMPLES.glob("*.ipynb"):
        shutil.copy(notebook, folder)
    with running_lab(tmp_path_factory.mktemp("lab"), folder) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with running_page(browser) as running:
        yield running
