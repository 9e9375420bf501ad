import itertools
import math

import pytest

from metaclaw_jlab.core.estimate import paired_p_value
from metaclaw_jlab.core.power import (
    Deviation,
    Discordant,
    Spread,
    about,
    needed_sentence,
    power,
    smallest_difference,
    tasks_needed,
)


def test_the_plan_for_5_points_at_30_percent_discordant_pairs() -> None:
    assert needed_sentence(0.05, Discordant(0.3)) == (
        "You need about 930 tasks to see 5 points at 30 % discordant pairs."
    )


def test_a_few_tasks_power_is_counted_out() -> None:
    tasks, share, difference = 9, 0.6, 0.4
    chances = {1: (share + difference) / 2, -1: (share - difference) / 2, 0: 1 - share}
    by_hand = 0.0
    for pairs in itertools.product(chances, repeat=tasks):
        if paired_p_value([pair > 0 for pair in pairs], [pair < 0 for pair in pairs]) <= 0.05:
            by_hand += math.prod(chances[pair] for pair in pairs)
    assert power(tasks, difference, Discordant(share)) == pytest.approx(by_hand, abs=1e-7)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("part", [0.05, 0.1, 0.15, 0.2, 0.25])
def test_counting_and_the_approximation_meet_within_3_points(share: float, part: float) -> None:
    tasks = round(250 / share)
    counted, approximated = (power(n, part * share, Discordant(share)) for n in (tasks, tasks + 1))
    assert counted == pytest.approx(approximated, abs=0.03)


@pytest.mark.parametrize("spread", [Discordant(0.3), Discordant(0.0), Deviation(0.35, 0.25), Deviation(0.0)])
@pytest.mark.parametrize("difference", [0.04, 0.15, 0.5])
def test_the_tasks_needed_are_the_fewest_that_do(spread: Spread, difference: float) -> None:
    needed = tasks_needed(difference, spread)
    assert needed is not None
    assert power(needed, difference, spread) >= 0.7999
    assert power(needed - 1, difference, spread) < 0.8


def test_smallest_difference_and_tasks_needed_are_each_others_inverse() -> None:
    smallest = smallest_difference(200, Discordant(0.3))
    assert smallest is not None
    needed = tasks_needed(smallest, Discordant(0.3))
    assert needed is not None
    assert needed <= 200 < (tasks_needed(smallest - 0.002, Discordant(0.3)) or 0)


def test_five_tasks_show_nothing() -> None:
    assert smallest_difference(5, Discordant(0.5)) is None
    assert smallest_difference(6, Discordant(0.5)) == pytest.approx(0.8 ** (1 / 6), abs=0.001)
    assert power(5, 1.0, Discordant(1.0)) == 0.0


def test_no_difference_needs_no_plan() -> None:
    assert tasks_needed(0.0, Discordant(0.3)) is None
    assert needed_sentence(0.0, Discordant(0.3)).startswith("No number of tasks")


def test_a_stricter_level_needs_more_tasks() -> None:
    few, many = (tasks_needed(0.1, Deviation(0.4), alpha) for alpha in (0.05, 0.01))
    assert few is not None
    assert many is not None
    assert many > few


@pytest.mark.parametrize(("tasks", "said"), [(7, "7"), (62, "62"), (934, "930"), (12_345, "12 000")])
def test_plans_are_told_to_two_digits(tasks: int, said: str) -> None:
    assert about(tasks) == said


@pytest.mark.parametrize(
    ("difference", "spread", "alpha"),
    [
        (1.2, Discordant(0.3), 0.05),
        (0.1, Discordant(1.3), 0.05),
        (0.1, Deviation(-0.1), 0.05),
        (0.1, Deviation(0.1), 0),
    ],
)
def test_what_cannot_be_planned_is_refused(difference: float, spread: Spread, alpha: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        power(100, difference, spread, alpha)
