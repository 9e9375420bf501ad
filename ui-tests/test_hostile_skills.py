"""Skills with markup, scripts, hidden characters and very much text: shown in the sidebar and in a dashboard, never
executed; and a notebook that a skill came from, and that is no longer there."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from lab_session import Lab, execute, open_notebook, run_all_cells, running_lab, running_page
from lived_in_home import RULES, live
from playwright.sync_api import Browser, Page, expect

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.working_copy import publish
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.skills import Skills

LONG = 60_000  # ms: the machine may be busy
MARKUP = (
    '<script>window.hurt = true</script><img src=x onerror="window.hurt = true">'
    '<a href="javascript:window.hurt = true">press</a> [press](javascript:window.hurt=true) '
    '<iframe srcdoc="<script>parent.hurt = true</script>"></iframe>'
)
HOSTILE = Skill("hostile", f"Right \u202eto left, hid\u200bden {MARKUP}", f"Do it.\n\n{MARKUP}\n\n\u202eend")
LARGE = Skill("large", "A megabyte.", "\n".join(f"Rule {n}: {'words ' * 400}" for n in range(420)))
NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "open",
            "metadata": {},
            "outputs": [],
            "source": "import metaclaw_jlab\nmetaclaw_jlab.dashboard()",
        }
    ],
    "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on a home with such skills."""
    scratch, folder = tmp_path_factory.mktemp("hostile-lab"), tmp_path_factory.mktemp("hostile-notebooks")
    home = live(scratch / "home", folder, tasks=40)
    database = open_database(home.database)
    library = Skills(database)
    members = library.members(library.current_generation().number)
    library.commit_generation(Cause.IMPORT, (*members, HOSTILE, LARGE))
    publish(home, library)
    database.close()
    (folder / "board.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    with running_lab(scratch, folder) as running:
        yield running


@pytest.fixture
def shown(lab: Lab, browser: Browser) -> Iterator[Page]:
    """The sidebar, open."""
    with running_page(browser) as page:
        page.goto(f"{lab.url}/lab")
        page.wait_for_function("window.jupyterapp !== undefined", timeout=LONG)
        page.evaluate("async () => { await window.jupyterapp.restored; }")
        execute(page, "metaclaw:open-sidebar")
        expect(page.locator("#mc-panel")).to_be_visible(timeout=LONG)
        yield page


def assert_unhurt(page: Page, place: str) -> None:
    """Nothing of the skill runs, is loaded or can be pressed."""
    page.wait_for_timeout(200)
    assert page.evaluate("window.hurt") is None
    bad = f":is({place}) :is(script, iframe, img[src='x'], [onerror], a[href^='javascript'])"
    assert page.locator(bad).count() == 0


def test_a_hostile_skill_is_shown_and_does_nothing(shown: Page) -> None:
    execute(shown, "metaclaw:show-skill", id=HOSTILE.name)
    expect(shown.locator(".mc-rendered")).to_contain_text("Do it.", timeout=LONG)
    assert_unhurt(shown, "#mc-panel")
    expect(shown.locator("#mc-panel")).to_contain_text("⟦U+202E⟧")
    assert "\u202e" not in shown.locator("#mc-panel").inner_text()
    for mode in ("Source", "Edit"):
        shown.locator(".mc-modes").get_by_role("button", name=mode).click()
        expect(shown.locator("#mc-panel .cm-content")).to_contain_text("<script>", timeout=LONG)
        assert_unhurt(shown, "#mc-panel")


def test_a_skill_of_a_megabyte_opens_and_leaves_the_page_alive(shown: Page) -> None:
    execute(shown, "metaclaw:show-skill", id=LARGE.name)
    expect(shown.locator("#mc-panel")).to_contain_text("Rule 0:", timeout=LONG)
    assert shown.locator("#mc-panel *").count() < 5000
    shown.locator("#mc-tab-now").click()
    expect(shown.locator("#mc-tab-now")).to_have_attribute("aria-selected", "true")


def test_a_notebook_that_is_gone_is_told_where_a_skill_came_from_it(shown: Page, lab: Lab) -> None:
    # The page asks once which notebooks are still there: it goes only after that, so that the link is pressed.
    with shown.expect_response(lambda response: "/api/contents/prices.ipynb" in response.url, timeout=LONG):
        execute(shown, "metaclaw:show-skill", id=RULES[0][0])
    link = shown.locator(".mc-failures").get_by_role("button", name="prices.ipynb").first
    expect(link).to_be_visible(timeout=LONG)
    (lab.folder / "prices.ipynb").unlink()
    link.click()
    expect(shown.locator(".mc-failures")).to_contain_text("it is no longer there", timeout=LONG)


def test_a_dashboard_shows_it_alive_and_without_its_kernel(lab: Lab, browser: Browser) -> None:
    with running_page(browser) as page:
        open_notebook(page, lab, "board.ipynb")
        run_all_cells(page, LONG / 1000)
        expect(page.locator(".metaclaw-dashboard")).to_contain_text("<script>", timeout=LONG)
        assert_unhurt(page, ".jp-OutputArea")
        page.evaluate(
            """async () => {
                await window.jupyterapp.commands.execute('docmanager:save');
                await window.jupyterapp.serviceManager.sessions.shutdownAll();
            }"""
        )
    with running_page(browser) as page:
        open_notebook(page, lab, "board.ipynb")
        picture = page.locator("[class*='metaclaw-picture-']")
        expect(picture).to_contain_text("<script>", timeout=LONG)
        expect(page.get_by_text("model not found")).to_be_hidden()
        assert_unhurt(page, ".jp-OutputArea")
