"""The sidebar over a home that was lived in: what it says is what the server says, and all of it goes by keyboard."""

from __future__ import annotations

import json
import os
import re
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from axe import violations
from lab_session import Lab, execute, running_lab, running_page, search_palette, set_theme
from lived_in_home import live
from playwright.sync_api import Browser, Page, expect

EXTENSION = "--ServerApp.jpserver_extensions={'metaclaw_jlab': True}"
LONG = 60_000  # ms: the machine may be busy
SIDEBAR = "#metaclaw-sidebar"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on a home in which much was done."""
    scratch, folder = tmp_path_factory.mktemp("lived-lab"), tmp_path_factory.mktemp("lived-notebooks")
    live(scratch / "home", folder)
    with running_lab(scratch, folder, EXTENSION) as running:
        yield running


@pytest.fixture
def shown(lived: Lab, browser: Browser) -> Iterator[Page]:
    """The sidebar, open and filled, with the focus in it."""
    with running_page(browser) as page:
        open_sidebar(page, lived)
        yield page


def load(page: Page, url: str) -> None:
    """Go to a page of JupyterLab and wait until it is as it was left."""
    page.goto(url)
    page.wait_for_function("window.jupyterapp !== undefined", timeout=LONG)
    page.evaluate("async () => { await window.jupyterapp.restored; }")


def open_sidebar(page: Page, lab: Lab) -> None:
    load(page, f"{lab.url}/lab/workspaces/{uuid.uuid4().hex}")
    # The launcher takes the focus when it comes, a moment after the rest.
    page.wait_for_function("document.activeElement?.closest('.jp-Launcher')", timeout=LONG)
    page.keyboard.press("Control+Alt+m")
    expect(page.locator(".mc-head-place").first).to_be_visible(timeout=LONG)
    expect(page.locator("#mc-tab-now")).to_be_focused(timeout=LONG)


def ask(lab: Lab, path: str, method: str = "GET") -> dict[str, object]:
    """What the server says. Without a token, it asks for no XSRF token either."""
    request = Request(f"{lab.url}/metaclaw/api/{path}", method=method)
    with urlopen(request, timeout=60) as answer:
        found = json.load(answer)
    assert isinstance(found, dict)
    return found


def pid_of(lab: Lab) -> int:
    return int(str(ask(lab, "health")["pid"]))


def press_until_focused(page: Page, key: str, text: str, most: int = 80) -> None:
    """Press a key until the button with a text has the focus."""
    for _ in range(most):
        if page.evaluate("document.activeElement.innerText.trim()") == text:
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key!r} does not lead to {text!r}")


def test_now_shows_what_the_server_says(shown: Page, lived: Lab) -> None:
    status, trend = ask(lived, "status"), ask(lived, "trend")
    head, panel = shown.locator(".mc-head"), shown.locator("#mc-panel")
    expect(head).to_contain_text(f"skills g{status['skill_generation']}")
    expect(head).to_contain_text(f"adapter v{status['adapter']}")
    expect(panel).to_contain_text(str(trend["sentence"]), timeout=LONG)
    generations = trend["generations"]
    assert isinstance(generations, list)
    expect(panel.locator(".mc-trend tbody tr")).to_have_count(len(generations))
    tasks = ask(lived, "tasks?limit=6")["tasks"]
    assert isinstance(tasks, list)
    expect(panel.locator(".mc-row .mc-row-text")).to_have_text([task["text"] for task in tasks])


def test_a_task_opens_and_the_focus_stays_in_the_sidebar(shown: Page) -> None:
    shown.locator(".mc-row").first.press("Enter", timeout=LONG)
    expect(shown.locator("#mc-tab-scores")).to_have_attribute("aria-selected", "true")
    shown.wait_for_function(f"document.querySelector('{SIDEBAR}').contains(document.activeElement)")


def test_the_keys_go_from_tab_to_tab(shown: Page) -> None:
    tabs = shown.locator(".mc-tab")
    shown.keyboard.press("End")
    expect(tabs.last).to_be_focused()
    expect(tabs.last).to_have_attribute("aria-selected", "true")
    shown.keyboard.press("ArrowRight")
    expect(tabs.first).to_be_focused()
    shown.keyboard.press("Control+Alt+ArrowRight")
    expect(tabs.nth(1)).to_have_attribute("aria-selected", "true")
    shown.keyboard.press("Control+Alt+ArrowLeft")
    expect(tabs.first).to_have_attribute("aria-selected", "true")


def test_the_search_for_skills_is_a_key_away(shown: Page) -> None:
    shown.keyboard.press("Control+Alt+s")
    expect(shown.locator("#mc-panel input[type=search]")).to_be_focused(timeout=LONG)


def test_training_is_paused_and_resumed_by_keyboard(shown: Page, lived: Lab) -> None:
    said = shown.locator(".mc-head-said")
    height = shown.locator(".mc-head").bounding_box()
    press_until_focused(shown, "Shift+Tab", "Pause ▾")
    shown.keyboard.press("Enter")
    expect(shown.locator(".lm-Menu-item.lm-mod-active")).to_have_text(re.compile("30 minutes"))
    shown.keyboard.press("ArrowDown")
    shown.keyboard.press("Enter")
    expect(said).to_contain_text("Paused until", timeout=LONG)
    assert ask(lived, "scheduler")["pause"] is not None
    expect(shown.locator(".mc-act", has_text="Resume")).to_be_focused()
    expect(shown.locator(".mc-head .mc-heard")).to_have_text("MetaClaw: Paused")
    shown.keyboard.press("Enter")
    expect(said).not_to_contain_text("Paused", timeout=LONG)
    assert ask(lived, "scheduler")["pause"] is None
    expect(shown.locator(".mc-act", has_text="Pause")).to_be_focused()
    assert shown.locator(".mc-head").bounding_box() == height


def test_what_was_done_is_told_with_its_undo(shown: Page, lived: Lab) -> None:
    execute(shown, "metaclaw:pause", minutes=60)
    toast = shown.locator(".Toastify__toast", has_text="Nothing is trained by itself until")
    expect(toast).to_be_visible(timeout=LONG)
    toast.get_by_role("button", name="Undo").click()
    expect(shown.locator(".Toastify__toast", has_text="The pause is over")).to_be_visible(timeout=LONG)
    assert ask(lived, "scheduler")["pause"] is None


def test_what_happens_elsewhere_shows_without_a_click(shown: Page, browser: Browser, lived: Lab) -> None:
    with running_page(browser) as other:
        open_sidebar(other, lived)
        execute(other, "metaclaw:pause")
        expect(shown.locator(".mc-head-said")).to_contain_text("Paused", timeout=LONG)
        execute(other, "metaclaw:resume")
        expect(shown.locator(".mc-head-said")).not_to_contain_text("Paused", timeout=LONG)


def test_commands_are_in_the_palette_and_the_menu(shown: Page) -> None:
    offered = search_palette(shown, "MetaClaw: ")
    for label in ("Train now", "Stop training", "Pause training for an hour", "Resume training by itself"):
        assert f"MetaClaw: {label}" in offered
    shown.keyboard.press("Escape")
    shown.locator(".lm-MenuBar-item", has_text="MetaClaw").click()
    expect(shown.locator(".lm-Menu-itemLabel", has_text="Train now")).to_be_visible()
    shown.keyboard.press("Escape")


def test_the_status_bar_says_it_and_opens_the_sidebar(shown: Page) -> None:
    item = shown.locator(".mc-status-button")
    expect(item).to_contain_text("MetaClaw: ")
    expect(item).to_contain_text("· g")
    execute(shown, "application:toggle-right-area")
    expect(shown.locator(SIDEBAR)).to_be_hidden()
    item.press("Enter")
    expect(shown.locator(SIDEBAR)).to_be_visible()


def test_the_launcher_begins_a_notebook_with_an_agent_cell(shown: Page) -> None:
    shown.locator(".jp-LauncherCard", has_text="MetaClaw Notebook").click()
    shown.wait_for_function(
        "window.jupyterapp.shell.currentWidget?.content?.model?.cells?.length === 2", timeout=LONG
    )
    sources = shown.evaluate(
        """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
            .map(cell => cell.sharedModel.getSource())"""
    )
    assert sources == ["%load_ext metaclaw_jlab", "%%metaclaw\n"]


def test_the_place_is_where_it_was_before_a_reload(lived: Lab, browser: Browser) -> None:
    with running_page(browser) as page:
        load(page, f"{lived.url}/lab/workspaces/place")
        execute(page, "metaclaw:show-tab", tab="scores")
        expect(page.locator("#mc-tab-scores")).to_have_attribute("aria-selected", "true", timeout=LONG)
        page.wait_for_function(
            """async () => {
                const answer = await fetch('/lab/api/workspaces/place');
                const {data} = await answer.json();
                const {right} = data['layout-restorer:data'] ?? {};
                return JSON.stringify(data).includes('"tab":"scores"')
                    && right?.current === 'metaclaw-sidebar' && !right.collapsed;
            }""",
            polling=500,
            timeout=LONG,
        )
        page.wait_for_timeout(3000)  # JupyterLab saves more than once, and a reload cuts that short
        page.reload()
        expect(page.locator("#mc-tab-scores")).to_have_attribute("aria-selected", "true", timeout=LONG)
        expect(page.locator(SIDEBAR)).to_be_visible()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"])
def test_nothing_keeps_people_out(shown: Page, theme: str) -> None:
    set_theme(shown, theme)
    expect(shown.locator(".mc-trend")).to_be_visible(timeout=LONG)
    assert violations(shown, SIDEBAR) == []
    assert violations(shown, ".mc-status") == []


def test_it_fits_into_300_pixels(shown: Page) -> None:
    expect(shown.locator(".mc-trend")).to_be_visible(timeout=LONG)
    shown.evaluate(f"document.querySelector('{SIDEBAR}').style.maxWidth = '300px'")
    wider = shown.evaluate(
        f"""() => [...document.querySelectorAll('{SIDEBAR} .mc-head, {SIDEBAR} .mc-panel')]
            .filter(part => part.scrollWidth > part.clientWidth).map(part => part.className)"""
    )
    assert wider == []


def test_a_server_that_is_killed_and_started_again(tmp_path: Path, browser: Browser) -> None:
    """The panel greys and says since when; and goes on by itself as soon as there is a server again."""
    scratch, notebooks = tmp_path / "lab", tmp_path / "notebooks"
    notebooks.mkdir()
    with running_page(browser) as page:
        with running_lab(scratch, notebooks, EXTENSION) as first:
            open_sidebar(page, first)
            os.kill(pid_of(first), signal.SIGKILL)
            expect(page.locator(f"{SIDEBAR}.mc-stale")).to_be_visible(timeout=LONG)
            expect(page.locator(".mc-head-said")).to_contain_text("does not answer; last heard of")
            assert violations(page, SIDEBAR) == []
            expect(page.locator(".mc-act").first).to_have_attribute("aria-disabled", "true")
        port = int(first.url.rsplit(":", 1)[1])
        with running_lab(scratch, notebooks, EXTENSION, port=port):
            expect(page.locator(".mc-head .mc-heard")).to_have_text(
                "The server was restarted, and answers again.", timeout=LONG
            )
            expect(page.locator(SIDEBAR)).not_to_have_class(re.compile("mc-stale"))


def test_a_server_without_the_extension_says_what_to_do(tmp_path: Path, browser: Browser) -> None:
    (notebooks := tmp_path / "notebooks").mkdir()
    without = "--ServerApp.jpserver_extensions={'metaclaw_jlab': False}"
    with running_lab(tmp_path / "lab", notebooks, without) as lab, running_page(browser) as page:
        load(page, f"{lab.url}/lab")
        execute(page, "metaclaw:open-sidebar")
        expect(page.locator("#mc-panel")).to_contain_text(
            "jupyter server extension enable metaclaw_jlab", timeout=LONG
        )
        assert violations(page, SIDEBAR) == []


NOTEBOOK = (
    '{"cells": [{"cell_type": "code", "execution_count": null, "id": "one", "metadata": {}, "outputs": [],'
    ' "source": "%%metaclaw"}], "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python",'
    ' "name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}'
)


def test_it_is_in_notebook_7_too(tmp_path: Path, browser: Browser) -> None:
    notebooks = tmp_path / "notebooks"
    live(tmp_path / "lab" / "home", notebooks)
    (notebooks / "one.ipynb").write_text(NOTEBOOK)
    with (
        running_lab(tmp_path / "lab", notebooks, EXTENSION, application="notebook") as lab,
        running_page(browser) as page,
    ):
        page.goto(f"{lab.url}/notebooks/one.ipynb")
        page.wait_for_selector(".jp-CodeCell", timeout=LONG)
        page.keyboard.press("Control+Alt+m")
        expect(page.locator("#mc-tab-now")).to_be_focused(timeout=LONG)
        expect(page.locator(".mc-trend")).to_be_visible(timeout=LONG)
        press_until_focused(page, "Shift+Tab", "Pause ▾")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        expect(page.locator(".mc-head-said")).to_contain_text("Paused until", timeout=LONG)
        page.locator(".lm-MenuBar-item", has_text="MetaClaw").click()
        expect(page.locator(".lm-Menu-itemLabel", has_text="Train now")).to_be_visible()
        page.keyboard.press("Escape")
        assert violations(page, SIDEBAR) == []
