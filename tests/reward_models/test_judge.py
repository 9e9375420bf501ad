import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from metaclaw_jlab.core.config import JudgeSettings
from metaclaw_jlab.core.errors import ConfigError
from metaclaw_jlab.core.score import Score, ScoreSource, Unscored
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Stamp, StopReason, Trajectory
from metaclaw_jlab.policies.voting import VotingEndpoint
from metaclaw_jlab.reward_models.judge import (
    FAILURES_IN_A_ROW,
    Budget,
    Judge,
    configured_judge,
    refuse_same_model,
)
from metaclaw_jlab.reward_models.judge_prompt import Case
from tests.reward_models.ballots import NO_FORMAT, NO_N, JudgeServer, doubled, honest, step

Judges = Callable[..., JudgeServer]
JudgeAt = Callable[..., Judge]
RIGHT, WRONG = doubled(4, True).case, doubled(4, False).case


def reason(score: object) -> str:
    assert isinstance(score, Unscored)
    return score.reason


def value(score: object) -> float:
    assert isinstance(score, Score)
    assert score.source is ScoreSource.JUDGE
    return score.value


def in_turn(*replies: int | str) -> Callable[[str], int | str]:
    waiting = list(replies)
    return lambda _: waiting.pop(0)


def test_three_votes_of_one_request_make_a_score(judges: Judges, judge_at: JudgeAt) -> None:
    server = judges(honest)
    judge = judge_at(server)
    assert (value(judge.score(RIGHT)), value(judge.score(WRONG))) == (1.0, -1.0)
    assert [request.body["n"] for request in server.chats] == [3, 3]
    assert server.chats[0].body["response_format"]["json_schema"]["strict"] is True


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("refused", [{"n": NO_N}, {"n": NO_N, "response_format": NO_FORMAT}])
def test_an_endpoint_without_n_or_structure_gives_the_same_score(
    judges: Judges, judge_at: JudgeAt, refused: dict[str, str], plain: bool
) -> None:
    server = judges(honest, plain=plain)
    server.unsupported = refused
    judge = judge_at(server)
    assert (value(judge.score(RIGHT)), value(judge.score(WRONG))) == (1.0, -1.0)


def test_votes_asked_one_by_one_end_once_they_are_decided(judges: Judges, judge_at: JudgeAt) -> None:
    server = judges(in_turn(1, 1, -1, 1, -1, -1), ignores_n=True)
    judge = judge_at(server)
    assert value(judge.score(RIGHT)) == 1.0
    assert len(server.chats) == 2
    assert value(judge_at(server).score(RIGHT)) == -1.0


def test_a_tie_is_unscored(judges: Judges, judge_at: JudgeAt) -> None:
    assert "No majority" in reason(judge_at(judges(in_turn(1, -1, "?"))).score(RIGHT))
    assert "No majority" in reason(judge_at(judges(in_turn(1, -1)), count=2).score(RIGHT))


def test_replies_that_cannot_be_read_are_unscored(judges: Judges, judge_at: JudgeAt) -> None:
    assert "does not end with a score" in reason(judge_at(judges(lambda _: "Score: 10")).score(RIGHT))


def test_replies_that_were_cut_off_are_unscored(judges: Judges, judge_at: JudgeAt) -> None:
    server = judges(honest)
    server.finish = "length"
    assert "did not come to its end" in reason(judge_at(server).score(RIGHT))


def test_a_judge_that_fails_is_unscored_with_the_reason(judges: Judges, judge_at: JudgeAt) -> None:
    server = judges(honest)
    server.fail(401, "Who are you?")
    judge = judge_at(server)
    assert "Who are you?" in reason(judge.score(RIGHT))
    assert value(judge.score(RIGHT)) == 1.0


def test_a_silent_judge_is_unscored(judges: Judges, judge_at: JudgeAt) -> None:
    server = judges(honest)
    server.hang()
    assert "sent nothing" in reason(judge_at(server, timeout=0.1).score(RIGHT))


def test_a_judge_that_keeps_failing_is_not_asked_again(judges: Judges, judge_at: JudgeAt) -> None:
    server = judges(honest)
    server.fail(401, times=FAILURES_IN_A_ROW)
    judge = judge_at(server, concurrency=1)
    scores = judge.score_all([RIGHT] * (FAILURES_IN_A_ROW + 20))
    assert len(server.chats) == FAILURES_IN_A_ROW
    assert all(isinstance(score, Unscored) for score in scores)
    assert "in a row" in reason(scores[-1])


def test_an_answer_between_failures_keeps_the_judge(judges: Judges, judge_at: JudgeAt) -> None:
    server = judges(honest)
    judge = judge_at(server)
    for _ in range(2 * FAILURES_IN_A_ROW):
        server.fail(401)
        assert isinstance(judge.score(RIGHT), Unscored)
        assert value(judge.score(RIGHT)) == 1.0


def test_the_budget_is_never_exceeded(judges: Judges, judge_at: JudgeAt) -> None:
    server = judges(honest)
    scores = judge_at(server, requests=5).score_all([RIGHT] * 30)
    assert len(server.chats) == 5
    assert sum(isinstance(score, Score) for score in scores) == 5
    assert "budget" in reason(next(score for score in scores if isinstance(score, Unscored)))


def test_a_step_that_the_budget_cuts_short_is_unscored(judges: Judges, judge_at: JudgeAt) -> None:
    server = judges(in_turn(1, -1), ignores_n=True)
    assert "budget" in reason(judge_at(server, requests=2).score(RIGHT))


def test_steps_are_scored_at_the_same_time_and_in_order(judges: Judges, judge_at: JudgeAt) -> None:
    meeting = threading.Barrier(4, timeout=20)

    def together(shown: str) -> int:
        if "Print twice" in shown:
            meeting.wait()
        return honest(shown)

    server = judges(together)
    cases = [doubled(number, number % 2 == 0).case for number in range(1, 5)]
    scores = judge_at(server, count=1, concurrency=4).score_all(cases)
    assert [value(score) for score in scores] == [-1.0, 1.0, -1.0, 1.0]


def test_no_more_are_asked_at_once_than_was_allowed(judges: Judges, judge_at: JudgeAt) -> None:
    server = judges(honest)
    judge_at(server, concurrency=2).score_all([RIGHT] * 20)
    assert 1 <= server.most_together <= 2


class Enough(BaseException):
    """What a stopped worker raises."""


def test_waiting_ends_as_soon_as_it_is_told_and_no_request_follows(judges: Judges, judge_at: JudgeAt) -> None:
    go_on = threading.Event()
    server = judges(lambda _: int(go_on.wait(30)))

    def check() -> None:
        if server.chats:
            raise Enough

    with pytest.raises(Enough):
        judge_at(server, timeout=30.0, concurrency=2).score_all([RIGHT] * 50, check=check)
    assert not go_on.is_set()
    go_on.set()
    for thread in [one for one in threading.enumerate() if one.name == "metaclaw-judge"]:
        thread.join(30)
    assert len(server.chats) <= 2


def test_every_step_of_a_trajectory_is_scored_the_last_one_included(
    judges: Judges, judge_at: JudgeAt
) -> None:
    seen: list[str] = []

    def opinion(shown: str) -> int:
        seen.append(shown)
        return 1 if "right" in shown.rpartition("<step>")[2] else -1

    steps = (step("a", "right"), step("b", "wrong", 1), replace(step("", "", 2, "right"), observation=None))
    trajectory = Trajectory("t", Task("Do it."), Stamp(0, (), "m"), steps=steps, stop=StopReason.DONE)
    server = judges(opinion)
    scores = judge_at(server, count=1, concurrency=1).score_steps(trajectory, skills=("Be terse.",))
    assert [(index, value(score)) for index, score in scores] == [(0, 1.0), (1, -1.0), (2, 1.0)]
    assert ["It was the last step" in text for text in seen] == [False, False, True]
    assert all("Be terse." in text for text in seen)


def test_a_trajectory_without_steps_asks_nothing(judges: Judges, judge_at: JudgeAt) -> None:
    server = judges(honest)
    assert judge_at(server).score_steps(Trajectory("t", Task("x"), Stamp(0, (), "m"))) == ()
    assert server.chats == []


def test_known_secrets_stay_here(judges: Judges, judge_at: JudgeAt) -> None:
    server = judges(lambda _: 1)
    judge_at(server, known=("correct horse",)).score(Case(Task("x"), (step("c", "correct horse"),)))
    assert "correct horse" not in str(server.chats[0].body)


@pytest.mark.parametrize(
    ("judge", "policy"),
    [
        ("m", "m"),
        ("m", "m@v3"),
        ("Org/M-1B", "m-1b"),
        ("m:latest", "m"),
        ("m", "/models/m/"),
        ("metaclaw-practice-1m", "metaclaw-practice-1m@v0"),
    ],
)
def test_a_model_does_not_judge_itself_unless_told(judge: str, policy: str) -> None:
    with pytest.raises(ConfigError, match=r"itself.*judge\.same_model"):
        refuse_same_model(judge, policy, allowed=False)
    refuse_same_model(judge, policy, allowed=True)


@pytest.mark.parametrize(("judge", "policy"), [("m", "n"), ("m@v3x", "m"), ("m:7b", "m:70b")])
def test_another_model_may_judge(judge: str, policy: str) -> None:
    refuse_same_model(judge, policy, allowed=False)


def test_a_configured_judge_follows_its_settings(judges: Judges) -> None:
    server = judges(honest)
    votes = VotingEndpoint(server.base_url)  # its name is the endpoint's to tell
    judge = configured_judge(JudgeSettings(votes=1, max_calls=1), votes, policy_model="m")
    assert value(judge.score(RIGHT)) == 1.0
    assert "budget" in reason(judge.score(RIGHT))
    with pytest.raises(ConfigError):
        configured_judge(JudgeSettings(), votes, policy_model="judge@v2")


def test_a_budget_counts_what_is_left() -> None:
    budget = Budget(1)
    assert [budget.left, budget.take(), budget.left, budget.take(), budget.left] == [1, True, 0, False, 0]
