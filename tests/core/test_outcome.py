import pytest

from metaclaw_jlab.core.outcome import Outcome, TaskPair, arms_of, cells_of, seeds_of, task_means, task_pairs


def test_arms_and_seeds_are_found() -> None:
    outcomes = [Outcome("b", "t", 1, seed=3), Outcome("a", "t", 0), Outcome("b", "t", 1, seed=1)]
    assert arms_of(outcomes) == ("b", "a")
    assert seeds_of(outcomes, "b") == (1, 3)


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_an_outcome_lies_between_0_and_1(value: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        Outcome("a", "t", value)


def test_an_attempt_counts_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        cells_of([Outcome("a", "t", 1.0), Outcome("a", "t", 0.0)], "a")


def test_seeds_of_a_task_count_the_same_however_many_samples_they_have() -> None:
    outcomes = [Outcome("a", "t", 1.0, seed=0, sample=sample) for sample in range(3)]
    assert task_means(cells_of([*outcomes, Outcome("a", "t", 0.0, seed=1)], "a")) == {"t": 0.5}


def test_pairs_are_of_tasks_and_seeds_that_both_did() -> None:
    ours = {"t1": {0: [1.0], 1: [0.0]}, "t2": {0: [1.0]}}
    theirs = {"t1": {0: [0.5]}, "t3": {0: [1.0]}}
    assert task_pairs(ours, theirs) == (TaskPair("t1", 1.0, 0.5),)


def test_where_no_seed_is_shared_all_count() -> None:
    (pair,) = task_pairs({"t": {1: [1.0], 2: [0.0]}}, {"t": {0: [0.25]}})
    assert pair.difference == 0.25
