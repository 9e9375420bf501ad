"""The tab Ablate: runs that are over are looked at, by keyboard too, and one is begun, watched and stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ablated_home import Sketch, ablate
from axe import violations
from lab_session import Lab, execute, running_lab, running_page, set_theme
from playwright.sync_api import Browser, Page, expect

from metaclaw_jlab.core.ablation import AblationState
from metaclaw_jlab.evaluation.ablation.run_folder import list_runs
from metaclaw_jlab.runtime.home import open_home

EXTENSION = "--ServerApp.jpserver_extensions={'metaclaw_jlab': True}"
LONG = 60_000  # ms: the machine may be busy
SIDEBAR = "#metaclaw-sidebar"
THEMES = ("JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast")
MANY = 2000
ARMS = ("baseline", "skills", "full", "placebo")
# The runs of the home, by what they show.
LARGE, STREAM, STOPPED = 1, 2, 3
PLACES = {
    "list": (None, ".mc-ablation-row"),
    "form": ("new", ".mc-ablation-form"),
    "run": (str(LARGE), ".mc-forest-svg"),
    "stream": (str(STREAM), ".mc-days"),
    "stopped": (str(STOPPED), ".mc-forest-svg"),
    "grid": (f"{LARGE}/tasks", ".mc-grid-task"),
    "task": (f"{LARGE}/tasks/task-0003", ".mc-pair-side"),
}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on a home with a large run, a stream, and one that was stopped."""
    scratch, folder = tmp_path_factory.mktemp("ablations-lab"), tmp_path_factory.mktemp("ablations-notebooks")
    home = open_home(scratch / "home")
    ablate(home, Sketch(ARMS, tasks=MANY))
    ablate(home, Sketch(tasks=40, seeds=(1, 2, 3), days=5))
    ablate(home, Sketch(state=AblationState.CANCELLED))
    with running_lab(scratch, folder, EXTENSION) as running:
        yield running


@pytest.fixture
def page(compared: Lab, browser: Browser) -> Iterator[Page]:
    """The sidebar, open."""
    with running_page(browser) as shown:
        shown.goto(f"{compared.url}/lab")
        shown.wait_for_function("window.jupyterapp !== undefined", timeout=LONG)
        shown.evaluate("async () => { await window.jupyterapp.restored; }")
        execute(shown, "metaclaw:open-sidebar")
        expect(shown.locator(".mc-head-place").first).to_be_visible(timeout=LONG)
        execute(shown, "metaclaw:show-ablations")
        expect(shown.locator(".mc-ablation-row").first).to_be_visible(timeout=LONG)
        yield shown


def go(page: Page, place: str) -> None:
    subject, there = PLACES[place]
    arguments = {} if subject is None else {"subject": subject}
    execute(page, "metaclaw:show-tab", tab="ablations", **arguments)
    expect(page.locator(f"{SIDEBAR} {there}").first).to_be_visible(timeout=LONG)


def widen(page: Page, width: int) -> None:
    """Give the sidebar so many pixels."""
    box = page.locator(SIDEBAR).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] - 2, 300)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - width, 300, steps=5)
    page.mouse.up()


@pytest.mark.parametrize("theme", THEMES)
def test_no_place_keeps_anybody_out(page: Page, theme: str) -> None:
    set_theme(page, theme)
    found = {}
    for place in PLACES:
        go(page, place)
        found[place] = violations(page, SIDEBAR)
    assert {place: faults for place, faults in found.items() if faults} == {}


@pytest.mark.parametrize("width", [300, 700])
def test_nothing_is_wider_than_its_panel(page: Page, width: int) -> None:
    widen(page, width)
    for place in PLACES:
        go(page, place)
        over = page.locator(f"{SIDEBAR} .mc-panel").evaluate(
            """panel => panel.scrollWidth > panel.clientWidth ? [...panel.querySelectorAll('*')].filter(
                node => node.getBoundingClientRect().right > panel.getBoundingClientRect().right + 1)
                .map(node => node.className) : []"""
        )
        assert over == [], place


def test_two_thousand_tasks_are_led_through_by_keyboard(page: Page) -> None:
    go(page, "run")
    page.get_by_role("button", name="Every task, and what each arm did").press("Enter")
    grid = page.get_by_role("grid")
    expect(grid).to_have_attribute("aria-rowcount", str(MANY + 1), timeout=LONG)
    assert grid.get_by_role("row").count() < 100
    grid.locator('[tabindex="0"]').focus()
    page.keyboard.press("Control+End")
    expect(grid.locator("[role=row]").filter(has=page.locator(":focus"))).to_have_attribute(
        "aria-rowindex", str(MANY + 1)
    )
    page.keyboard.press("Control+Home")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    reached = page.evaluate("document.activeElement.ariaLabel")
    assert reached.startswith("skills: ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Arm, Left")).to_be_visible(timeout=LONG)
    page.keyboard.press("Alt+ArrowLeft")
    expect(grid).to_be_visible(timeout=LONG)
    expect(grid.locator('[tabindex="0"]')).to_have_attribute("aria-label", reached)


def test_the_grid_keeps_its_place(page: Page) -> None:
    go(page, "grid")
    panel = page.locator(f"{SIDEBAR} .mc-panel")
    panel.evaluate("panel => { panel.scrollTop = 20000; }")
    row = page.locator(".mc-grid-task .mc-grid-title").filter(has_text="task-0775").first
    expect(row).to_be_visible(timeout=LONG)
    row.click()
    page.get_by_role("button", name="Task by task").click(timeout=LONG)
    expect(row).to_be_visible(timeout=LONG)
    assert panel.evaluate("panel => panel.scrollTop") == 20000


def test_two_traces_stand_side_by_side_where_there_is_room(page: Page) -> None:
    def tops() -> list[float]:
        boxes = [side.bounding_box() for side in page.locator(".mc-pair-side").all()]
        return [box["y"] for box in boxes if box is not None]

    widen(page, 600)
    go(page, "task")
    first, second = tops()
    assert first == second
    widen(page, 320)
    first, second = tops()
    assert first < second


def test_what_a_policy_wrote_is_text(page: Page) -> None:
    go(page, "grid")
    page.get_by_role("combobox", name="Which tasks").select_option("only baseline")
    page.locator(".mc-grid-title").first.click()
    expect(page.get_by_text("<img src=x onerror=alert(1)>").first).to_be_visible(timeout=LONG)
    assert page.locator(f"{SIDEBAR} .mc-panel img").count() == 0


def test_a_run_is_handed_on(page: Page, compared: Lab) -> None:
    go(page, "stopped")
    with page.expect_download(timeout=LONG) as download:
        page.get_by_role("button", name="CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert text.count("\n") > 100
    page.get_by_role("button", name="Notebook", exact=True).click()
    expect(page.get_by_text(f"Saved as ablation-{STOPPED}.ipynb.")).to_be_visible(timeout=LONG)
    expect(page.locator(".jp-NotebookPanel").first).to_be_visible(timeout=LONG)
    assert (compared.folder / f"ablation-{STOPPED}.ipynb").exists()


def test_an_ablation_is_begun_watched_stopped_and_deleted(page: Page, compared: Lab) -> None:
    page.get_by_role("button", name="New ablation").click()
    expect(page.get_by_role("button", name="Start")).to_be_visible(timeout=LONG)
    chosen = page.get_by_role("checkbox", checked=True)
    while chosen.count():
        chosen.first.uncheck()
    expect(page.get_by_text("Choose at least two arms")).to_be_visible()
    page.get_by_role("checkbox", name="baseline").check()
    page.get_by_text("more arms").click()
    page.get_by_role("checkbox", name="given").check()
    page.get_by_label("Test tasks").fill("400")
    page.get_by_label("Seeds").fill("1")
    page.get_by_label("Days").fill("")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("progressbar")).to_be_visible(timeout=LONG)
    number = list_runs(open_home(compared.home))[0].number
    expect(page.get_by_role("heading", name=f"Ablation {number}")).to_be_visible(timeout=LONG)
    # Results come while it runs, and what has the focus keeps it.
    stop = page.get_by_role("button", name="Stop", exact=True).last
    stop.focus()
    expect(page.locator(".mc-forest-svg").first).to_be_visible(timeout=3 * LONG)
    expect(stop).to_be_focused()
    assert violations(page, SIDEBAR) == []
    stop.press("Enter")
    expect(page.get_by_role("button", name="Resume", exact=True)).to_be_visible(timeout=3 * LONG)
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator(".mc-ablation-row")).to_have_count(3, timeout=LONG)
