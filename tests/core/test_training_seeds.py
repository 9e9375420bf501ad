import pytest

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.outcome import Outcome
from metaclaw_jlab.core.training_seeds import compare_seeds

PASSED = {0: 30, 1: 12, 2: 25}  # tasks of 40 that each training passes; the baseline passes 15


def outcomes(reference_seeds: tuple[int, ...] = (0,)) -> list[Outcome]:
    trained = [
        Outcome("full", f"t{number}", float(number < passed), seed)
        for seed, passed in PASSED.items()
        for number in range(40)
    ]
    plain = [
        Outcome("baseline", f"t{number}", float(number < 15), seed)
        for seed in reference_seeds
        for number in range(40)
    ]
    return [*trained, *plain]


@pytest.mark.parametrize("reference_seeds", [(0,), (0, 1, 2), (7, 8)])
def test_each_training_stands_for_itself(reference_seeds: tuple[int, ...]) -> None:
    found = compare_seeds(outcomes(reference_seeds), "full", "baseline")
    differences = {one.seed: one.comparison.difference.estimate for one in found.seeds}
    assert differences == pytest.approx({0: 0.375, 1: -0.075, 2: 0.25})
    assert all(one.comparison.tasks == 40 for one in found.seeds)


def test_the_worst_is_named() -> None:
    found = compare_seeds(outcomes(), "full", "baseline")
    assert (found.worst.seed, found.best.seed) == (1, 0)
    assert found.sentence.startswith("Of 3 trainings of full the worst is seed 1 at -7.5 points (")
    assert "the best seed 0 at +37.5 points" in found.sentence


def test_one_training_leaves_luck_open() -> None:
    found = compare_seeds([one for one in outcomes() if one.seed == 0], "full", "baseline")
    assert "how much is luck is not known" in found.sentence


def test_an_arm_without_outcomes_is_named() -> None:
    with pytest.raises(UsageMistake, match="no outcome of arm adapter"):
        compare_seeds(outcomes(), "adapter", "baseline")
