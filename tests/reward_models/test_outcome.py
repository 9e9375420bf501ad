import pytest

from metaclaw_jlab.core.score import Score, ScoreSource, Unscored
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Task
from metaclaw_jlab.core.trajectory import ExecutionError, Observation, Step
from metaclaw_jlab.reward_models.outcome import OutcomeReward, trajectory_score, verdict_score

TASK = Task("Do it.")
RAISED = Observation(error=ExecutionError("ValueError", "no"))
HELD = CheckResult(Check(CheckKind.EXPRESSION, "a"), True)
FAILED = CheckResult(Check(CheckKind.EXPRESSION, "b"), False, "b is wrong")


def outcome(value: float, reason: str = "") -> Score:
    return Score(value, ScoreSource.OUTCOME, reason)


def test_an_exception_is_the_floor_whatever_the_checks_say() -> None:
    assert OutcomeReward().score(TASK, "x", RAISED, (HELD,)) == outcome(-1.0, "raised ValueError")


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ((HELD,), outcome(1.0)),
        ((HELD, FAILED), outcome(0.0, "b is wrong")),
        ((FAILED, FAILED), outcome(-1.0, "b is wrong")),
    ],
)
def test_the_share_of_checks_is_the_score(checks: tuple[CheckResult, ...], expected: Score) -> None:
    assert OutcomeReward().score(TASK, "x", Observation(), checks) == expected
    assert trajectory_score((), checks) == expected


def test_where_nothing_is_known_there_is_no_score() -> None:
    assert isinstance(OutcomeReward().score(TASK, "x", Observation(), ()), Unscored)
    assert isinstance(OutcomeReward().score(TASK, "", Observation(), (HELD,)), Unscored)
    assert isinstance(trajectory_score((), ()), Unscored)
    assert isinstance(trajectory_score((step(Observation()), step(None)), ()), Unscored)


def test_a_trajectory_that_recovers_is_not_blamed_for_an_earlier_exception() -> None:
    assert isinstance(trajectory_score((step(RAISED), step(Observation())), ()), Unscored)


def test_a_trajectory_that_ends_with_an_exception_is_the_floor() -> None:
    assert trajectory_score((step(Observation()), step(RAISED)), ()) == outcome(-1.0, "ended with ValueError")


@pytest.mark.parametrize(
    ("ran", "task_right", "strict", "value"),
    [
        (False, False, False, -1.0),
        (False, True, True, -1.0),
        (True, False, False, -0.8),
        (True, False, True, -0.8),
        (True, True, False, -0.2),
        (True, True, True, 1.0),
    ],
)
def test_a_verdict_pays_for_rules_only_where_the_task_is_right(
    ran: bool, task_right: bool, strict: bool, value: float
) -> None:
    assert verdict_score(ran=ran, task_right=task_right, strict=strict, reason="r") == outcome(value, "r")


def step(observation: Observation | None) -> Step:
    return Step(0, (), "reply", "x", observation)
