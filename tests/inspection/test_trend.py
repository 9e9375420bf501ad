import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.inspection.trend import BINS, LEAST, NOTHING, Trend, TrendVerdict, trend, trend_of
from metaclaw_jlab.store.task_results import GenerationResults
from tests.inspection.learning_samples import asked, failed


def shown(*results: tuple[int, int]) -> Trend:
    """Generations of so many right and wrong tasks."""
    return trend_of(
        [
            GenerationResults(number, Cause.EVOLVER, 1.0, (False,) * wrong + (True,) * right)
            for number, (right, wrong) in enumerate(results)
        ]
    )


def test_a_clear_rise_is_better() -> None:
    found = shown((4, 36), (34, 6))
    assert found.verdict is TrendVerdict.BETTER
    assert found.sentence.startswith(
        "Better: g0 did 4 of 40 tasks right, g1 did 34 of 40 tasks right (difference +0.75"
    )


def test_a_clear_fall_is_worse() -> None:
    assert shown((34, 6), (4, 36)).verdict is TrendVerdict.WORSE


def test_where_the_interval_holds_nought_no_difference_is_shown() -> None:
    found = shown((4, 6), (6, 4))
    assert found.verdict is TrendVerdict.NONE_SHOWN
    assert found.difference is not None
    assert found.difference.low < 0 < found.difference.high
    assert found.sentence.startswith("No difference shown: ")


def test_too_few_tasks_tell_nothing() -> None:
    found = shown((LEAST - 1, 0), (0, 9))
    assert (found.verdict, found.difference) == (TrendVerdict.TOO_FEW, None)
    assert "4 in g0, 9 in g1" in found.sentence


def test_a_generation_with_few_tasks_is_shown_but_not_compared() -> None:
    found = shown((0, 20), (20, 0), (0, 1))
    assert len(found.generations) == 3
    assert "g1 did 20 of 20" in found.sentence


def test_without_any_task_it_says_what_would_tell() -> None:
    assert shown().sentence == NOTHING


@pytest.mark.parametrize("count", [1, 5, 12, 13, 100])
def test_the_series_has_few_bins_of_equal_weight(count: int) -> None:
    series = shown((count, 0)).generations[0].series
    assert series == (1.0,) * min(BINS, count)


def test_the_series_goes_with_the_time() -> None:
    assert shown((2, 2)).generations[0].series == (0.0, 0.0, 1.0, 1.0)


def test_the_interval_is_around_the_share() -> None:
    one = shown((3, 1)).generations[0]
    assert 0 < one.low < one.mean == 0.75 < one.high < 1


def test_the_trend_of_a_home(workspace: Workspace) -> None:
    store = workspace.trajectories()
    for number in range(3):
        store.record(failed(f"f{number}"))
    store.record(asked("a"))
    found = trend(workspace.database())
    assert [(one.generation, one.n, one.right, one.cause) for one in found.generations] == [
        (0, 4, 1, Cause.INITIAL)
    ]
