"""Every action of the sidebar is reached by keyboard: whatever can be clicked in a tab gets the focus by Tab, or by the
arrows within the list or row of tabs that it is in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab_session import Lab, execute, running_lab, running_page
from lived_in_home import live
from playwright.sync_api import Browser, Page, expect

LONG = 60_000  # ms: the machine may be busy
MOST = 400  # presses of a key
SIDEBAR = "#metaclaw-sidebar"
SKILL = "iso-dates"
# What a user can act on. Of a tree, a row of tabs and the list of tasks one has the focus; arrows lead to the others.
ACTS = "button, a[href], input, select, textarea, summary, [role=treeitem], [contenteditable=true]"
WITHIN = '[role="tree"], [role="tablist"], .mc-scored-list'
PLACES = {
    "now": ("metaclaw:show-tab", {"tab": "now"}),
    "skills": ("metaclaw:show-tab", {"tab": "skills"}),
    "generations": ("metaclaw:show-skill", {"id": ":generations"}),
    "a generation": ("metaclaw:show-skill", {"id": ":generation/3"}),
    "a skill": ("metaclaw:show-skill", {"id": SKILL}),
    "scores": ("metaclaw:show-tab", {"tab": "scores"}),
    "training": ("metaclaw:show-tab", {"tab": "training"}),
    "ablations": ("metaclaw:show-tab", {"tab": "ablations"}),
    "a new ablation": ("metaclaw:new-ablation", {}),
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Page]:
    """The sidebar over a home in which much was done."""
    scratch, folder = tmp_path_factory.mktemp("keys-lab"), tmp_path_factory.mktemp("keys-notebooks")
    live(scratch / "home", folder)
    with running_lab(scratch, folder) as lab, running_page(browser) as shown:
        open_sidebar(shown, lab)
        yield shown


def open_sidebar(page: Page, lab: Lab) -> None:
    page.goto(f"{lab.url}/lab")
    page.wait_for_function("window.jupyterapp !== undefined", timeout=LONG)
    page.evaluate("async () => { await window.jupyterapp.restored; }")
    execute(page, "metaclaw:open-sidebar")
    expect(page.locator(".mc-head-place").first).to_be_visible(timeout=LONG)


def reached(page: Page) -> set[str]:
    """What Tab leads to in the sidebar, from its tabs to where it leaves it, both ways."""
    found: set[str] = set()
    for key in ("Tab", "Shift+Tab"):
        page.locator(f'{SIDEBAR} [role="tab"][aria-selected="true"]').first.focus()
        for _ in range(MOST):
            here = focused(page)
            if here is None:
                break
            found.add(here)
            page.keyboard.press(key)
    return found


def focused(page: Page) -> str | None:
    """The mark of the element that has the focus; None where that is outside the sidebar."""
    mark = page.evaluate(
        """([sidebar]) => {
            const here = document.activeElement;
            return document.querySelector(sidebar).contains(here) ? here.dataset.reached ?? '' : null;
        }""",
        [SIDEBAR],
    )
    assert mark is None or isinstance(mark, str)
    return mark


def mark_acts(page: Page) -> dict[str, str]:
    """Number everything that can be acted on by Tab; what each says, by its number."""
    found = page.evaluate(
        """([sidebar, acts, within]) => {
            const said = {};
            const all = [...document.querySelector(sidebar).querySelectorAll(acts)].filter(
                node => node.checkVisibility() && !node.disabled && !node.closest(within));
            all.forEach((node, index) => {
                node.dataset.reached = String(index);
                said[index] = (node.ariaLabel || node.innerText || node.tagName).trim();
            });
            return said;
        }""",
        [SIDEBAR, ACTS, WITHIN],
    )
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("place", PLACES)
def test_tab_leads_to_everything_that_can_be_acted_on(page: Page, place: str) -> None:
    command, arguments = PLACES[place]
    execute(page, command, **arguments)
    expect(page.locator(f"{SIDEBAR} .mc-waiting:not(:empty)")).to_have_count(0, timeout=LONG)
    acts = mark_acts(page)
    for _ in range(20):  # pages and hints that come later
        page.wait_for_timeout(500)
        before, acts = acts, mark_acts(page)
        if before == acts and len(acts) > 3:
            break
    found = reached(page)
    assert {said for number, said in acts.items() if number not in found} == set()


def test_arrows_lead_through_the_tree(page: Page) -> None:
    execute(page, "metaclaw:show-tab", tab="skills")
    page.locator(f'{SIDEBAR} [role="tree"]').focus()
    items = page.get_by_role("treeitem")
    expect(items.first).to_be_visible(timeout=LONG)
    page.keyboard.press("Home")
    seen = set()
    for _ in range(items.count()):
        seen.add(page.locator('[role="treeitem"].mc-mod-active').inner_text())
        page.keyboard.press("ArrowDown")
    assert seen == set(items.all_inner_texts())
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".mc-page-title")).to_be_visible(timeout=LONG)


def test_arrows_lead_through_the_tasks(page: Page) -> None:
    execute(page, "metaclaw:show-tab", tab="scores")
    task = page.locator(".mc-scored-list button").first
    expect(task).to_be_visible(timeout=LONG)
    task.focus()
    said = []
    for _ in range(30):  # more than are in sight
        said.append(page.evaluate("document.activeElement.innerText"))
        page.keyboard.press("ArrowDown")
    assert len(set(said)) > 25  # two may read the same
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Good")).to_be_visible(timeout=LONG)


def test_arrows_lead_through_the_tabs(page: Page) -> None:
    tabs = page.locator(f'{SIDEBAR} [role="tab"]')
    tabs.first.focus()
    page.keyboard.press("Home")
    for index in range(tabs.count()):
        expect(tabs.nth(index)).to_be_focused()
        page.keyboard.press("ArrowRight")
