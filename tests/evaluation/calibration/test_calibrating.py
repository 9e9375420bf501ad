from dataclasses import replace

import pytest

from metaclaw_jlab.core.errors import LeaseHeld, TaskFailed
from metaclaw_jlab.core.prompting import Prompting
from metaclaw_jlab.evaluation.calibration.bench import households
from metaclaw_jlab.evaluation.calibration.calibrating import Standing, Wishes, calibrate
from metaclaw_jlab.evaluation.calibration.candidates import CAUTIOUS_PROMPTING
from metaclaw_jlab.policies.calibration import calibration_from, keep, prompting_for
from metaclaw_jlab.practice import splits_sha256
from metaclaw_jlab.runtime.leases import lease

MODEL = "metaclaw-practice-1m"  # it is here without being fetched
WISHES = Wishes(n=32, concurrency=1)


def silent(_: object) -> None:
    pass


def run(home, bench, wishes=WISHES, **more):
    return calibrate(home, MODEL, wishes, say=silent, bench=bench, **more)


def test_the_planted_variant_is_found(home, planted, small_model):
    found = run(home, planted(small_model))
    best = replace(found.chosen, threshold=None)
    assert best == Prompting(instructions="brief", skills_at="task", max_skills=1, file_rows=3, ends="ran")
    assert (found.complete, found.temperature) == (True, 0.0)


def test_a_model_that_skills_confuse_gets_none(home, planted):
    def confused(_, number, candidate):
        right = candidate.prompting.max_skills == 0 or number % 4 == 0
        return right, right and number % 8 == 0

    assert run(home, planted(confused)).chosen.max_skills == 0


def test_where_nothing_helps_the_simplest_is_taken(home, planted):
    found = run(home, planted(lambda _, number, __: (number % 2 == 0, False)))
    assert found.chosen == Prompting(instructions="brief", ends="ran", max_skills=0)


def test_losers_are_told_with_their_numbers(home, planted, small_model):
    found = run(home, planted(small_model))
    forms = [variant for variant in found.variants if variant.stage == "form"]
    assert len(forms) == 10
    assert sum(variant.chosen for variant in forms) == 1
    assert all(variant.n and variant.verdict for variant in forms)
    assert {variant.n for variant in forms} == {8, 16, 32}


def test_it_says_on_what_it_was_measured(home, planted, small_model):
    found = run(home, planted(small_model), replace(WISHES, seed=5))
    assert (found.model, found.seed, found.splits_sha256) == (MODEL, 5, splits_sha256())


def test_what_is_kept_is_how_the_model_is_prompted(home, planted, small_model):
    found = run(home, planted(small_model))
    keep(home, found)
    assert prompting_for(home, MODEL) == found.chosen
    assert calibration_from(found.to_dict()) == found


def test_no_attempt_is_made_twice(home, planted, small_model):
    bench = planted(small_model)
    run(home, bench)
    assert len(set(bench.made)) == len(bench.made)


def test_a_second_run_takes_all_from_the_first(home, planted, small_model):
    first, second = planted(small_model), planted(small_model)
    assert run(home, first).variants == run(home, second).variants
    assert second.made == []


def test_more_tasks_go_on_from_fewer(home, planted, small_model):
    first, second = planted(small_model), planted(small_model)
    run(home, first, replace(WISHES, n=16))
    run(home, second, replace(WISHES, n=32))
    assert set(first.made).isdisjoint(second.made)


def test_another_seed_starts_anew(home, planted, small_model):
    first, second = planted(small_model), planted(small_model)
    run(home, first)
    run(home, second, replace(WISHES, seed=2))
    assert len(second.made) > 100


def test_ctrl_c_ends_with_what_is_known_and_the_next_run_goes_on(home, planted, small_model):
    def stop(_: Standing) -> None:
        if len(bench.opened) and len(bench.made) == 150:
            raise KeyboardInterrupt

    bench, after = planted(small_model), planted(small_model)
    cut = run(home, bench, on_standing=stop)
    assert not cut.complete
    assert cut.chosen.file_rows == 3  # the first comparison was over
    assert run(home, after).complete
    assert set(bench.made).isdisjoint(after.made)


def test_what_was_not_compared_is_as_cautious_as_before(home, planted, small_model):
    found = run(home, planted(small_model), replace(WISHES, variants=("notebook-said",)))
    assert found.chosen == replace(CAUTIOUS_PROMPTING, instructions="notebook", ends="said", file_rows=0)


def test_it_ends_when_the_time_is_over(home, planted, small_model):
    now = iter(range(0, 100_000, 6))
    bench = planted(small_model)
    found = run(home, bench, replace(WISHES, minutes=1.0), clock=lambda: float(next(now)))
    assert not found.complete
    assert 0 < len(bench.made) < 10


def test_progress_ends_where_it_said(home, planted, small_model):
    told: list[Standing] = []
    run(home, planted(small_model), on_standing=told.append)
    assert [standing.stage for standing in told[:1]] == ["form"]
    assert all(standing.done <= standing.total for standing in told)
    assert told[-1].done / told[-1].total > 0.7


def test_a_machine_that_fails_is_not_taken_for_a_bad_variant(home, planted, small_model):
    broken, after = planted(small_model), planted(small_model)
    broken.failure = "The policy server is gone."
    with pytest.raises(TaskFailed, match="policy server is gone"):
        run(home, broken)
    assert run(home, after).complete
    assert set(broken.made) <= set(after.made)


def test_one_process_calibrates_a_model_at_a_time(home, planted, small_model):
    with lease(home, f"calibrate-{MODEL}"), pytest.raises(LeaseHeld):
        run(home, planted(small_model))


def test_tasks_are_of_the_validation_split_with_more_of_them_beginning_alike():
    few, many = households(1, 8), households(1, 16)
    assert {task.split for house in many for task in house.tasks} == {"validation"}
    for some, more in zip(few, many, strict=True):
        assert more.tasks[: len(some.tasks)] == some.tasks
