import random
from functools import cache
from statistics import fmean, stdev

import pytest

from metaclaw_jlab.core.outcome import Outcome
from metaclaw_jlab.core.power import Deviation, Discordant, tasks_needed
from metaclaw_jlab.evaluation.planted_ablation import (
    ARM,
    BASELINE,
    Plan,
    PlantedWorld,
    Tally,
    run_ablations,
)

ABLATIONS = 2000
PLANS = {0: Plan(0.0, 50), 5: Plan(0.05, 70), 15: Plan(0.15, 30)}


@cache
def tally(points: int) -> Tally:
    return run_ablations(PLANS[points], ABLATIONS, seed=points)


@pytest.mark.parametrize("points", PLANS)
def test_intervals_cover_what_was_planted(points: int) -> None:
    assert 0.935 <= tally(points).covered <= 0.965
    assert 0.935 <= tally(points).arm_covered <= 0.965


@pytest.mark.parametrize("points", PLANS)
def test_what_is_not_there_is_hardly_ever_shown(points: int) -> None:
    assert tally(points).shown_wrong <= 0.06


@pytest.mark.parametrize("points", PLANS)
def test_the_power_is_as_promised(points: int) -> None:
    assert tally(points).shown == pytest.approx(tally(points).promised, abs=0.05)


def test_so_many_tasks_as_were_said_to_be_needed_show_the_difference() -> None:
    planned = tasks_needed(0.15, PlantedWorld(Plan(0.15, 1)).spread())
    assert planned is not None
    assert run_ablations(Plan(0.15, planned), 1000, seed=1).shown == pytest.approx(0.8, abs=0.05)


def differences(outcomes: list[Outcome]) -> list[float]:
    sums: dict[str, list[float]] = {}
    for outcome in outcomes:
        sums.setdefault(outcome.task, []).append(outcome.value if outcome.arm == ARM else -outcome.value)
    return [2 * fmean(values) for values in sums.values()]


def test_the_planted_spread_is_the_one_of_the_outcomes() -> None:
    world = PlantedWorld(Plan(0.1, 4000))
    spread = world.spread()
    assert isinstance(spread, Deviation)
    found = differences(list(world.outcomes(random.Random(1))))
    assert spread.value == pytest.approx(stdev(found), rel=0.04)


def test_single_outcomes_have_a_share_of_discordant_pairs() -> None:
    world = PlantedWorld(Plan(0.1, 4000, seeds=1, samples=1))
    spread = world.spread()
    assert isinstance(spread, Discordant)
    found = differences(list(world.outcomes(random.Random(1))))
    assert spread.share == pytest.approx(fmean(bool(value) for value in found), abs=0.03)


def test_what_is_planted_is_there() -> None:
    outcomes = list(PlantedWorld(Plan(0.15, 4000)).outcomes(random.Random(1)))
    means = {
        arm: fmean(outcome.value for outcome in outcomes if outcome.arm == arm) for arm in (ARM, BASELINE)
    }
    assert means[ARM] - means[BASELINE] == pytest.approx(0.15, abs=0.02)
