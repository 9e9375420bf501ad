"""The tab Training over a home that was lived in: a training is watched, adapters change and change back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe import violations
from lab_session import Lab, execute, running_lab, running_page
from lived_in_home import live
from playwright.sync_api import Browser, Locator, Page, expect

from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.training import RunState, StepReport
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.serving import Serving
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.training import Training

EXTENSION = "--ServerApp.jpserver_extensions={'metaclaw_jlab': True}"
LONG = 60_000  # ms: the machine may be busy
STEPS = 60


@dataclass(frozen=True, slots=True)
class Trainer:
    """Another process that trains in the home, as far as the store knows."""

    training: Training
    adapters: Adapters
    serving: Serving
    generation: int

    def begin(self) -> int:
        """A run that trains and has done no step yet."""
        run = self.training.begin(
            skill_generation=self.generation, base=EMBEDDED_MODEL, base_sha256="0" * 64, seed=1, steps=STEPS
        )
        return self.training.change(run.number, RunState.TRAINING, "It trains.", prompts=96).number

    def step(self, run: int, number: int) -> None:
        """Report a step as done."""
        reward = 0.01 * number
        self.training.report(
            run, StepReport(number, reward=reward, loss=0.02, kl=0.002 * number, seconds=2.0)
        )
        self.training.change(run, RunState.TRAINING, "It trains.", steps_done=number)

    def give_up(self, run: int) -> None:
        self.training.change(run, RunState.ABANDONED, "It is over.")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on a home with three adapters: v1 and v3 were promoted, v2 rejected; v3 serves."""
    scratch, folder = tmp_path_factory.mktemp("trained-lab"), tmp_path_factory.mktemp("trained-notebooks")
    live(scratch / "home", folder)
    with running_lab(scratch, folder, EXTENSION) as running:
        yield running


@pytest.fixture
def trainer(trained: Lab) -> Iterator[Trainer]:
    database = open_database(open_home(trained.home).database)
    generation = Skills(database).current_generation().number
    yield Trainer(Training(database), Adapters(database), Serving(database), generation)
    database.close()


@pytest.fixture
def tab(trained: Lab, browser: Browser) -> Iterator[Page]:
    """The tab, open."""
    with running_page(browser) as page:
        page.goto(f"{trained.url}/lab")
        page.wait_for_function("window.jupyterapp !== undefined", timeout=LONG)
        page.evaluate("async () => { await window.jupyterapp.restored; }")
        execute(page, "metaclaw:open-sidebar")
        page.get_by_role("tab", name="Training").click(timeout=LONG)
        expect(row(page, "v3")).to_be_visible(timeout=LONG)
        yield page


def row(page: Page, name: str) -> Locator:
    """What opens an adapter or a run from its list."""
    return page.locator(".mc-training table").get_by_role("button", name=name, exact=True).first


def test_a_training_is_watched_and_nothing_jumps(tab: Page, trainer: Trainer) -> None:
    run = trainer.begin()
    for number in (1, 2, 3):
        trainer.step(run, number)
    expect(tab.get_by_text(f"step 3 of {STEPS}", exact=True)).to_be_visible(timeout=LONG)
    expect(tab.locator(".mc-plot canvas")).to_have_count(3, timeout=LONG)
    below = tab.get_by_role("heading", name="Adapters", exact=True)
    before = below.bounding_box()
    for number in (4, 5, 6):
        trainer.step(run, number)
        expect(tab.get_by_text(f"step {number} of {STEPS}", exact=True)).to_be_visible(timeout=LONG)
    assert below.bounding_box() == before
    tab.get_by_role("button", name="Show as a table").click()
    values = tab.get_by_role("table", name="Every step").locator("tbody tr")
    expect(values).to_have_count(6)
    expect(values.last).to_contain_text("0.060")
    assert violations(tab, "#metaclaw-sidebar") == []
    trainer.give_up(run)
    expect(tab.get_by_role("heading", name="The last run")).to_be_visible(timeout=LONG)


def test_an_adapter_is_promoted_by_keyboard_and_that_is_undone(tab: Page, trainer: Trainer) -> None:
    row(tab, "v2").press("Enter")
    tab.get_by_role("button", name="Promote…").press("Enter")
    expect(tab.get_by_text("Its gate said: reject.")).to_be_visible()
    expect(tab.get_by_role("textbox", name="Reason, for the record")).to_be_focused()
    tab.keyboard.type("a trial")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", name="Adapter v2 · ● serves")).to_be_visible(timeout=LONG)
    assert trainer.serving.history(1)[0].reason == "a trial"
    tab.locator(".Toastify").get_by_role("button", name="Undo").click()
    expect(tab.get_by_role("heading", name="Adapter v2", exact=True)).to_be_visible(timeout=LONG)
    assert trainer.serving.current() == 3


def test_a_deletion_waits_until_it_cannot_be_undone_any_more(tab: Page, trainer: Trainer) -> None:
    made = trainer.adapters.add(EMBEDDED_MODEL, "0" * 64, trainer.generation, "Made for this.").version
    row(tab, f"v{made}").click(timeout=LONG)
    for wish in ("Undo", None):
        tab.get_by_role("button", name="Delete…").click(timeout=LONG)
        tab.get_by_role("button", name="Delete", exact=True).click()
        expect(tab.get_by_text(f"Adapter v{made} is being deleted.")).to_be_visible()
        assert trainer.adapters.get(made).version == made
        if wish is not None:
            tab.locator(".mc-training").get_by_role("button", name=wish).click()
    expect(tab.get_by_text(f"There is no adapter version {made}.")).to_be_visible(timeout=LONG)
