from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.score import Score, ScoreSource, Scoring, Unscored
from metaclaw_jlab.core.trajectory import Observation, Step
from metaclaw_jlab.reward_models.credit import (
    completion_reward,
    group_rewards,
    judged_outcome,
    process_reward,
    prompt_weight,
)
from tests.reward_models.ballots import RAISED

NONE = Unscored("nothing")
WEIGHT = 0.25


def checked(value: float) -> Score:
    return Score(value, ScoreSource.OUTCOME)


def voted(value: float) -> Score:
    return Score(value, ScoreSource.JUDGE)


def said(value: float) -> Score:
    return Score(value, ScoreSource.USER)


def worth(outcome: Scoring, process: Scoring) -> float | None:
    reward = completion_reward(outcome, process, process_weight=WEIGHT)
    return reward.value if isinstance(reward, Score) else None


@dataclass(frozen=True)
class Ran:
    """A completion that was run."""

    outcome: Scoring
    step: Step | None = None


def own(*scores: Scoring, raised: bool = False) -> Step:
    return Step(0, (), "r", "a", RAISED if raised else Observation(), scores)


# ---------------------------------------------------------------- one completion


@pytest.mark.parametrize(
    ("outcome", "process", "reward"),
    [
        (checked(1.0), NONE, 1.0),
        (checked(0.2), NONE, 0.2),
        (checked(1.0), checked(-1.0), 0.75),
        (checked(0.0), checked(-1.0), -0.25),
        (checked(-1.0), checked(-1.0), -1.0),
        (voted(1.0), NONE, 1.0),
        (voted(-1.0), voted(1.0), -0.75),
        (voted(1.0), voted(1.0), 1.0),
    ],
)
def test_the_outcome_and_the_weighted_process_reward_add_up(
    outcome: Scoring, process: Scoring, reward: float
) -> None:
    assert worth(outcome, process) == pytest.approx(reward)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_no_judge_bears_on_what_was_checked(value: float, vote: float) -> None:
    assert worth(checked(value), voted(vote)) == value


def test_without_checks_a_step_that_raised_is_at_the_floor() -> None:
    assert worth(voted(1.0), checked(-1.0)) == -1.0


def test_without_an_outcome_nothing_is_known() -> None:
    for process in (NONE, voted(1.0), checked(-1.0)):
        assert worth(NONE, process) is None


def test_a_users_word_is_no_reward_of_another_completion() -> None:
    assert worth(said(1.0), NONE) is None
    assert worth(checked(0.5), said(1.0)) == 0.5


@given(
    st.sampled_from([checked, voted]),
    st.floats(-1, 1),
    st.sampled_from([checked, voted, said]),
    st.floats(-1, 1),
    st.floats(0, 1),
)
def test_a_reward_keeps_its_bounds_and_its_source(
    outcome: type, value: float, process: type, more: float, weight: float
) -> None:
    reward = completion_reward(outcome(value), process(more), process_weight=weight)
    assert isinstance(reward, Score)
    assert -1.0 <= reward.value <= 1.0


def test_an_exception_at_the_end_outweighs_a_vote() -> None:
    assert judged_outcome(checked(-1.0), voted(1.0)) == checked(-1.0)
    assert judged_outcome(NONE, voted(1.0)) == voted(1.0)
    assert judged_outcome(NONE, Unscored("a tie")) == Unscored("a tie")


def test_the_process_reward_of_a_step_is_its_exception_or_its_newest_vote() -> None:
    assert process_reward(own(voted(1.0), voted(-1.0))) == voted(-1.0)
    raised = process_reward(own(voted(1.0), raised=True))
    assert isinstance(raised, Score)
    assert (raised.value, raised.source) == (-1.0, ScoreSource.OUTCOME)
    for nothing in (None, own(), own(checked(0.5)), own(said(1.0)), own(Unscored("a tie"))):
        assert isinstance(process_reward(nothing), Unscored)


# ---------------------------------------------------------------- a group


def test_rewards_come_in_the_order_of_the_completions() -> None:
    group = group_rewards(
        [Ran(checked(1.0), own()), Ran(checked(-1.0), own()), Ran(checked(1.0), own(raised=True))],
        process_weight=WEIGHT,
    )
    assert list(group) == [1.0, -1.0, 0.75]
    assert (group.unscored, group.mixed, group.equal) == (0, 0, False)


def test_what_is_not_known_is_left_out_and_counted_never_0() -> None:
    group = group_rewards(
        [Ran(checked(0.0), own()), Ran(Unscored("the scorer failed")), Ran(checked(1.0), own())],
        process_weight=WEIGHT,
    )
    assert list(group) == [0.0, None, 1.0]
    assert group.known == (0.0, 1.0)
    assert (group.unscored, group.reasons) == (1, ("the scorer failed",))


def test_a_judge_is_left_out_of_a_checked_group_and_counted() -> None:
    votes = [Ran(voted(1.0), own()) for _ in range(5)]
    group = group_rewards([Ran(checked(-1.0), own()), *votes], process_weight=WEIGHT)
    assert list(group) == [-1.0, None, None, None, None, None]
    assert (group.mixed, group.unscored, group.equal) == (5, 0, True)


def test_checks_are_left_out_of_a_judged_group_but_for_an_exception() -> None:
    group = group_rewards(
        [
            Ran(voted(1.0), own()),
            Ran(voted(-1.0), own(voted(1.0))),
            Ran(checked(-1.0), own(raised=True)),
            Ran(checked(0.4), own()),
            Ran(NONE, own()),
        ],
        process_weight=WEIGHT,
        judged=True,
    )
    assert list(group) == [1.0, -0.75, -1.0, None, None]
    assert (group.mixed, group.unscored) == (1, 1)


@given(
    st.lists(
        st.builds(
            Ran,
            st.one_of(st.just(NONE), *(st.builds(kind, st.floats(-1, 1)) for kind in (checked, voted, said))),
            st.sampled_from([None, own(), own(raised=True), own(voted(1.0))]),
        ),
        max_size=8,
    ),
    st.booleans(),
)
def test_no_group_ever_holds_both_kinds(completions: list[Ran], judged: bool) -> None:
    group = group_rewards(completions, process_weight=WEIGHT, judged=judged)
    sources = {
        one.outcome.source
        for one, reward in zip(completions, group, strict=True)
        if reward is not None
        and isinstance(one.outcome, Score)
        and (one.outcome.source is ScoreSource.JUDGE or one.outcome.value > -1.0)
    }
    assert sources <= {ScoreSource.JUDGE if judged else ScoreSource.OUTCOME}
    assert len(group) == len(completions) == len(group.known) + group.unscored + group.mixed


@pytest.mark.parametrize(
    ("values", "equal"), [([], True), ([1.0], True), ([0.5, 0.5], True), ([0.5, 0.6], False)]
)
def test_a_group_of_equal_rewards_says_so(values: list[float], equal: bool) -> None:
    group = group_rewards([Ran(checked(value), own()) for value in values], process_weight=WEIGHT)
    assert group.equal is equal


# ---------------------------------------------------------------- a prompt


def test_good_and_bad_words_both_tell_that_a_task_matters() -> None:
    good, bad = (Feedback("t", kind) for kind in (FeedbackKind.GOOD, FeedbackKind.BAD))
    assert (
        prompt_weight([good]) == prompt_weight([bad]) == prompt_weight([good, bad]) > prompt_weight([]) == 1.0
    )
