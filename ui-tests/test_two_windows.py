"""Two windows that edit one skill: the second save is refused, and neither text is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from lab_session import Lab, execute, running_lab, running_page
from playwright.sync_api import Browser, Page, expect

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.skills.working_copy import publish
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.skills import Skills

LONG = 60_000  # ms: the machine may be busy
NAME = "iso-dates"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """JupyterLab on a home with one skill."""
    home = open_home(tmp_path / "home")
    database = open_database(home.database)
    library = Skills(database)
    library.commit_generation(Cause.USER, [Skill(NAME, "How dates look.", "Write dates as ISO 8601.")])
    publish(home, library)
    database.close()
    folder = tmp_path / "notebooks"
    folder.mkdir()
    with running_lab(tmp_path, folder) as running:
        yield running


@pytest.fixture
def windows(lab: Lab, browser: Browser) -> Iterator[list[Page]]:
    """Two windows with the skill, each being edited."""
    with ExitStack() as stack:
        pages = [stack.enter_context(running_page(browser)) for _ in range(2)]
        for page in pages:
            page.goto(f"{lab.url}/lab")
            page.wait_for_function("window.jupyterapp !== undefined", timeout=LONG)
            page.evaluate("async () => { await window.jupyterapp.restored; }")
            execute(page, "metaclaw:open-sidebar")
            execute(page, "metaclaw:show-skill", id=NAME)
            page.locator(".mc-modes").get_by_role("button", name="Edit").click(timeout=LONG)
            expect(page.locator(".mc-edit .cm-content")).to_contain_text("ISO 8601", timeout=LONG)
        yield pages


def write(page: Page, text: str) -> None:
    page.locator(".mc-edit .cm-content").first.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(text)


def saved(lab: Lab) -> str:
    """The body of the skill as the home has it."""
    database = open_database(open_home(lab.home).database)
    library = Skills(database)
    (skill,) = library.members(library.current_generation().number)
    database.close()
    return skill.body


def test_the_second_save_is_refused_and_both_texts_are_there(lab: Lab, windows: list[Page]) -> None:
    first, second = windows
    write(second, "\nSecond: with a time zone.")
    write(first, "\nFirst: without the time.")
    first.get_by_role("button", name="Save", exact=True).click()
    expect(first.locator(".mc-rendered")).to_contain_text("First:", timeout=LONG)

    second.get_by_role("button", name="Save", exact=True).click()
    expect(second.get_by_role("alert").filter(has_text="another text meanwhile")).to_be_visible(timeout=LONG)
    expect(second.locator(".mc-edit")).to_contain_text("Second: with a time zone.")
    expect(second.locator(".mc-edit")).to_contain_text("First: without the time.")
    assert "Second:" not in saved(lab)
    assert "First:" in saved(lab)

    second.get_by_role("button", name="Save mine over theirs").click()
    expect(second.locator(".mc-rendered")).to_contain_text("Second:", timeout=LONG)
    assert "Second:" in saved(lab)
