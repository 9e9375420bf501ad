import math
import random
from collections.abc import Callable, Iterator
from statistics import median

import pytest

from metaclaw_jlab.learning.watch import HORIZON, Watch, WatchDecision, assign, control_share

Rate = Callable[[int], float]


def outcomes(rng: random.Random, control: Rate, adapter: Rate) -> Iterator[tuple[bool, bool]]:
    for task in range(HORIZON):
        is_control = rng.random() < control_share(task)
        yield is_control, rng.random() < (control if is_control else adapter)(task)


def watched(seed: int, watches: int, control: Rate, adapter: Rate) -> list[Watch]:
    rng = random.Random(seed)
    return [Watch(1).after(outcomes(rng, control, adapter)) for _ in range(watches)]


def rolled_back_share(watches: list[Watch]) -> float:
    return sum(watch.decision is WatchDecision.ROLL_BACK for watch in watches) / len(watches)


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.8])
def test_at_most_one_in_twenty_rolls_back_for_nothing(rate: float) -> None:
    assert rolled_back_share(watched(5, 800, lambda _: rate, lambda _: rate)) <= 0.05


@pytest.mark.parametrize(
    "drift",
    [
        lambda task: 0.9 - 0.6 * task / HORIZON,
        lambda task: 0.2 if task < 100 else 0.8,
        lambda task: 0.5 + 0.4 * math.sin(task / 60),
    ],
    ids=["falling", "jump-as-the-share-falls", "waves"],
)
def test_a_drift_of_both_arms_rolls_nothing_back(drift: Rate) -> None:
    assert rolled_back_share(watched(6, 400, drift, drift)) <= 0.05


@pytest.mark.parametrize(("before", "after"), [(0.7, 0.5), (0.5, 0.3), (0.9, 0.7)])
def test_a_drop_of_a_fifth_is_found_within_a_hundred_tasks_in_the_median(before: float, after: float) -> None:
    found = watched(7, 800, lambda _: before, lambda _: after)
    tasks = [one.tasks if one.decision is WatchDecision.ROLL_BACK else math.inf for one in found]
    assert median(tasks) <= 100


def test_an_adapter_that_fails_everything_is_found_within_forty_tasks() -> None:
    found = watched(8, 200, lambda _: 0.8, lambda _: 0.0)
    assert median(one.tasks for one in found) <= 40


def test_a_better_adapter_passes_its_watch() -> None:
    assert rolled_back_share(watched(9, 300, lambda _: 0.5, lambda _: 0.6)) <= 0.01


def test_a_watch_ends_at_its_horizon() -> None:
    watch = Watch(1).after(outcomes(random.Random(0), lambda _: 1.0, lambda _: 1.0))
    assert (watch.decision, watch.tasks) == (WatchDecision.PASSED, HORIZON)


def test_outcome_by_outcome_is_the_same_as_all_at_once() -> None:
    sequence = list(outcomes(random.Random(3), lambda _: 0.7, lambda _: 0.6))[:200]
    step_by_step = Watch(1)
    for outcome in sequence:
        step_by_step = step_by_step.after([outcome])
    assert step_by_step == Watch(1).after(sequence)


def test_nothing_is_looked_at_after_a_decision() -> None:
    decided = Watch(1).after(outcomes(random.Random(8), lambda _: 1.0, lambda _: 0.0))
    assert decided.after([(False, True)] * 50) == decided


def test_historical_expectations_alone_roll_nothing_back() -> None:
    # Were 1.0 taken for the control's pass rate, this adapter would be rolled back.
    watches = [
        Watch(1, expected=1.0).after(outcomes(random.Random(seed), lambda _: 0.3, lambda _: 0.3))
        for seed in range(300)
    ]
    assert rolled_back_share(watches) <= 0.07


def test_half_of_the_first_hundred_are_controls_and_fewer_later() -> None:
    assert control_share(0) == control_share(99) == 0.5
    assert 0.125 == control_share(HORIZON - 1) < control_share(200) < 0.5


def test_no_task_is_a_control_after_the_watch() -> None:
    assert control_share(HORIZON) == 0.0
    passed = Watch(1, decision=WatchDecision.PASSED)
    assert not any(assign(passed, f"task-{n}") for n in range(50))


def test_a_key_is_always_assigned_alike() -> None:
    assert [assign(Watch(4), f"task-{n}") for n in range(20)] == [
        assign(Watch(4), f"task-{n}") for n in range(20)
    ]


def test_keys_are_assigned_in_the_share_that_is_asked_for() -> None:
    late = Watch(1, tasks=500)
    assert sum(assign(late, f"task-{n}") for n in range(4000)) / 4000 == pytest.approx(
        control_share(500), abs=0.02
    )


def test_another_version_draws_other_controls() -> None:
    keys = [f"task-{n}" for n in range(64)]
    assert [assign(Watch(1), key) for key in keys] != [assign(Watch(2), key) for key in keys]


def test_the_sentence_counts_both_arms() -> None:
    watch = Watch(3).after([(True, True), (False, False), (False, True)])
    assert "Version 3 passed 1 of 2 tasks, what served before it 1 of 1" in watch.sentence
