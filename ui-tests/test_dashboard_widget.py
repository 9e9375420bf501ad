"""The dashboard's own page code in a browser: drawn, worked by keyboard, with hostile names, without a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe import violations
from lab_session import running_page
from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).parent.parent / "metaclaw_jlab/jupyter/kernel/widgets"
HOSTILE = '<img src=x onerror="window.hurt = true"><script>window.hurt = true</script>'
# A model as anywidget has one, whose kernel is the test.
MODEL = """
async ({code, state}) => {
  const module = await import(URL.createObjectURL(new Blob([code], {type: 'text/javascript'})));
  window.sent = [];
  const heard = [];
  window.model = {
    state,
    get: name => (name === 'state' ? window.model.state : 'metaclaw-picture-1'),
    send: what => window.sent.push(what),
    on: (_, draw) => heard.push(draw),
    off: () => undefined
  };
  window.tell = state => { window.model.state = state; heard.forEach(draw => draw()); };
  window.leave = module.default.render({model: window.model, el: document.getElementById('here')});
}
"""


def skill(name: str, **more: object) -> dict[str, object]:
    known = {"description": HOSTILE, "since": 5, "uses": 41, "helped": 29, "hurt": 1, "marks": []}
    return {"name": name, **known, "pinned": False, "disabled": False, **more}


def state(*skills: dict[str, object], notice: str = "", answered: int = 0) -> dict[str, Any]:
    task = {"id": "a1", "at": 0, "outcome": HOSTILE, "well": False, "steps": 2, "generation": 7}
    snapshot = {
        "version": 1,
        "package": "1.0",
        "at": 0,
        "policy": HOSTILE,
        "serving": "adapter v3",
        "generation": 7,
        "search": "",
        "total": len(skills),
        "skills": list(skills),
        "trend": f"Better: {HOSTILE}",
        "scores": [
            {"generation": 5, "n": 12, "mean": 0.5, "low": 0.25, "high": 0.75},
            {"generation": 7, "n": 30, "mean": 0.9, "low": 0.8, "high": 0.95},
        ],
        "tasks": [{**task, "skills": [HOSTILE]}],
        "training": HOSTILE,
        "schedule": "Waiting.",
        "paused": False,
        "runs": [{"number": 3, "state": "done", "at": 0, "adapter": 3, "result": HOSTILE}],
        "rewards": [0.1, None, 0.5],
    }
    return {"snapshot": snapshot, "notice": notice, "answered": answered}


@pytest.fixture(params=[1280, 300])
def board(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page with the dashboard on it."""
    with running_page(browser, width=request.param) as page:
        css = (FOLDER / "dashboard.css").read_text(encoding="utf-8")
        page.set_content(
            f'<!doctype html><html lang="en"><title>A notebook</title><style>{css}</style><main>'
            '<h1>A notebook</h1><h2>A</h2><h3>B</h3><div id="here"></div>'
            '<div class="metaclaw-picture-1">The saved picture.</div></main></html>'
        )
        code = (FOLDER / "dashboard.js").read_text(encoding="utf-8")
        page.evaluate(MODEL, {"code": code, "state": state(skill("iso-dates"), skill("snake-names"))})
        yield page


def test_nothing_from_outside_becomes_markup(board: Page) -> None:
    board.wait_for_timeout(50)
    assert board.evaluate("window.hurt") is None
    assert board.locator("#here img, #here script").count() == 0
    assert HOSTILE in board.locator("#here").inner_text()


def test_a_button_is_reached_and_pressed_by_keyboard(board: Page) -> None:
    for _ in range(20):
        board.keyboard.press("Tab")
        if board.evaluate("document.activeElement.ariaLabel") == "Pin snake-names":
            break
    board.keyboard.press("Enter")
    assert board.evaluate("window.sent") == [{"do": "pin", "name": "snake-names", "on": True, "asked": 1}]


def test_the_focus_stays_where_it_was_when_the_kernel_answers(board: Page) -> None:
    board.get_by_role("button", name="Pin iso-dates").focus()
    board.keyboard.press("Enter")
    answer = state(skill("iso-dates", pinned=True, marks=["pinned"]), notice="Pinned.", answered=1)
    board.evaluate("answer => window.tell(answer)", answer)
    assert board.evaluate("document.activeElement.ariaLabel") == "Unpin iso-dates"
    assert board.get_by_role("status").inner_text() == "Pinned."
    assert board.locator("#here").get_attribute("aria-busy") is None


def test_the_saved_picture_is_hidden_while_the_widget_is_there(board: Page) -> None:
    assert not board.get_by_text("The saved picture.").is_visible()
    board.evaluate("window.leave()")
    assert board.get_by_text("The saved picture.").is_visible()


def test_a_kernel_that_is_gone_is_told(board: Page) -> None:
    board.evaluate("void (window.model.send = () => { throw new Error('no comm'); })")
    board.get_by_role("button", name="Refresh").click()
    assert "There is no kernel" in board.get_by_role("status").inner_text()
    assert board.locator("#here").get_attribute("aria-busy") is None


def test_a_search_is_sent_when_the_keys_rest(board: Page) -> None:
    board.get_by_role("searchbox", name="Search skills").press_sequentially("iso")
    board.wait_for_function("window.sent.length === 1")
    assert board.evaluate("window.sent[0].words") == "iso"


def test_axe_finds_nothing(board: Page) -> None:
    assert violations(board, "#here") == []


def test_the_page_does_not_scroll_sideways(board: Page) -> None:
    assert board.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
