import math
import random

import pytest

from metaclaw_jlab.core.estimate import (
    Interval,
    bounded_mean_interval,
    mean_interval,
    paired_p_value,
    proportion_interval,
    share_difference,
)


def test_wilson_interval_agrees_with_the_textbook() -> None:
    interval = proportion_interval(8, 10)
    assert (interval.low, interval.high) == pytest.approx((0.4902, 0.9433), abs=5e-4)


def test_wilson_interval_of_no_success_starts_at_zero() -> None:
    assert proportion_interval(0, 20).low == 0.0


def test_no_trials_make_no_share() -> None:
    with pytest.raises(ValueError, match="no share"):
        proportion_interval(0, 0)


def test_the_difference_of_two_shares_agrees_with_the_paper() -> None:
    # Newcombe 1998, table II: 56 of 70 against 48 of 80.
    found = share_difference((48, 80), (56, 70))
    assert (found.estimate, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_bootstrap_interval_holds_the_mean() -> None:
    interval = mean_interval([0.0, 1.0] * 50)
    assert interval.low < interval.estimate == 0.5 < interval.high


def test_bootstrap_interval_is_the_same_for_the_same_seed() -> None:
    assert mean_interval([1.0, 2.0, 4.0], seed=3) == mean_interval([1.0, 2.0, 4.0], seed=3)


def test_mcnemar_counts_discordant_pairs_only() -> None:
    first = [True] * 6 + [True] * 50
    second = [False] * 6 + [True] * 50
    assert paired_p_value(first, second) == pytest.approx(2 / 2**6)


def test_mcnemar_without_a_difference_is_one() -> None:
    assert paired_p_value([True, False], [True, False]) == 1.0


def test_overlap_is_symmetric() -> None:
    low, high = Interval(0.1, 0.0, 0.2), Interval(0.5, 0.4, 0.6)
    assert not low.overlaps(high)
    assert not high.overlaps(low)
    assert low.overlaps(Interval(0.2, 0.2, 0.3))


def binomial_tail(successes: int, trials: int, share: float) -> float:
    return math.fsum(
        math.comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(successes, trials + 1)
    )


@pytest.mark.parametrize(("successes", "trials"), [(1, 1), (8, 10), (3, 100), (99, 100), (1, 900)])
@pytest.mark.parametrize("confidence", [0.9, 0.999])
def test_bounded_mean_of_shares_is_the_exact_binomial_interval(
    successes: int, trials: int, confidence: float
) -> None:
    low = bounded_mean_interval([1.0] * successes + [0.0] * (trials - successes), confidence).low
    assert binomial_tail(successes, trials, low) == pytest.approx((1 - confidence) / 2, rel=1e-5)


@pytest.mark.parametrize(("wins", "losses"), [(5, 0), (6, 1), (12, 3), (80, 45)])
@pytest.mark.parametrize("ties", [0, 30, 1000])
def test_bounded_mean_of_pairs_is_above_zero_where_the_exact_mcnemar_test_rejects(
    wins: int, losses: int, ties: int
) -> None:
    differences = [1.0] * wins + [-1.0] * losses + [0.0] * ties
    tail = binomial_tail(wins, wins + losses, 0.5)
    just_less, just_more = 1 - 2 * tail * 1.001, 1 - 2 * tail / 1.001
    assert bounded_mean_interval(differences, just_less, least=-1).low > 0
    assert bounded_mean_interval(differences, just_more, least=-1).low < 0


def test_bounded_mean_interval_is_symmetric() -> None:
    values = [0.3, -1.0, 0.0, 0.7, 0.7]
    interval = bounded_mean_interval(values, least=-1)
    mirrored = bounded_mean_interval([-value for value in values], least=-1)
    assert (-mirrored.high, -mirrored.low) == pytest.approx((interval.low, interval.high), abs=1e-6)


def test_bounded_mean_interval_of_ties_is_not_empty() -> None:
    interval = bounded_mean_interval([0.0] * 200, 0.9, least=-1)
    assert interval.low == pytest.approx(-(1 - 0.05 ** (1 / 200)), abs=1e-6)


def test_bounded_mean_interval_of_graded_scores_holds_its_level() -> None:
    rng = random.Random(41)
    levels, weights = (-1.0, -0.6, 0.0, 0.3, 1.0), (1, 3, 12, 2, 1)
    mean = sum(level * weight for level, weight in zip(levels, weights, strict=True)) / sum(weights)
    above = sum(
        bounded_mean_interval(rng.choices(levels, weights, k=40), 0.8, least=-1).low > mean
        for _ in range(300)
    )
    assert above / 300 <= 0.12


@pytest.mark.parametrize("values", [[], [0.5, float("nan")], [1.2]])
def test_bounded_mean_needs_values_within_its_bounds(values: list[float]) -> None:
    with pytest.raises(ValueError, match="one or more values"):
        bounded_mean_interval(values)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_bounded_mean_needs_a_confidence_that_can_be_had(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        bounded_mean_interval([0.5], confidence)
