import pytest

from metaclaw_jlab.core.multiplicity import holm


def test_holm_agrees_with_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_an_adjusted_value_is_at_most_one() -> None:
    assert holm([0.6, 0.9]) == (1.0, 1.0)


def test_one_comparison_stays_as_it_is() -> None:
    assert holm([0.03]) == (0.03,)
    assert holm([]) == ()


def test_what_is_no_p_value_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, float("nan")])
