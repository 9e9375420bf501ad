"""The ablation widget's own page code in a browser: form, results, grid; by keyboard, with hostile names, no kernel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from axe import violations
from lab_session import running_page
from playwright.sync_api import Browser, Page, expect

from metaclaw_jlab.jupyter.kernel.widgets.page_code import page_code, page_text

HOSTILE = '<img src=x onerror="window.hurt = true"><script>window.hurt = true</script>'
OPEN_MS = 500
# A model as anywidget has one, whose kernel is the test.
MODEL = """
async ({code, traits}) => {
  const module = await import(URL.createObjectURL(new Blob([code], {type: 'text/javascript'})));
  window.sent = [];
  const heard = {};
  window.model = {
    get: name => traits[name],
    send: what => window.sent.push(what),
    on: (what, draw) => { heard[what] = draw; },
    off: what => { delete heard[what]; }
  };
  window.tell = (name, value) => { traits[name] = value; heard[`change:${name}`](); };
  window.leave = module.default.render({model: window.model, el: document.getElementById('here')});
}
"""
CHOICES = {
    "arms": [
        {"name": "baseline", "about": "no skills", "learns": False},
        {"name": "full", "about": HOSTILE, "learns": True},
    ],
    "parts": [],
    "task_sets": [
        {
            "spec": "practice:held-out",
            "title": "Practice",
            "about": "in new words",
            "count": None,
            "why_not": None,
        },
        {"spec": "log", "title": "Logged", "about": "yours", "count": 0, "why_not": "None has checks."},
    ],
    "defaults": {
        "arms": ["baseline", "full"],
        "tasks": "practice:held-out",
        "n": 100,
        "seeds": 1,
        "samples": 1,
        "days": 6,
        "budget_minutes": None,
        "budget_tokens": None,
    },
}


def arm(mean: float) -> dict[str, Any]:
    known = {"about": HOSTILE, "tasks": 100, "attempts": 100, "right": None, "tokens": 5000, "cost": 0.0}
    spent = {"seconds": 0.5, "policy_seconds": 0.4, "failures": {"n": 1, "example": HOSTILE}}
    return {**known, **spent, "mean": mean, "ci95": [mean - 0.1, mean + 0.1]}


def report(**changes: object) -> dict[str, Any]:
    compared = {"arm": "full", "reference": "baseline", "tasks": 100, "difference": 0.3, "ci95": [0.2, 0.4]}
    shown = {"p": 0.001, "adjusted": 0.001, "finding": "better", "sentence": f"Better. {HOSTILE}"}
    return {
        "number": 3,
        "state": "running",
        "reason": "",
        "done": 150,
        "of": 200,
        "eta_seconds": 40.0,
        "seconds": 120.0,
        "tasks": "practice:held-out",
        "reference": "baseline",
        "seeds": [1],
        "samples": 1,
        "arms": {"baseline": arm(0.4), "full": arm(0.7)},
        "comparisons": [{**compared, **shown}],
        "training_seeds": [],
        "days": {
            "baseline": [{"day": 1, "n": 8, "mean": 0.4, "ci95": [0.2, 0.6]}],
            "full": [{"day": day, "n": 8, "mean": 0.2 * day, "ci95": [0.1, 0.9]} for day in (1, 2, 3)],
        },
        "day_count": 3,
        "notes": [HOSTILE],
        "verdict": f"Learning helped. {HOSTILE}",
        **changes,
    }


def state(found: dict[str, Any] | None, **changes: object) -> dict[str, Any]:
    runs = [{"number": 3, "state": "running", "arms": ["baseline", "full"]}]
    number = None if found is None else found["number"]
    known = {"runs": runs, "number": number, "report": found, "notice": "", "answered": 0}
    return {**known, **changes}


def grid(tasks: int, arms: int = 2) -> dict[str, Any]:
    return {
        "number": 3,
        "arms": [f"arm-{number}" for number in range(arms)],
        "tasks": [
            {"id": f"t{number}", "title": HOSTILE, "group": "", "day": None} for number in range(tasks)
        ],
        "values": [[1, 0, 0.5, None][:arms] for _ in range(tasks)],
        "seeds": [1],
    }


def attempt(name: str) -> dict[str, Any]:
    step = {
        "reply": HOSTILE,
        "action": "x = 1",
        "stdout": HOSTILE,
        "stderr": "",
        "result": None,
        "error": None,
    }
    known = {
        "arm": name,
        "value": 0.0,
        "right": True,
        "stop": "done",
        "failure": None,
        "skills": ["iso-dates"],
    }
    return {
        **known,
        "checks": [{"source": "x == 1", "passed": False, "feedback": HOSTILE}],
        "steps": [{**step, "seconds": 0.1}],
    }


PAIR = {
    "number": 3,
    "id": "t1",
    "task": HOSTILE,
    "title": HOSTILE,
    "seed": 1,
    "seeds": [1],
    "attempts": [attempt("arm-0"), attempt("arm-1")],
    "shown": 1,
}


def shown(page: Page, found: dict[str, Any] | None) -> Page:
    css = page_text("ablation.css")
    page.set_content(
        f'<!doctype html><html lang="en"><title>A notebook</title><style>{css}</style><main>'
        '<h1>A notebook</h1><h2>A</h2><h3>B</h3><div id="here"></div>'
        '<div class="metaclaw-picture-1">The saved picture.</div></main></html>'
    )
    traits = {
        "choices": CHOICES,
        "state": state(found),
        "grid": {},
        "pair": {},
        "picture": "metaclaw-picture-1",
    }
    page.evaluate(MODEL, {"code": page_code("ablation"), "traits": traits})
    return page


@pytest.fixture(params=[1280, 300])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    with running_page(browser, width=request.param) as found:
        yield found


@pytest.fixture
def running(page: Page) -> Page:
    """A run that goes on, its grid open."""
    shown(page, report())
    page.get_by_text("Every task").click()
    page.evaluate("grid => window.tell('grid', grid)", grid(30))
    return page


def test_the_form_says_what_is_to_be_done(page: Page) -> None:
    shown(page, None)
    page.get_by_label("Test tasks").fill("20")
    page.get_by_label("More arms, one a line").fill("few=skills,skills.max_skills=1")
    expect(page.get_by_text("3 arms on 20 tasks: 60 test attempts at most.")).to_be_visible()
    page.get_by_label("Compared with").select_option("few")
    page.get_by_label("Tokens at most").fill("5000")
    page.get_by_role("button", name="Start").dblclick()
    assert page.evaluate("window.sent") == [
        {
            "do": "start",
            "asked": 1,
            "plan": {
                "arms": ["baseline", "full"],
                "extra": ["few=skills,skills.max_skills=1"],
                "tasks": "practice:held-out",
                "n": 20,
                "seeds": 1,
                "days": 6,
                "budget_minutes": None,
                "budget_tokens": 5000,
                "reference": "few",
            },
        }
    ]
    expect(page.get_by_role("button", name="Starting…")).to_be_visible()


def test_nothing_from_outside_becomes_markup(running: Page) -> None:
    running.evaluate("pair => window.tell('pair', pair)", PAIR)
    running.wait_for_timeout(50)
    assert running.evaluate("window.hurt") is None
    assert running.locator("#here img, #here script").count() == 0
    assert running.locator("#here").inner_text().count(HOSTILE) > 4


def test_what_is_drawn_is_drawn(running: Page) -> None:
    assert "[object" not in running.locator("#here").inner_text()
    expect(running.get_by_role("img", name="Accuracy over 3 days")).to_be_visible()
    expect(running.get_by_role("img", name="full − baseline: +30.0 points")).to_be_visible()


def test_a_table_that_was_opened_stays_open(running: Page) -> None:
    running.get_by_text("As a table").click()
    running.evaluate("state => window.tell('state', state)", state(report(done=160)))
    expect(running.get_by_role("table", name="Mean of each day")).to_be_visible()


def test_nothing_jumps_as_results_come(running: Page) -> None:
    def places() -> list[float]:
        return [
            box["y"]
            for box in (running.locator(f"#here {one}").first.bounding_box() for one in ("h4", "details"))
            if box
        ]

    before = places()
    later = report(done=199, eta_seconds=1.0)
    later["comparisons"][0] |= {"difference": 0.25, "ci95": [0.1, 0.35]}
    running.evaluate("state => window.tell('state', state)", state(later))
    assert running.get_by_text("199 of 200 attempts").is_visible()
    assert places() == before


def test_a_cell_is_opened_by_keyboard_and_closed_again(running: Page) -> None:
    running.get_by_role("grid").focus()
    running.keyboard.press("ArrowDown")
    running.keyboard.press("ArrowRight")
    running.keyboard.press("Enter")
    assert running.evaluate("window.sent.at(-1)") == {"do": "pair", "task": "t1", "seed": None, "asked": 2}
    running.evaluate("pair => window.tell('pair', pair)", PAIR)
    assert running.get_by_label("Left arm").input_value() == "arm-0"
    assert running.get_by_label("Right arm").input_value() == "arm-1"
    running.keyboard.press("Escape")
    assert running.evaluate("document.activeElement.getAttribute('role')") == "grid"
    assert not running.get_by_label("Left arm").is_visible()


def test_two_thousand_tasks_by_four_arms_open_at_once(running: Page) -> None:
    began = time.perf_counter()
    taken = running.evaluate(
        """grid => {
          const began = performance.now();
          window.tell('grid', grid);
          document.querySelector('.mca-grid').getBoundingClientRect();
          return performance.now() - began;
        }""",
        grid(2000, 4),
    )
    assert taken < OPEN_MS, f"{time.perf_counter() - began:.2f} s with the way there"
    assert running.locator(".mca-rows .mca-row").count() < 40
    running.get_by_role("grid").focus()
    running.keyboard.press("End")
    expect(running.locator("[data-row='1999']").first).to_be_visible()


def test_a_run_that_was_stopped_can_go_on(page: Page) -> None:
    shown(page, report(state="cancelled", eta_seconds=None))
    assert not page.get_by_role("button", name="Stop").is_visible()
    page.get_by_role("button", name="Resume").click()
    assert page.evaluate("window.sent") == [{"do": "resume", "asked": 1}]


def test_an_axe_finds_nothing(running: Page) -> None:
    running.evaluate("pair => window.tell('pair', pair)", PAIR)
    assert violations(running, "#here") == []


def test_the_page_is_no_wider_than_its_window(running: Page) -> None:
    assert running.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_saved_picture_is_hidden_while_the_widget_is_there(running: Page) -> None:
    assert not running.get_by_text("The saved picture.").is_visible()
    running.evaluate("window.leave()")
    assert running.get_by_text("The saved picture.").is_visible()
