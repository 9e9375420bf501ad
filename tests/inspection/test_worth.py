import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.inspection.worth import BINS, weigh, worth_of
from metaclaw_jlab.store.attempts import Attempt
from tests.inspection.learning_samples import RULE, failed, injected


def tried(task: str, *right: bool) -> list[Attempt]:
    return [Attempt(task, each) for each in right]


def test_a_skill_that_was_never_judged_says_so() -> None:
    found = weigh([], [])
    assert (found.before, found.after, found.difference) == (None, None, None)
    assert found.sentence.startswith("No task with it")


def test_two_tasks_are_too_few_to_tell() -> None:
    found = weigh(tried("a", False), tried("a", True, True))
    assert found.sentence == "Too few tasks to tell: 2 with it."
    assert found.difference is None


def test_a_skill_without_a_task_before_it_says_so() -> None:
    found = weigh([], tried("a", *[True] * 9, False))
    assert "90% of 10 tasks" in found.sentence
    assert "none of them was tried before" in found.sentence


def test_few_tasks_tried_both_ways_are_not_compared() -> None:
    found = weigh(tried("a", False), tried("a", *[True] * 8))
    assert found.difference is None
    assert "1 task tried before" in found.sentence


def test_many_tasks_that_turned_right_are_better() -> None:
    names = [f"task {number}" for number in range(12)]
    found = weigh(
        [attempt for name in names for attempt in tried(name, False)],
        [attempt for name in names for attempt in tried(name, True, True)],
    )
    assert found.difference is not None
    assert found.difference.low > 0
    assert found.sentence.startswith("Better on 12 tasks")


def test_what_makes_no_difference_is_not_called_one() -> None:
    names = [f"task {number}" for number in range(12)]
    right = [number % 2 == 0 for number in range(12)]
    before = [Attempt(name, each) for name, each in zip(names, right, strict=True)]
    after = [Attempt(name, not each) for name, each in zip(names, right, strict=True)]
    found = weigh(before, after)
    assert found.sentence.startswith("No difference shown on 12 tasks")


def test_a_task_counts_once_however_often_it_was_tried() -> None:
    often = [attempt for number in range(4) for attempt in tried(f"rare {number}", False)]
    found = weigh(
        often + tried("often", *[False] * 50),
        [Attempt(attempt.text_sha256, False) for attempt in often] + tried("often", *[True] * 50),
    )
    assert found.difference is not None
    assert found.difference.estimate == pytest.approx(0.2)
    assert found.sentence.startswith("No difference shown")


def test_the_series_is_short_and_in_order_of_time() -> None:
    found = weigh([], tried("a", *[False] * 60, *[True] * 60))
    assert found.after is not None
    assert len(found.after.series) == BINS
    assert found.after.series[:6] == (0.0,) * 6
    assert found.after.series[6:] == (1.0,) * 6


def test_the_worth_of_a_skill_counts_the_failure_that_it_came_from(learnt: Workspace) -> None:
    found = worth_of(learnt, RULE.name, 1)
    assert found.before is not None
    assert found.after is not None
    assert (found.before.n, found.before.mean, found.after.n, found.after.mean) == (1, 0.0, 1, 1.0)


def test_a_skill_that_no_generation_brought_has_no_before(learnt: Workspace) -> None:
    learnt.trajectories().record(failed("again", injected(), generation=1))
    found = worth_of(learnt, RULE.name, None)
    assert found.before is None
    assert found.after is not None
    assert found.after.n == 2
