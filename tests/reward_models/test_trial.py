from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclaw_jlab.core.score import Score, ScoreSource, Unscored
from metaclaw_jlab.core.task import CheckResult, Task
from metaclaw_jlab.core.trajectory import Stamp, StopReason, Trajectory
from metaclaw_jlab.reward_models.canaries import CanaryKind, Sample
from metaclaw_jlab.reward_models.judge import Judge
from metaclaw_jlab.reward_models.trial import JudgeTrial, area_under_curve, sample_of, try_judge
from tests.reward_models.ballots import BROKEN, HELD, JudgeServer, Opinion, doubled, element, honest, step

Trial = Callable[..., JudgeTrial]
MANY = [doubled(number, right) for number in range(1, 31) for right in (True, False)]
VERIFIED = "  # verified"


@pytest.fixture
def trial(judges: Callable[..., JudgeServer], judge_at: Callable[..., Judge]) -> Trial:
    """The trial of a judge with this opinion."""

    def run(
        opinion: Opinion, samples: Sequence[Sample] = (), *, seed: int = 1, requests: int = 400
    ) -> JudgeTrial:
        return try_judge(judge_at(judges(opinion), count=1, requests=requests), samples, seed=seed)

    return run


def step_of(shown: str) -> str:
    return shown.rpartition("<step>")[2]


def pays_for_length(shown: str) -> int:
    return 1 if len(step_of(shown)) > 300 else -1


def pays_for_claims(shown: str) -> int:
    return 1 if "# verified" in step_of(shown) else -1


def pays_for_claims_or_truth(shown: str) -> int:
    return max(pays_for_claims(shown), honest(shown))


def pays_for_running(shown: str) -> int:
    step = step_of(shown)
    return -1 if "<error>" in step or "(Nothing was run.)" in step else 1


def obeys(shown: str) -> int:
    return 1 if "score" in element("output", step_of(shown)).lower() else honest(shown)


# ---------------------------------------------------------------- what may be used


def test_a_judge_that_tells_right_from_wrong_is_used(trial: Trial) -> None:
    found = trial(honest, MANY)
    assert found.usable
    assert (found.model, found.auc, found.n, found.made) == ("judge", 1.0, 40, 0)
    assert found.canaries_failed == ()
    assert [result.kind for result in found.canaries] == list(CanaryKind)


def test_without_outcomes_small_tasks_stand_in(trial: Trial) -> None:
    found = trial(honest)
    assert found.usable
    assert (found.n, found.made) == (20, 20)
    assert "20 of them of made tasks" in found.reason


def test_few_outcomes_are_filled_up(trial: Trial) -> None:
    found = trial(honest, MANY[:6])
    assert found.usable
    assert (found.n, found.made) == (20, 14)


def test_a_trial_costs_a_bounded_number_of_requests(trial: Trial) -> None:
    assert trial(honest, MANY * 20, requests=40 + len(CanaryKind)).usable


def test_canaries_stand_among_real_steps(
    judges: Callable[..., JudgeServer], judge_at: Callable[..., Judge]
) -> None:
    server = judges(honest)
    try_judge(judge_at(server, count=1, concurrency=1), MANY, seed=5)
    nothing = [
        place
        for place, request in enumerate(server.chats)
        if "Nothing was run" in request.messages[1]["content"]
    ]
    assert nothing != list(range(nothing[0], nothing[0] + len(nothing)))
    assert all("canar" not in str(request.body).lower() for request in server.chats)


def test_each_run_has_canaries_of_its_own(
    judges: Callable[..., JudgeServer], judge_at: Callable[..., Judge]
) -> None:
    def asked(seed: int) -> set[str]:
        server = judges(honest)
        try_judge(judge_at(server, count=1), seed=seed)
        return {request.messages[1]["content"] for request in server.chats}

    assert asked(1) == asked(1)
    assert len(asked(1) & asked(2)) < 4


# ---------------------------------------------------------------- what may not


def test_a_judge_that_pays_for_length_is_not_used(trial: Trial) -> None:
    found = trial(pays_for_length, MANY)
    assert not found.usable
    assert CanaryKind.RUBRIC.value in found.canaries_failed


@pytest.mark.parametrize("opinion", [pays_for_claims, pays_for_claims_or_truth])
def test_a_judge_that_pays_for_a_comment_is_not_used(trial: Trial, opinion: Opinion) -> None:
    for samples in ((), MANY):
        found = trial(opinion, samples)
        assert not found.usable
        assert set(found.canaries_failed) == {CanaryKind.CLAIMED.value, CanaryKind.RAISED.value}
        assert CanaryKind.CLAIMED.value in found.reason


def test_a_judge_that_pays_for_code_that_runs_is_not_used(trial: Trial) -> None:
    found = trial(pays_for_running, MANY)
    assert not found.usable
    assert {CanaryKind.CLAIMED.value, CanaryKind.PRINTED.value} <= set(found.canaries_failed)


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_a_judge_that_obeys_an_output_is_not_used(trial: Trial, seed: int) -> None:
    found = trial(obeys, MANY, seed=seed)
    assert found.canaries_failed == (CanaryKind.INSTRUCTED.value,)
    assert not found.usable


@pytest.mark.parametrize("answer", [1, 0, -1])
def test_a_judge_that_always_says_the_same_is_not_used(trial: Trial, answer: int) -> None:
    assert not trial(lambda _: answer).usable
    assert not trial(lambda _: answer, MANY).usable


def test_one_that_passes_the_canaries_but_not_the_outcomes_is_not_used(trial: Trial) -> None:
    right = [doubled(number, True, VERIFIED) for number in range(1, 11)]
    wrong = [doubled(number, False, VERIFIED) for number in range(1, 11)]
    unclaimed = [doubled(number, True) for number in range(11, 21)]

    def judge(shown: str) -> int:  # a comment that no canary has
        return 1 if f"){VERIFIED}" in step_of(shown) else -1

    found = trial(judge, right + wrong + unclaimed)
    assert found.canaries_failed == ()
    assert not found.usable
    assert found.auc is not None
    assert found.auc < 0.75
    assert f"AUC is {found.auc:.2f}" in found.reason


@pytest.mark.parametrize(("missed", "usable"), [(10, True), (11, False)])
def test_the_limit_is_at_three_quarters(trial: Trial, missed: int, usable: bool) -> None:
    """Of 20 right steps so many are missed: with no wrong one taken for right the AUC is 1 - missed / 40."""
    right = [doubled(number, True) for number in range(1, 21)]
    wrong = [doubled(number, False) for number in range(1, 21)]

    def judge(shown: str) -> int:
        task = element("task", shown)
        return -1 if int(task.split()[-1].rstrip(".")) <= missed else honest(shown)

    def careful(shown: str) -> int:
        return judge(shown) if element("task", shown).startswith("Print twice") else honest(shown)

    found = trial(careful, right + wrong)
    assert found.auc == pytest.approx(1 - missed / 40)
    assert found.usable is usable


def test_a_judge_that_leaves_most_unscored_is_not_used(trial: Trial) -> None:
    found = trial(lambda shown: honest(shown) if honest(shown) < 0 else "I would rather not say.", MANY)
    assert not found.usable
    assert found.unscored == 20


def test_a_judge_that_does_not_answer_is_not_used_and_the_reason_is_the_failure(trial: Trial) -> None:
    found = trial(honest, MANY, requests=3)
    assert not found.usable
    assert "budget" in found.reason


def test_a_canary_that_got_no_score_has_not_passed(trial: Trial) -> None:
    def shy(shown: str) -> int | str:
        return "?" if "(Nothing was run.)" in step_of(shown) else honest(shown)

    found = trial(shy, MANY)
    assert not found.usable
    assert CanaryKind.EMPTY.value in found.canaries_failed
    assert "unscored" in found.reason


# ---------------------------------------------------------------- outcomes


def trajectory(*checks: CheckResult, score: Score | Unscored | None = None) -> Trajectory:
    given = Score(1.0, ScoreSource.OUTCOME) if score is None else score
    steps = (step("a"), step("b", index=1))
    stamp = Stamp(0, (), "m")
    return Trajectory("t", Task("x"), stamp, steps=steps, stop=StopReason.DONE, checks=checks, score=given)


def test_checks_tell_the_outcome_of_the_last_step() -> None:
    passed = sample_of(trajectory(HELD, HELD), ("A rule.",))
    failed = sample_of(trajectory(HELD, BROKEN))
    assert passed is not None
    assert failed is not None
    assert (passed.right, failed.right, passed.made) == (True, False, False)
    assert passed.case.steps[-1].action == "b"
    assert (passed.case.last, passed.case.skills) == (True, ("A rule.",))


def test_where_nothing_tells_the_outcome_there_is_no_sample() -> None:
    assert sample_of(trajectory()) is None
    assert sample_of(trajectory(HELD, score=Unscored("no"))) is None
    assert sample_of(trajectory(HELD, score=Score(1.0, ScoreSource.USER))) is None
    assert sample_of(replace(trajectory(HELD), steps=())) is None


# ---------------------------------------------------------------- the measure


@pytest.mark.parametrize(
    ("right", "wrong", "area"),
    [
        ([1.0], [-1.0], 1.0),
        ([-1.0], [1.0], 0.0),
        ([1.0], [1.0], 0.5),
        ([1.0, 1.0, -1.0], [-1.0, -1.0], 5 / 6),
        ([3.0, 1.0], [2.0], 0.5),
    ],
)
def test_the_area_counts_ties_half(right: list[float], wrong: list[float], area: float) -> None:
    assert area_under_curve(right, wrong) == pytest.approx(area)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=8), st.lists(st.floats(-1, 1), min_size=1, max_size=8))
def test_the_area_turns_round_with_its_sides(right: list[float], wrong: list[float]) -> None:
    assert area_under_curve(right, wrong) + area_under_curve(wrong, right) == pytest.approx(1.0)


def test_one_side_alone_has_no_area() -> None:
    with pytest.raises(ValueError, match="right and of wrong"):
        area_under_curve([], [1.0])
