import itertools
import random
from collections.abc import Sequence

import pytest

from metaclaw_jlab.core.estimate import paired_p_value
from metaclaw_jlab.core.sign_flip import common_step, sign_flip_p_value


def by_hand(differences: Sequence[float]) -> float:
    seen = abs(sum(differences))
    patterns = list(itertools.product((-1, 1), repeat=len(differences)))
    return sum(
        abs(sum(sign * size for sign, size in zip(signs, differences, strict=True))) >= seen - 1e-9
        for signs in patterns
    ) / len(patterns)


@pytest.mark.parametrize(
    "differences", [[1.0] * 6, [0.25, -0.5, 0.75, 0.5, 1.0], [1 / 3, 2 / 3, -1 / 3, 1.0]]
)
def test_it_counts_all_patterns_of_signs(differences: list[float]) -> None:
    assert sign_flip_p_value(differences) == pytest.approx(by_hand(differences), abs=1e-12)


def test_values_without_a_common_measure_are_counted_too() -> None:
    rng = random.Random(2)
    differences = [rng.gauss(0.2, 0.3) for _ in range(11)]
    assert sign_flip_p_value(differences) == pytest.approx(by_hand(differences), abs=1e-12)


@pytest.mark.parametrize(
    ("better", "worse", "equal"), [(6, 0, 10), (9, 3, 0), (40, 21, 200), (5, 5, 5), (300, 220, 9)]
)
def test_of_single_outcomes_it_is_the_exact_mcnemar_test(better: int, worse: int, equal: int) -> None:
    first = [True] * better + [False] * worse + [True] * equal
    second = [False] * better + [True] * worse + [True] * equal
    differences = [float(a) - float(b) for a, b in zip(first, second, strict=True)]
    assert sign_flip_p_value(differences) == pytest.approx(paired_p_value(first, second), rel=1e-9)


def test_drawn_flips_agree_with_counted_ones() -> None:
    rng = random.Random(3)
    differences = [rng.choice((-0.5, -0.25, 0.0, 0.25, 0.5, 0.75)) for _ in range(60)]
    nudged = [value + rng.uniform(-1e-6, 1e-6) for value in differences]
    assert common_step(nudged) == 0.0
    assert sign_flip_p_value(nudged) == pytest.approx(sign_flip_p_value(differences), abs=0.02)


def test_drawn_flips_are_the_same_for_the_same_seed() -> None:
    rng = random.Random(4)
    differences = [rng.gauss(0.05, 0.3) for _ in range(50)]
    assert sign_flip_p_value(differences, seed=1) == sign_flip_p_value(differences, seed=1)
    assert sign_flip_p_value(differences, seed=1) != sign_flip_p_value(differences, seed=2)


def test_drawn_flips_never_say_that_chance_is_out() -> None:
    rng = random.Random(4)
    assert sign_flip_p_value([rng.uniform(0.5, 1) for _ in range(200)]) > 0


@pytest.mark.parametrize("differences", [[], [0.0, 0.0], [1.0, -1.0]])
def test_no_difference_is_one(differences: list[float]) -> None:
    assert sign_flip_p_value(differences) == 1.0


def test_the_common_step_is_one_by_the_number_of_samples() -> None:
    assert common_step([0.25, -0.5, 0.0, 0.75]) == pytest.approx(0.25)
    assert common_step([1 / 3, -1.0]) == pytest.approx(1 / 3)
    assert common_step([0.0]) == 0.0
