from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from metaclaw_jlab.core.config import JudgeSettings
from metaclaw_jlab.core.evolution import FailureKind
from metaclaw_jlab.core.exchange import Asked, Replied
from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.score import Score, ScoreSource, Unscored
from metaclaw_jlab.core.training import PromptKind
from metaclaw_jlab.core.trajectory import Role
from metaclaw_jlab.engines.judging import open_judge
from metaclaw_jlab.learning.inner_loop import evolve_once
from metaclaw_jlab.learning.judging import JudgeUse, choose
from metaclaw_jlab.learning.query_set import query_prompts
from metaclaw_jlab.learning.support_set import pending_failures
from metaclaw_jlab.learning.turn_keeping import keep_exchange
from metaclaw_jlab.learning.turn_scoring import (
    NO_JUDGE,
    REFUSED_SECONDS,
    TRIED_SECONDS,
    Scored,
    TurnJudging,
    admit_turns,
    score_turns,
    turn_judge_test,
)
from metaclaw_jlab.learning.turns import Conversations
from metaclaw_jlab.reward_models.judge_prompt import TURN_RUBRIC
from metaclaw_jlab.store.feedback import Feedbacks
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.support import Support
from tests.learning.homes import Ground
from tests.learning.trained import begun
from tests.reward_models.ballots import JudgeServer, element, honest

QUESTION = "How long is the bridge?"
SECRET = "sk-proj-" + "Ab1" * 16
CALL = {"id": "c1", "type": "function", "function": {"name": "measure", "arguments": "{}"}}


def fair(shown: str) -> int | str:
    """Honest about tasks with known answers; of turns it wants metres, and is silent about what it cannot know."""
    if element("task", shown).startswith(QUESTION):
        said = element("said", shown)
        if "who knows" in said:
            return 0
        return 1 if " m" in said else -1
    return honest(shown)


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    opened = JudgeServer(fair)
    yield opened
    opened.close()


@pytest.fixture
def judging(home_ground: Ground, server: JudgeServer) -> Callable[..., TurnJudging]:
    def make(now: float = 1000.0, **changes: object) -> TurnJudging:
        settings = JudgeSettings(base_url=server.base_url, model="judge", votes=3)
        use = JudgeUse(
            database=home_ground.database,
            settings=settings,
            trains=False,
            open=lambda: open_judge(settings, "policy"),
        )
        return TurnJudging(use=replace(use, **changes), clock=lambda: now)  # type: ignore[arg-type]

    return make


def turn(ground: Ground, answer: str, *, question: str = QUESTION, **changes: object) -> str:
    """A turn of one question and its answer; its trajectory's id."""
    body = {"model": "m", "messages": [{"role": "user", "content": question}], **_tools(changes)}
    asked = Asked(body, body, at=10.0, **changes)  # type: ignore[arg-type]
    placed = Conversations().place(asked, Replied(answer, model="m"))
    keep_exchange(ground.database, asked, Replied(answer, model="m"), placed)
    return placed.trajectory


def _tools(changes: dict[str, object]) -> dict[str, object]:
    return {"tools": [{"function": {"name": "measure"}}]} if changes.pop("tools", False) else {}


def score_of(ground: Ground, trajectory: str) -> object:
    score = ground.trajectories.get(trajectory).score
    return score.value if isinstance(score, Score) else score


def test_finished_turns_are_scored_by_the_judge(
    home_ground: Ground, judging: Callable[..., TurnJudging]
) -> None:
    right, wrong, unknown = (turn(home_ground, text) for text in ("7 m", "7", "who knows"))
    assert score_turns(judging()) == Scored(scored=2, wrong=1, untold=1)
    assert (score_of(home_ground, right), score_of(home_ground, wrong)) == (1.0, -1.0)
    assert isinstance(score_of(home_ground, unknown), Unscored)
    step = home_ground.trajectories.get(wrong).steps[-1]
    assert [one.source for one in step.scores if isinstance(one, Score)] == [ScoreSource.JUDGE]
    assert score_turns(judging()) == Scored()


def test_calls_and_results_of_tools_are_in_view(
    home_ground: Ground, judging: Callable[..., TurnJudging], server: JudgeServer
) -> None:
    conversations = Conversations()
    question = {"role": "user", "content": QUESTION}
    called = {"role": "assistant", "content": "", "tool_calls": [CALL]}
    result = {"role": "tool", "tool_call_id": "c1", "content": f"7 m, by {SECRET}"}
    first, second = {"messages": [question]}, {"messages": [question, called, result]}
    exchanges = [
        (Asked(first, first), Replied("", (CALL,))),
        (Asked(second, second), Replied("7 m")),
    ]
    for asked, replied in exchanges:
        keep_exchange(home_ground.database, asked, replied, conversations.place(asked, replied))
    score_turns(judging())
    system, shown = server.requests[-1].messages
    assert system["content"] == TURN_RUBRIC
    assert "measure({})" in shown["content"]
    assert "Result of measure:\n7 m, by" in shown["content"]
    assert SECRET not in shown["content"]
    assert "It was the last step" in shown["content"]


def test_a_turn_that_is_judged_wrong_is_a_failure_like_any_other(
    home_ground: Ground, judging: Callable[..., TurnJudging]
) -> None:
    wrong = turn(home_ground, "7")
    score_turns(judging())
    (pending,) = pending_failures(home_ground.database, 9)
    failure = pending.failure
    assert (failure.trajectory, failure.kind) == (wrong, FailureKind.JUDGED)
    assert (failure.task, failure.code, failure.feedback) == (QUESTION, "7", ("seen",))
    assert evolve_once(home_ground.loop()).generation == 1
    assert home_ground.trajectories.get(wrong).role is Role.SUPPORT


def test_a_judge_that_fails_its_trial_is_not_believed(
    home_ground: Ground, judging: Callable[..., TurnJudging], server: JudgeServer
) -> None:
    server.opinion = lambda _: -1
    wrong = turn(home_ground, "7")
    found = score_turns(judging(now=1000.0))
    assert "does not tell right from wrong" in found.reason
    assert (score_of(home_ground, wrong), Support(home_ground.database).pending(9)) == (None, ())
    asked = len(server.requests)
    assert score_turns(judging(now=1000.0 + REFUSED_SECONDS / 2)).reason == found.reason
    assert len(server.requests) == asked
    server.opinion = fair
    assert score_turns(judging(now=1001.0 + REFUSED_SECONDS)).scored == 1


def test_a_judge_is_tried_under_the_rubric_for_turns_and_not_for_every_turn(
    home_ground: Ground, judging: Callable[..., TurnJudging], server: JudgeServer
) -> None:
    turn(home_ground, "7 m")
    score_turns(judging(now=1000.0))
    assert {request.messages[0]["content"] for request in server.requests} == {TURN_RUBRIC}
    test = turn_judge_test(home_ground.database, "judge")
    assert test is not None
    assert test.usable
    before = len(server.requests)
    turn(home_ground, "8 m")
    score_turns(judging(now=1000.0 + TRIED_SECONDS / 2))
    assert len(server.requests) == before + 1
    turn(home_ground, "9 m")
    score_turns(judging(now=1001.0 + TRIED_SECONDS))
    assert len(server.requests) > before + 10


def test_what_may_not_teach_never_reaches_the_judge(
    home_ground: Ground, judging: Callable[..., TurnJudging], server: JudgeServer
) -> None:
    turn(home_ground, "7", kind="side")
    turn(home_ground, "7", learn=False)
    assert score_turns(judging()) == Scored()
    assert server.requests == []


def test_without_a_judge_nothing_is_scored_and_the_reason_is_told(
    home_ground: Ground, judging: Callable[..., TurnJudging]
) -> None:
    trajectory = turn(home_ground, "7")
    assert score_turns(judging(open=lambda: None)) == Scored(reason=NO_JUDGE)
    assert score_of(home_ground, trajectory) is None


def test_a_judge_that_does_not_answer_is_asked_again_later(
    home_ground: Ground, judging: Callable[..., TurnJudging], server: JudgeServer
) -> None:
    turn(home_ground, "7 m")
    score_turns(judging())
    later = turn(home_ground, "8 m")
    gone = JudgeSettings(base_url="http://127.0.0.1:9/v1", model="judge", votes=1, timeout=0.2)
    assert score_turns(judging(open=lambda: open_judge(gone, "policy"))) == Scored()
    assert score_of(home_ground, later) is None


def test_the_users_bad_needs_no_judge(home_ground: Ground) -> None:
    trajectory = turn(home_ground, "7 m")
    Feedbacks(home_ground.database).add(Feedback(trajectory, FeedbackKind.BAD, "Say who says so."))
    (pending,) = pending_failures(home_ground.database, 9)
    assert (pending.failure.kind, pending.failure.feedback) == (FailureKind.BAD, ("Say who says so.",))


def test_judged_turns_of_plain_text_may_train(
    home_ground: Ground, judging: Callable[..., TurnJudging]
) -> None:
    right, unjudged = turn(home_ground, "7 m"), turn(home_ground, "who knows")
    tools = turn(home_ground, "9 m", tools=True)
    score_turns(judging())
    assert admit_turns(home_ground.database) == 1
    get = home_ground.trajectories.get
    assert [get(one).role for one in (right, unjudged, tools)] == [Role.QUERY, Role.NEITHER, Role.NEITHER]
    assert "tools of its own" in home_ground.trajectories.role_reason(tools)
    (prompt,) = query_prompts(home_ground.database, Query(home_ground.database).waiting())
    assert (prompt.id, prompt.kind, prompt.checked) == (right, PromptKind.TURN, False)
    assert [message.content for message in prompt.messages] == [QUESTION]


def test_a_failure_that_waits_is_not_trained_on(
    home_ground: Ground, judging: Callable[..., TurnJudging]
) -> None:
    turn(home_ground, "7")
    score_turns(judging())
    assert admit_turns(home_ground.database) == 0


@pytest.mark.parametrize("allowed", [True, False])
def test_a_run_trains_on_turns_only_where_the_user_allows_it(
    home_ground: Ground, judging: Callable[..., TurnJudging], allowed: bool
) -> None:
    turn(home_ground, "7 m")
    score_turns(judging())
    admit_turns(home_ground.database)
    prompts = query_prompts(home_ground.database, Query(home_ground.database).waiting())
    use = replace(judging().use, trains=not allowed, trains_turns=allowed)
    chosen = choose(use, begun(home_ground.database), prompts)
    if allowed:
        assert chosen.prompts == prompts
        assert chosen.judge is not None
        assert chosen.note == "1 turn of another agent is trained on the votes of judge alone."
    else:
        assert (chosen.prompts, chosen.judge) == ((), None)
        assert chosen.note == (
            "1 turn of another agent is left out. Judged rewards are off (proxy.train_judged)."
        )
