import pytest

from metaclaw_jlab.core.comparison import PairedComparison, compare, compare_all
from metaclaw_jlab.core.conclusion import Finding, conclude
from metaclaw_jlab.core.outcome import Outcome


def compared(better: int, worse: int, equal: int) -> PairedComparison:
    values = [(1, 0)] * better + [(0, 1)] * worse + [(1, 1)] * equal
    outcomes = [
        Outcome(arm, f"t{number}", value)
        for number, pair in enumerate(values)
        for arm, value in zip(("skills", "baseline"), pair, strict=True)
    ]
    return compare(outcomes, "skills", "baseline")


def test_a_difference_that_is_there_is_told_with_its_size() -> None:
    found = conclude(compared(30, 6, 84))
    assert found.finding is Finding.BETTER
    assert found.sentence == (
        "skills is 20 points better than baseline: +20.0 points over 120 tasks "
        "(95 % interval +10.9 to +29.4, p < 0.0001)."
    )


def test_a_loss_is_told_as_one() -> None:
    found = conclude(compared(6, 30, 84))
    assert found.finding is Finding.WORSE
    assert "skills is 20 points worse than baseline: -20.0" in found.sentence


def test_no_difference_shown_says_what_is_missing() -> None:
    found = conclude(compared(8, 6, 26))
    assert found.finding is Finding.NOT_SHOWN
    assert found.sentence.startswith(
        "No difference shown between skills and baseline: +5.0 points over 40 tasks"
    )
    assert "to see 5 points you need about 1 100 tasks." in found.sentence
    assert found.needed == pytest.approx(1100, abs=50)


def test_too_few_tasks_are_told_to_show_nothing() -> None:
    found = conclude(compared(4, 0, 0))
    assert found.smallest is None
    assert "So many tasks show no difference, however large," in found.sentence


def test_a_difference_that_would_matter_may_be_ruled_out() -> None:
    found = conclude(compared(10, 10, 980))
    assert found.sentence.endswith("A difference of 5 points or more is ruled out.")


def test_enough_tasks_need_no_more() -> None:
    found = conclude(compared(40, 25, 500))
    assert found.finding is Finding.NOT_SHOWN
    assert found.sentence.endswith("with 80 % power, and 5 points is not ruled out.")


def test_where_nothing_differs_a_plan_is_made_all_the_same() -> None:
    found = conclude(compared(0, 0, 20))
    assert found.finding is Finding.NOT_SHOWN
    assert found.needed is not None
    assert found.needed > 20


def test_what_many_comparisons_take_away_is_said() -> None:
    alone = compared(9, 1, 30)
    assert conclude(alone).finding is Finding.BETTER
    outcomes = [
        Outcome(arm, f"t{number}", float(number < 9) if arm == "skills" else float(number == 9))
        for arm in ("baseline", "skills", "placebo", "full")
        for number in range(40)
    ]
    found = conclude(next(one for one in compare_all(outcomes, "baseline") if one.arm == "skills"))
    assert found.finding is Finding.NOT_SHOWN
    assert "corrected for 3 comparisons" in found.sentence
    needed = conclude(alone).needed
    assert needed is not None
    assert found.needed is not None
    assert found.needed > needed
