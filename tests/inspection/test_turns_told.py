from typing import Any

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.exchange import Asked, Replied
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.score import Score, ScoreSource, Unscored
from metaclaw_jlab.inspection import turns
from metaclaw_jlab.inspection.aftermath import aftermath
from metaclaw_jlab.inspection.roles import role_in_words
from metaclaw_jlab.inspection.why import give_account, look_up
from metaclaw_jlab.inspection.why_text import render_account
from metaclaw_jlab.learning.turn_keeping import keep_exchange
from metaclaw_jlab.learning.turn_scoring import admit_turns
from metaclaw_jlab.learning.turns import Conversations
from metaclaw_jlab.store.client_keys import ClientKeys
from metaclaw_jlab.store.judging import Judging
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.turns import Turns
from tests.inspection.learning_samples import RULE

QUESTION = {"role": "user", "content": "How long is the bridge?"}
CALL = {"id": "c1", "type": "function", "function": {"name": "measure", "arguments": '{"what": "bridge"}'}}
RIGHT = Score(1.0, ScoreSource.JUDGE, "3 of 3 votes")
WRONG = Score(-1.0, ScoreSource.JUDGE, "3 of 3 votes: No source.")


def keep(workspace: Workspace, *exchanges: tuple[list[dict[str, Any]], Replied], **changes: Any) -> str:
    conversations, trajectory = Conversations(), ""
    for messages, replied in exchanges:
        asked = Asked({"messages": messages}, {"messages": messages}, at=10.0, session="s1", **changes)
        placed = conversations.place(asked, replied)
        keep_exchange(workspace.database(), asked, replied, placed)
        trajectory = placed.trajectory
    return trajectory


def answered(workspace: Workspace, **changes: Any) -> str:
    return keep(workspace, ([QUESTION], Replied("7 m", model="m")), **changes)


def told(workspace: Workspace, trajectory_id: str) -> str:
    trajectory = workspace.trajectories().get(trajectory_id)
    account = give_account(
        trajectory,
        settings=workspace.settings(),
        background=look_up(workspace, trajectory),
    )
    return render_account(account)


def role_of(workspace: Workspace, trajectory_id: str) -> str:
    trajectory = workspace.trajectories().get(trajectory_id)
    return role_in_words(trajectory, aftermath(workspace, trajectory).role_reason)


def test_a_turn_of_a_pipeline_is_told_with_its_stage(workspace: Workspace) -> None:
    text = told(workspace, keep(workspace, ([QUESTION], Replied("7 m", model="m")), stage="peer_review"))
    assert "in session s1, stage peer_review" in text


def test_a_turn_is_told_with_its_client_its_calls_and_their_results(workspace: Workspace) -> None:
    key, _ = ClientKeys(workspace.database()).add("claw")
    called = {"role": "assistant", "content": "I look.", "tool_calls": [CALL]}
    result = {"role": "tool", "tool_call_id": "c1", "content": "7 m"}
    trajectory = keep(
        workspace,
        ([QUESTION], Replied("I look.", (CALL,), model="m")),
        ([QUESTION, called, result], Replied("It is 7 m long.", model="m")),
        client=key.id,
    )
    text = told(workspace, trajectory)
    assert text.startswith(f"Turn {trajectory}: How long is the bridge?")
    assert "by client claw in session s1" in text
    assert 'measure({"what": "bridge"})' in text
    assert "> Result of measure:" in text
    assert "It is 7 m long." in text
    assert "answered" in text
    assert "not run" not in text


def test_an_open_turn_waits_for_its_agent(workspace: Workspace) -> None:
    trajectory = keep(workspace, ([QUESTION], Replied("", (CALL,), model="m")))
    assert turns.OPEN in told(workspace, trajectory)


def test_a_broken_turn_says_why(workspace: Workspace) -> None:
    trajectory = keep(workspace, ([QUESTION], Replied("", error="The policy hung.", model="m")), done=True)
    assert "the policy did not answer: The policy hung." in told(workspace, trajectory)


def test_a_side_turn_says_that_it_teaches_nothing(workspace: Workspace) -> None:
    trajectory = answered(workspace, kind="side")
    assert role_of(workspace, trajectory) == turns.NO_LESSON
    assert "as a side turn" in told(workspace, trajectory)


@pytest.mark.parametrize(
    ("score", "overrides", "reason"),
    [
        (None, {}, turns.NO_JUDGE),
        (None, {"judge.base_url": "http://127.0.0.1:9/v1", "judge.model": "judge"}, turns.WAITS),
        (Unscored("No majority."), {}, turns.UNTOLD.format(reason="No majority.")),
        (RIGHT, {}, turns.OFF),
        (RIGHT, {"proxy.train_judged": True}, turns.SOON),
        (WRONG, {}, turns.PENDING),
    ],
)
def test_a_turn_of_no_role_says_why(
    workspace: Workspace, score: Score | Unscored | None, overrides: dict[str, object], reason: str
) -> None:
    trajectory = answered(workspace)
    if score is not None:
        Turns(workspace.database()).score(trajectory, score)
    workspace.overrides.update(overrides)
    assert role_of(workspace, trajectory) == f"neither support nor query ({reason})"


def test_a_judge_that_is_not_believed_is_named(workspace: Workspace) -> None:
    trajectory = answered(workspace)
    workspace.overrides.update({"judge.base_url": "http://127.0.0.1:9/v1", "judge.model": "judge"})
    Judging(workspace.database()).record("judge on turns", False, 0.5, (), "judge does not tell right.")
    assert "judge does not tell right." in role_of(workspace, trajectory)


def test_a_turn_of_an_older_generation_is_not_attempted_again(workspace: Workspace) -> None:
    trajectory = answered(workspace)
    Turns(workspace.database()).score(trajectory, RIGHT)
    Skills(workspace.database()).commit_generation(Cause.USER, [RULE])
    workspace.overrides["proxy.train_judged"] = True
    assert turns.OLDER.format(ran=0, current=1) in role_of(workspace, trajectory)


def test_a_turn_that_trains_is_labelled_so(workspace: Workspace) -> None:
    trajectory = answered(workspace)
    Turns(workspace.database()).score(trajectory, RIGHT)
    admit_turns(workspace.database())
    assert role_of(workspace, trajectory) == f"{turns.QUERY} ({turns.OFF})"
    workspace.overrides["proxy.train_judged"] = True
    assert role_of(workspace, trajectory) == turns.QUERY
