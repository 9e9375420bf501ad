"""How far an ablation is, and what it has used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from metaclaw_jlab.core.ablation import AblationPlan, AblationState, Attempt, Budget
from metaclaw_jlab.evaluation.ablation.arms import preset
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog
from metaclaw_jlab.evaluation.ablation.budget import Meter
from metaclaw_jlab.evaluation.ablation.progress import eta_seconds, in_words, progress_of
from metaclaw_jlab.evaluation.ablation.run_folder import RunState, create_run
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.leases import lease

RUNNING = RunState(AblationState.RUNNING, of=100, started_at=1000.0, before=20)
USED = Attempt("a", "t", 1, 0, 1.0, prompt_tokens=900, completion_tokens=100)


def test_the_pace_is_that_since_it_was_started_last() -> None:
    assert eta_seconds(RUNNING, 40, 1010.0) == pytest.approx(30.0)


@pytest.mark.parametrize("state", [RUNNING, replace(RUNNING, state=AblationState.DONE, before=0)])
def test_nothing_is_said_before_there_is_a_pace_or_after_the_end(state: RunState) -> None:
    assert eta_seconds(state, 22, 1010.0) is None


@pytest.mark.parametrize(("seconds", "words"), [(40, "40 s"), (600, "10 min"), (12_000, "3 h 20 min")])
def test_times_are_told_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_progress_is_read_from_the_files(tmp_path: Path) -> None:
    plan = AblationPlan(
        (preset("baseline"),), "x", "baseline", budget=Budget(prompt_price=1.0, completion_price=10.0)
    )
    run = create_run(open_home(tmp_path / "home"), plan)
    log = AttemptsLog(run.jobs / "baseline-1")
    for number in range(4):
        log.append(replace(USED, arm="baseline", task=str(number)))
    with lease(run.home, run.lease_name):
        run.change(state=AblationState.RUNNING, started_at=1000.0, of=10)
        found = progress_of(run, clock=lambda: 1020.0)
    assert (found.done, found.of, found.arm, found.seconds, found.eta_seconds) == (
        4,
        10,
        "baseline",
        20.0,
        30.0,
    )
    assert found.tokens == 4000
    assert found.cost == pytest.approx(4 * (900 + 1000) / 1e6)
    assert found.sentence == "4 of 10 attempts, arm baseline, 30 s left"


@pytest.mark.parametrize(
    ("budget", "seconds", "told"),
    [
        (Budget(tokens=1000), 0.0, "tokens"),
        (Budget(money=0.001, prompt_price=1.0, completion_price=1.0), 0.0, "0.001"),
        (Budget(seconds=90.0), 90.0, "minutes"),
    ],
)
def test_a_budget_is_spent_once_all_of_it_is_used(budget: Budget, seconds: float, told: str) -> None:
    meter = Meter(budget)
    assert meter.spent(seconds - 0.1) is None
    meter.count([USED])
    reason = meter.spent(seconds)
    assert reason is not None
    assert told in reason


def test_without_a_budget_nothing_is_spent() -> None:
    meter = Meter(Budget())
    meter.count([USED] * 100)
    assert meter.spent(1e9) is None
    assert meter.tokens == 100_000
