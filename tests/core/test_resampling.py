import random

import pytest

from metaclaw_jlab.core.estimate import bounded_mean_interval, mean_interval
from metaclaw_jlab.core.resampling import bootstrap_interval, student_quantile


@pytest.mark.parametrize(
    ("freedom", "table"), [(6, 2.4469), (9, 2.2622), (19, 2.0930), (60, 2.0003), (1000, 1.9623)]
)
def test_students_quantiles_agree_with_the_table(freedom: int, table: float) -> None:
    assert student_quantile(0.975, freedom) == pytest.approx(table, rel=1e-3)


@pytest.mark.parametrize(("freedom", "table"), [(1, 12.7062), (2, 4.3027), (3, 3.1824), (5, 2.5706)])
def test_few_degrees_of_freedom_have_heavy_tails(freedom: int, table: float) -> None:
    assert student_quantile(0.975, freedom) == pytest.approx(table, rel=0.01)


def test_with_many_symmetric_values_it_is_the_drawn_bootstrap() -> None:
    rng = random.Random(5)
    values = [rng.random() for _ in range(600)]
    found, drawn = bootstrap_interval(values), mean_interval(values, draws=4000)
    assert (found.low, found.high) == pytest.approx((drawn.low, drawn.high), abs=0.0025)


def test_it_turns_with_the_values() -> None:
    rng = random.Random(6)
    values = [rng.random() ** 3 for _ in range(40)]
    found = bootstrap_interval(values)
    turned = bootstrap_interval([1 - value for value in values])
    assert (1 - turned.high, 1 - turned.low) == pytest.approx((found.low, found.high), abs=1e-5)


def test_a_skewed_arm_has_more_room_on_its_long_side() -> None:
    found = bootstrap_interval([1.0] * 85 + [0.0] * 15)
    assert found.estimate - found.low > 1.2 * (found.high - found.estimate)


@pytest.mark.parametrize("failures", [0, 1, 5])
def test_nearly_equal_values_have_the_careful_interval(failures: int) -> None:
    values = [1.0] * 50 + [0.0] * failures
    assert bootstrap_interval(values) == bounded_mean_interval(values)


def test_one_value_leaves_nearly_everything_open() -> None:
    found = bootstrap_interval([1.0])
    assert found.low < 0.05
    assert found.high == 1.0


@pytest.mark.parametrize("ones", range(8, 33))
def test_it_holds_its_mean_and_stays_within_bounds(ones: int) -> None:
    found = bootstrap_interval([1.0] * ones + [0.0] * (40 - ones))
    assert 0 <= found.low < found.estimate < found.high <= 1


@pytest.mark.parametrize("values", [[], [0.5, 1.2], [0.5, float("nan")]])
def test_values_lie_within_their_bounds(values: list[float]) -> None:
    with pytest.raises(ValueError, match="one or more values"):
        bootstrap_interval(values)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.999])
def test_one_value_far_from_the_others_is_no_trouble(confidence: float) -> None:
    values = [0.5 + number / 1e4 for number in range(20)] + [1.0]
    found = bootstrap_interval(values, confidence)
    assert 0.5 < found.low < found.estimate < found.high <= 1.0
