from collections.abc import Mapping, Sequence

import pytest

from metaclaw_jlab.core.prompting import Prompting
from metaclaw_jlab.evaluation.calibration.candidates import Candidate
from metaclaw_jlab.evaluation.calibration.choosing import (
    FEWEST,
    FINALISTS,
    Score,
    decide,
    difference,
    left_after,
    rounds,
    survivors,
)

A, B, C = (Candidate(name, Prompting(max_skills=count)) for count, name in enumerate("abc", 1))


def scores(strict: str, right: str | None = None) -> Mapping[str, Score]:
    """A score of each task from 0s and 1s; what is strict is right."""
    pairs = zip(strict, right or strict, strict=True)
    return {f"task {i}": Score(r == "1" or s == "1", s == "1") for i, (s, r) in enumerate(pairs)}


def table(**rows: Mapping[str, Score]) -> Mapping[str, Mapping[str, Score]]:
    return {{"a": A, "b": B, "c": C}[name].key: row for name, row in rows.items()}


def test_the_simplest_stays_where_another_is_better_by_chance_only():
    found = decide((A, B), table(a=scores("0" * 10), b=scores("1" + "0" * 9)), "strict")
    assert found.chosen == A
    assert "not better than a" in found.verdicts[B.key]


def test_a_better_one_takes_its_place():
    found = decide((A, B), table(a=scores("0" * 10), b=scores("11110" + "0" * 5)), "strict")
    assert found.chosen == B


def test_the_more_expensive_has_to_beat_the_best_so_far():
    rows = table(a=scores("0" * 12), b=scores("111111" + "0" * 6), c=scores("1111111" + "0" * 5))
    assert decide((A, B, C), rows, "task_right").chosen == B


def test_two_small_steps_that_are_one_great_one_are_seen():
    rows = table(a=scores("0" * 12), b=scores("1" + "0" * 11), c=scores("11111" + "0" * 7))
    assert decide((A, B, C), rows, "task_right").chosen == C


def test_what_makes_more_tasks_strict_and_fewer_right_is_not_taken():
    rows = table(a=scores("0" * 12, "1" * 12), b=scores("111111" + "0" * 6, "111111" + "0" * 6))
    found = decide((A, B), rows, "strict")
    assert found.chosen == A
    assert "costs tasks right" in found.verdicts[B.key]


def test_pairs_are_compared_and_not_means():
    """Each is right at half of the tasks, but only the second at those which both did."""
    ours = {f"task {i}": Score(True, True) for i in range(FEWEST)}
    theirs = {f"task {i}": Score(i >= FEWEST, i >= FEWEST) for i in range(2 * FEWEST)}
    found = difference(ours, theirs, "strict")
    assert (found.n, found.mean) == (FEWEST, 1.0)


def test_too_few_tasks_decide_nothing():
    few = FEWEST - 1
    assert decide((A, B), table(a=scores("0" * few), b=scores("1" * few)), "strict").chosen == A


def test_what_was_not_attempted_is_not_chosen():
    assert decide((A, B), table(a=scores("0" * 10)), "strict").chosen == A


def test_the_worst_are_dropped_and_the_simplest_stays_for_comparison():
    rows = table(a=scores("0" * 8), b=scores("00001111"), c=scores("00000001"))
    assert survivors((A, B, C), rows, "strict", 2) == (A, B)


def test_among_equals_the_one_with_more_tasks_right_goes_on():
    rows = table(a=scores("0" * 8), b=scores("0" * 8), c=scores("0" * 8, "1" * 8))
    assert survivors((A, B, C), rows, "strict", 2) == (A, C)


@pytest.mark.parametrize(
    ("candidates", "tasks", "expected"),
    [
        (8, 64, (16, 32, 64)),
        (5, 64, (32, 64)),
        (3, 64, (64,)),
        (1, 64, (64,)),
        (8, 8, (8,)),
        (8, 20, (8, 10, 20)),
    ],
)
def test_many_candidates_meet_few_tasks_first(candidates: int, tasks: int, expected: Sequence[int]):
    assert rounds(candidates, tasks) == expected


def test_half_go_on_and_then_the_finalists():
    assert (left_after(0, 8), left_after(1, 8), left_after(0, 5)) == (4, FINALISTS, FINALISTS)
