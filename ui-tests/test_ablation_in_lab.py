"""The ablation widget in JupyterLab: a run as it goes on, light and dark, and what a saved notebook keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_session import Lab, open_notebook, run_all_cells, running_lab, running_page, set_theme
from playwright.sync_api import Browser, expect

from metaclaw_jlab.core.ablation import AblationPlan, AblationState, Attempt
from metaclaw_jlab.evaluation.ablation.arms import parse_arms
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, create_run
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.leases import lease

LONG = 60_000  # ms: the machine may be busy
TASKS = 40
RIGHT = {"baseline": 14, "skills": 27, "full": 36}  # of the tasks, the first ones
NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "ablate",
            "metadata": {},
            "outputs": [],
            "source": "%load_ext metaclaw_jlab\n%metaclaw ablate",
        }
    ],
    "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    scratch, folder = tmp_path_factory.mktemp("ablation-lab"), tmp_path_factory.mktemp("ablation-notebooks")
    open_home(scratch / "home")
    (folder / "ablate.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    with running_lab(scratch, folder) as running:
        yield running


@pytest.fixture
def run(lab: Lab) -> Iterator[RunFolder]:
    """A run that goes on, two thirds of it done."""
    plan = AblationPlan(parse_arms(",".join(RIGHT)), "practice:held-out", "baseline", n=TASKS)
    made = create_run(open_home(lab.home), plan)
    attempts(made, range(2 * TASKS // 3))
    with lease(made.home, made.lease_name):
        made.change(state=AblationState.RUNNING, of=len(RIGHT) * TASKS, started_at=made.state().created_at)
        yield made


def attempts(run: RunFolder, numbers: range) -> None:
    log = AttemptsLog(run.jobs / f"from-{numbers.start}")
    for arm, right in RIGHT.items():
        for number in numbers:
            log.append(Attempt(arm, f"t{number}", 1, 0, float(number * 17 % TASKS < right), seconds=0.4))


def test_a_run_is_followed_and_stays_in_the_notebook(
    lab: Lab, run: RunFolder, browser: Browser, tmp_path: Path
) -> None:
    with running_page(browser) as page:
        open_notebook(page, lab, "ablate.ipynb")
        run_all_cells(page, LONG / 1000)
        widget = page.locator(".metaclaw-ablation")
        expect(widget.get_by_text(f"running · {2 * TASKS // 3 * 3} of {3 * TASKS} attempts")).to_be_visible(
            timeout=LONG
        )
        widget.get_by_text("Every task").click()
        expect(widget.get_by_role("row", name="t0 ")).to_be_visible(timeout=LONG)
        for theme in ("Dark", "Light"):
            set_theme(page, f"JupyterLab {theme}")
            widget.screenshot(path=tmp_path / f"ablation-{theme.lower()}.png")
        attempts(run, range(2 * TASKS // 3, TASKS))
        run.change(state=AblationState.DONE, ended_at=run.state().created_at + 60)
        expect(widget.get_by_text(f"done · {3 * TASKS} of {3 * TASKS} attempts")).to_be_visible(timeout=LONG)
        expect(page.locator("[class*='metaclaw-picture-']")).to_be_hidden()
        page.evaluate(
            """async () => {
                await window.jupyterapp.commands.execute('docmanager:save');
                await window.jupyterapp.serviceManager.sessions.shutdownAll();
            }"""
        )
    with running_page(browser) as page:
        open_notebook(page, lab, "ablate.ipynb")
        picture = page.locator("[class*='metaclaw-picture-']")
        expect(picture).to_contain_text("Learning helped", timeout=LONG)
        expect(picture.locator("svg").first).to_be_visible()
