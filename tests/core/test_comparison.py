import pytest

from metaclaw_jlab.core.comparison import arm_mean, compare, compare_all
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.estimate import paired_p_value
from metaclaw_jlab.core.outcome import Outcome
from metaclaw_jlab.core.power import Deviation, Discordant


def single(arm: str, values: str) -> list[Outcome]:
    """One 0/1 outcome a task."""
    return [Outcome(arm, f"t{number}", float(value)) for number, value in enumerate(values)]


def sampled(arm: str, values: str, samples: int) -> list[Outcome]:
    """The same outcome for every sample of a task."""
    return [
        Outcome(arm, f"t{number}", float(value), sample=sample)
        for number, value in enumerate(values)
        for sample in range(samples)
    ]


OLD = single("old", "0001111011110111" * 4)
NEW = single("new", "1111111111110011" * 4)


def test_samples_do_not_make_an_arm_surer() -> None:
    once, often = (arm_mean(sampled("a", "0111010101" * 4, samples), "a") for samples in (1, 50))
    assert (once.tasks, often.outcomes) == (40, 2000)
    assert often.mean == once.mean


def test_samples_do_not_make_a_difference_surer() -> None:
    once, often = (
        compare([*sampled("a", "1111010111", samples), *sampled("b", "0011000101", samples)], "a", "b")
        for samples in (1, 20)
    )
    assert often.p_value == pytest.approx(once.p_value)
    assert often.difference == once.difference


def test_single_outcomes_are_tested_by_mcnemar() -> None:
    found = compare([*OLD, *NEW], "new", "old")
    expected = paired_p_value(
        [outcome.value == 1 for outcome in NEW], [outcome.value == 1 for outcome in OLD]
    )
    assert (found.test, found.p_value) == ("McNemar, exact", expected)
    assert found.spread == Discordant(20 / 64)


def test_several_samples_are_tested_by_flipping_signs() -> None:
    outcomes = [
        *sampled("a", "1111010111", 2),
        *sampled("b", "0011000101", 2),
        Outcome("b", "t9", 0.0, seed=0, sample=2),
    ]
    found = compare(outcomes, "a", "b")
    assert found.test == "sign flips over tasks"
    assert isinstance(found.spread, Deviation)
    assert found.spread.step == pytest.approx(1 / 3)


def test_shares_of_tasks_and_effect_size() -> None:
    found = compare([*OLD, *NEW], "new", "old")
    assert (found.better, found.worse, found.equal) == pytest.approx((16 / 64, 4 / 64, 44 / 64))
    assert found.difference.estimate == pytest.approx(0.1875)
    assert found.standardised == pytest.approx(0.1875 / 0.5308, abs=1e-3)


def test_the_other_way_round_everything_turns() -> None:
    there, back = compare([*OLD, *NEW], "new", "old"), compare([*OLD, *NEW], "old", "new")
    assert (back.difference.low, back.difference.high) == pytest.approx(
        (-there.difference.high, -there.difference.low), abs=1e-4
    )
    assert (back.p_value, back.better) == (there.p_value, there.worse)


def test_equal_arms_have_no_effect_size_and_an_interval() -> None:
    found = compare([*OLD, *single("same", "0001111011110111" * 4)], "same", "old")
    assert found.standardised is None
    assert found.p_value == 1.0
    assert found.difference.low < 0 < found.difference.high


def test_only_tasks_that_both_did_count() -> None:
    assert compare([*OLD, *NEW[:30]], "new", "old").tasks == 30


def test_every_arm_is_held_against_the_reference_and_corrected() -> None:
    found = compare_all([*OLD, *NEW, *single("third", "1001111011110111" * 4)], "old")
    assert [(one.arm, one.family) for one in found] == [("new", 2), ("third", 2)]
    assert found[0].adjusted == pytest.approx(2 * found[0].p_value)


def test_pairs_can_be_chosen() -> None:
    (found,) = compare_all([*OLD, *NEW], "old", [("old", "new")])
    assert (found.arm, found.reference) == ("old", "new")


def test_arms_without_a_common_task_are_not_compared() -> None:
    with pytest.raises(UsageMistake, match="no task in common"):
        compare([Outcome("a", "t1", 1.0), Outcome("b", "t2", 1.0)], "a", "b")


def test_an_arm_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageMistake, match=r"no outcome of arm full\. Arms with outcomes: old"):
        compare(OLD, "full", "old")
