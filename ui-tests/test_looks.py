"""No place of ours keeps anybody out: axe finds nothing and nothing is wider than it has room for, light and dark, wide
and 300 pixels narrow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe import violations
from lab_session import Lab, execute, running_lab, running_page, set_theme
from lived_in_home import live
from playwright.sync_api import Browser, Page, expect

LONG = 60_000  # ms: the machine may be busy
SIDEBAR = "#metaclaw-sidebar"
THEMES = ("JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast")
NARROW = 300
PLACES = {
    "now": ("metaclaw:show-tab", {"tab": "now"}, ".mc-trend"),
    "skills": ("metaclaw:show-tab", {"tab": "skills"}, "[role=treeitem]"),
    "generations": ("metaclaw:show-skill", {"id": ":generations"}, ".mc-timeline"),
    "a generation": ("metaclaw:show-skill", {"id": ":generation/3"}, ".mc-failures"),
    "a skill": ("metaclaw:show-skill", {"id": "iso-dates"}, ".mc-rendered"),
    "scores": ("metaclaw:show-tab", {"tab": "scores"}, ".mc-scored-list button"),
    "training": ("metaclaw:show-tab", {"tab": "training"}, ".mc-table"),
    "a run": ("metaclaw:show-tab", {"tab": "training", "subject": "run/3"}, "table"),
    "an adapter": ("metaclaw:show-tab", {"tab": "training", "subject": "adapter/2"}, "table"),
    "ablations": ("metaclaw:show-tab", {"tab": "ablations"}, ".mc-empty"),
    "a new ablation": ("metaclaw:new-ablation", {}, ".mc-ablation-form"),
}
PAGES = {"settings": ("metaclaw:open-settings", ".mc-setting"), "doctor": ("metaclaw:doctor", ".mc-finding")}


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    scratch, folder = tmp_path_factory.mktemp("looks-lab"), tmp_path_factory.mktemp("looks-notebooks")
    live(scratch / "home", folder)
    with running_lab(scratch, folder) as lab:
        yield lab


@pytest.fixture(scope="module")
def page(lived: Lab, browser: Browser) -> Iterator[Page]:
    """The sidebar over a home in which much was done."""
    with running_page(browser) as shown:
        shown.goto(f"{lived.url}/lab")
        shown.wait_for_function("window.jupyterapp !== undefined", timeout=LONG)
        shown.evaluate("async () => { await window.jupyterapp.restored; }")
        execute(shown, "metaclaw:open-sidebar")
        expect(shown.locator(".mc-head-place").first).to_be_visible(timeout=LONG)
        yield shown


def go(page: Page, place: str) -> None:
    command, arguments, there = PLACES[place]
    execute(page, command, **arguments)
    expect(page.locator(f"{SIDEBAR} {there}").first).to_be_visible(timeout=LONG)


@pytest.mark.parametrize("theme", THEMES)
def test_no_place_of_the_sidebar_keeps_anybody_out(page: Page, theme: str) -> None:
    set_theme(page, theme)
    found = {}
    for place in PLACES:
        go(page, place)
        found[place] = violations(page, SIDEBAR)
    assert {place: faults for place, faults in found.items() if faults} == {}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", PAGES)
def test_no_page_keeps_anybody_out(page: Page, name: str, theme: str) -> None:
    command, there = PAGES[name]
    set_theme(page, theme)
    execute(page, command)
    expect(page.locator(there).first).to_be_visible(timeout=LONG)
    assert violations(page, f":is(.mc-main, {SIDEBAR}):has({there})") == []


def test_nothing_is_wider_than_a_narrow_panel(page: Page) -> None:
    page.set_viewport_size({"width": 900, "height": 900})
    box = page.locator(SIDEBAR).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] - 2, 300)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - NARROW, 300, steps=5)
    page.mouse.up()
    for place in PLACES:
        go(page, place)
        over = page.evaluate(
            """sidebar => [...document.querySelectorAll(`${sidebar} .mc-panel, ${sidebar} .mc-head`)]
                .filter(node => node.scrollWidth > node.clientWidth).map(node => node.className)""",
            SIDEBAR,
        )
        assert over == [], place
