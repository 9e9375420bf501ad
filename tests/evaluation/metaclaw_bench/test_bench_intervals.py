import random
from statistics import fmean

import pytest

from metaclaw_jlab.core.estimate import proportion_interval
from metaclaw_jlab.evaluation.metaclaw_bench.intervals import clustered_interval


def test_the_mean_is_over_rounds_not_over_days():
    found = clustered_interval([[1.0, 1.0, 1.0], [0.0]])
    assert found is not None
    assert found.estimate == 0.75


def test_rounds_that_only_repeat_their_day_add_nothing():
    once = clustered_interval([[1.0], [0.0], [1.0], [0.0], [1.0]])
    often = clustered_interval([[1.0] * 9, [0.0] * 9, [1.0] * 9, [0.0] * 9, [1.0] * 9])
    assert once is not None
    assert often is not None
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_days_that_agree_leave_an_interval():
    found = clustered_interval([[0.0] * 8] * 20)
    assert found is not None
    assert found.low == 0
    assert 0.1 < found.high < 0.25


def test_of_a_single_day_the_rounds_count():
    found = clustered_interval([[1.0, 0.0, 1.0, 1.0]])
    assert found is not None
    wilson = proportion_interval(3, 4)
    assert found.low < wilson.low
    assert found.high > wilson.high


def test_nothing_has_no_interval():
    assert clustered_interval([[], []]) is None


def test_scores_below_zero_are_taken():
    found = clustered_interval([[-0.6, 1.0], [0.2, 0.4], [1.0]])
    assert found is not None
    assert -0.6 <= found.low < found.estimate < found.high <= 1


def test_the_interval_covers_days_of_unequal_difficulty():
    rng = random.Random(1)
    covered = 0
    for _ in range(1000):
        days = []
        for _ in range(20):
            ease = rng.uniform(0.1, 0.7)
            days.append([float(rng.random() < ease) for _ in range(rng.choice((8, 11, 14)))])
        found = clustered_interval(days)
        assert found is not None
        covered += found.low <= fmean((0.1, 0.7)) <= found.high
    assert 0.93 <= covered / 1000 <= 0.97
