"""The first five minutes: an empty home, a task that fails, the skill that comes of it while one looks on, and what a
user does with it then - one story, each chapter on what the one before has left."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import violations
from lab_session import (
    Lab,
    execute,
    open_notebook,
    run_all_cells,
    running_lab,
    running_page,
    set_theme,
    wait_until,
)
from playwright.sync_api import Browser, Locator, Page, expect

from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.marks import Marks
from metaclaw_jlab.store.skills import Skills

EXAMPLE = Path(__file__).parent.parent / "examples/quickstart.ipynb"
CHAPTER = ("load", "status", "table", "first-task")
LONG = 60_000  # ms: the policy starts, and the machine may be busy
SKILL = re.compile("csv|semicolon")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on an empty home, with the quickstart up to its first task."""
    folder = tmp_path_factory.mktemp("first-notebooks")
    notebook = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    notebook["cells"] = [cell for cell in notebook["cells"] if cell["id"] in CHAPTER]
    (folder / "first.ipynb").write_text(json.dumps(notebook))
    with running_lab(tmp_path_factory.mktemp("first-lab"), folder) as running:
        yield running


@pytest.fixture(scope="module")
def page(fresh: Lab, browser: Browser) -> Iterator[Page]:
    """The notebook, with the sidebar beside it."""
    with running_page(browser) as shown:
        open_notebook(shown, fresh, "first.ipynb")
        execute(shown, "metaclaw:open-sidebar")
        yield shown


@pytest.fixture(scope="module")
def learnt(page: Page) -> Locator:
    """The line of the skill, as it came while the tab was open."""
    page.locator("#mc-tab-skills").click()
    expect(page.locator("#mc-panel")).to_contain_text("No skills yet", timeout=LONG)
    run_all_cells(page, timeout=LONG / 1000)
    line = page.get_by_role("tree", name="Skills").locator(".mc-tree-skill")
    expect(line).to_have_count(1, timeout=LONG)
    return line


@pytest.fixture
def skills(fresh: Lab) -> Iterator[Skills]:
    database = open_database(open_home(fresh.home).database)
    yield Skills(database)
    database.close()


def open_library(page: Page) -> None:
    """The list of the skills, from wherever one is."""
    page.locator("#mc-tab-now").click()
    page.locator("#mc-tab-skills").click()
    expect(page.get_by_role("tree", name="Skills")).to_be_visible(timeout=LONG)


def open_skill(page: Page, learnt: Locator) -> None:
    """The page of the skill, from wherever one is."""
    open_library(page)
    learnt.click()
    expect(page.locator(".mc-page-title")).to_have_text(SKILL, timeout=LONG)


def undo(page: Page, told: str) -> None:
    """Take back what a notification tells."""
    toast = page.locator(".Toastify__toast", has_text=told)
    toast.get_by_role("button", name="Undo").click()


def test_an_empty_home_says_what_it_is_and_what_to_do(page: Page) -> None:
    page.locator("#mc-tab-now").click()
    panel = page.locator("#mc-panel")
    expect(panel).to_contain_text("practice", timeout=LONG)
    expect(panel).to_contain_text("%metaclaw")
    nothing = re.compile("No|None|Nothing|not yet")
    said: dict[str, str | re.Pattern[str]] = dict.fromkeys(("skills", "scores", "training"), nothing)
    said["ablations"] = "The first one to run"
    for tab, text in said.items():
        page.locator(f"#mc-tab-{tab}").click()
        expect(panel).to_contain_text(text, timeout=LONG)
        assert violations(page, "#metaclaw-sidebar") == []


@pytest.mark.timeout(300)
def test_a_failure_becomes_a_skill_while_one_looks_on(learnt: Locator) -> None:
    expect(learnt).to_contain_text(SKILL)


def test_its_lineage_leads_to_the_cell_that_failed(page: Page, learnt: Locator) -> None:
    open_skill(page, learnt)
    page.locator(".mc-failures").get_by_text("first.ipynb").click()
    page.wait_for_function(
        "window.jupyterapp.shell.currentWidget.content.activeCell?.model.id === 'first-task'", timeout=LONG
    )


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_its_page_keeps_nobody_out(page: Page, learnt: Locator, theme: str) -> None:
    set_theme(page, theme)
    open_skill(page, learnt)
    for mode in ("Source", "Versions", "Edit", "Rendered"):
        page.locator(".mc-modes").get_by_role("button", name=mode).click()
        page.wait_for_timeout(300)  # the editor's chunk comes
        assert violations(page, "#metaclaw-sidebar") == []


def test_an_edit_is_a_generation_and_can_be_taken_back(page: Page, learnt: Locator, skills: Skills) -> None:
    open_skill(page, learnt)
    before = skills.current_generation()
    page.locator(".mc-modes").get_by_role("button", name="Edit").click()
    page.locator(".mc-edit .cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nCommas are for lists.\n")
    page.keyboard.press("Control+s")
    expect(page.locator(".mc-rendered")).to_contain_text("Commas are for lists.", timeout=LONG)
    assert skills.current_generation().number == before.number + 1

    undo(page, "The edit of")
    expect(page.locator(".mc-rendered")).not_to_contain_text("Commas", timeout=LONG)
    assert skills.current_generation().members == before.members
    assert skills.current_generation().number == before.number + 2


@pytest.mark.usefixtures("learnt")
def test_the_library_goes_back_after_a_look_at_what_changes(page: Page, skills: Skills) -> None:
    open_library(page)
    name = dict(skills.current_generation().members).popitem()[0]
    page.get_by_role("button", name=re.compile("Generation g")).click()
    page.locator(".mc-timeline").get_by_role("button", name="g0", exact=True).click()
    page.get_by_role("button", name="Roll back to it…").click()
    expect(page.locator("#mc-panel")).to_contain_text(name)
    assert skills.current_generation().members != ()
    page.get_by_role("button", name="Roll back to g0").click()
    wait_until(page, lambda: skills.current_generation().members == (), LONG / 1000)
    undo(page, "of generation 0")
    open_library(page)
    expect(page.locator(".mc-tree-skill")).to_have_count(1, timeout=LONG)
    assert [member for member, _ in skills.current_generation().members] == [name]


def test_quarantine_keeps_it_out_of_prompts_until_it_is_let_out(
    page: Page, learnt: Locator, fresh: Lab
) -> None:
    open_skill(page, learnt)
    name = page.locator(".mc-page-title").text_content() or ""
    marks = page.locator(".mc-skill-marks")
    page.get_by_role("button", name="Quarantine", exact=True).click()
    expect(marks).to_contain_text("quarantine", timeout=LONG)
    database = open_database(open_home(fresh.home).database)
    assert "quarantined" in Marks(database).all()[name]
    page.get_by_role("button", name="Out of quarantine").click()
    expect(marks).to_have_count(0, timeout=LONG)
    assert name not in Marks(database).all()
    database.close()
