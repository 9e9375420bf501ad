import pytest

from metaclaw_jlab.core.estimate import Interval, mean_interval, paired_p_value, proportion_interval


def test_wilson_interval_agrees_with_the_textbook() -> None:
    interval = proportion_interval(8, 10)
    assert (interval.low, interval.high) == pytest.approx((0.4902, 0.9433), abs=5e-4)


def test_wilson_interval_of_no_success_starts_at_zero() -> None:
    assert proportion_interval(0, 20).low == 0.0


def test_no_trials_make_no_share() -> None:
    with pytest.raises(ValueError, match="no share"):
        proportion_interval(0, 0)


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
