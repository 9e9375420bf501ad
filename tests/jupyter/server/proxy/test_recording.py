import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.assembly.workspace import Workspace, open_workspace
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.trajectory import InjectedSkill, Purpose, StopReason
from metaclaw_jlab.jupyter.server.proxy.recording import Asked, Recording, Replied
from metaclaw_jlab.learning.turn_keeping import EARLIER
from metaclaw_jlab.store.turns import Turns

LONG = 60.0
CALL: Mapping[str, Any] = {
    "id": "c1",
    "type": "function",
    "function": {"name": "search", "arguments": '{"q": "x"}'},
}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = open_workspace(tmp_path / "home")
    yield workspace
    workspace.close()


def asked(*messages: Mapping[str, Any], **changes: Any) -> Asked:
    body = {"model": "m", "messages": list(messages)}
    sent = {"model": "m", "seed": 7, "messages": [{"role": "system", "content": "Skill."}, *messages]}
    return Asked(body, sent, **{"at": 100.0, **changes})


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


QUESTION = user("How long is x?")
LOOKED = [QUESTION, {"role": "assistant", "content": "", "tool_calls": [CALL]}]
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "7 m"}
CALLS = Replied("", (CALL,), "tool_calls", "m@v3", 10, 5, 0.5)
DONE = Replied("7 m long.", (), "stop", "m@v3", 20, 4, 0.25)


def test_a_turn_becomes_a_trajectory_whose_requests_are_steps(workspace: Workspace) -> None:
    recording = Recording()
    skills = (InjectedSkill("units", "aa", 1.5),)
    first = recording.record(workspace, asked(QUESTION, session="s", client="k1", skills=skills), CALLS)
    second = recording.record(workspace, asked(*LOOKED, RESULT, session="s", client="k1", at=110.0), DONE)
    recording.close(LONG)
    assert first is not None
    assert second == first
    trajectory = workspace.trajectories().get(first)
    assert (trajectory.purpose, trajectory.stop, trajectory.learn) == (Purpose.PROXY, StopReason.DONE, True)
    assert trajectory.task.text == "How long is x?"
    assert trajectory.task.origin.cell_id == "s"
    assert (trajectory.stamp.skills, trajectory.stamp.adapter, trajectory.stamp.seed) == (skills, 3, 7)
    assert (trajectory.created_at, trajectory.seconds) == (100.0, 10.25)
    call, answer = trajectory.steps
    assert (call.action, call.reply) == ('search({"q": "x"})', 'search({"q": "x"})')
    assert call.observation is not None
    assert call.observation.stdout == "Result of search:\n7 m"
    assert (answer.action, answer.reply, answer.observation) == ("", "7 m long.", None)
    assert [message.content for message in call.messages] == ["Skill.", "How long is x?"]
    assert answer.messages[-1].content == "Result of search:\n7 m"
    assert (call.usage.prompt_tokens, answer.policy_seconds) == (10, 0.25)
    turn = Turns(workspace.database()).of(first)
    assert turn is not None
    assert (turn.session, turn.client, turn.kind, turn.at) == ("s", "k1", "main", 110.25)


def test_what_was_said_before_the_turn_is_told_beside_it(workspace: Workspace) -> None:
    recording = Recording()
    messages = (user("My name is Ann."), {"role": "assistant", "content": "Hi."}, user("Who am I?"))
    trajectory = recording.record(workspace, asked(*messages), DONE)
    recording.close(LONG)
    task = workspace.trajectories().get(str(trajectory)).task
    assert task.text == "Who am I?"
    assert [(one.name, one.text) for one in task.references] == [
        (EARLIER, "user: My name is Ann.\nassistant: Hi.")
    ]


@pytest.mark.parametrize("changes", [{"kind": "side"}, {"learn": False}])
def test_a_side_turn_or_one_of_a_client_that_does_not_let_it_never_teaches(
    workspace: Workspace, changes: dict[str, Any]
) -> None:
    recording = Recording()
    trajectory = recording.record(workspace, asked(QUESTION, **changes), DONE)
    recording.close(LONG)
    assert not workspace.trajectories().get(str(trajectory)).learn


def test_those_who_wait_are_told_of_turns_that_came_to_a_good_end(workspace: Workspace) -> None:
    told: list[tuple[str, ...]] = []
    recording = Recording(on_ended=lambda _, ended: told.append(ended))
    recording.record(workspace, asked(user("one")), CALLS)
    done = recording.record(workspace, asked(user("two")), DONE)
    recording.close(LONG)
    assert told == [(done,)]


def test_nothing_that_was_taken_is_lost_at_the_end(workspace: Workspace) -> None:
    recording = Recording()
    ids = [recording.record(workspace, asked(user(f"question {number}")), DONE) for number in range(200)]
    recording.close(LONG)
    assert len({*ids}) == 200
    assert workspace.trajectories().counts().stopped == {StopReason.DONE: 200}


def test_what_comes_after_the_end_or_is_too_much_is_not_kept(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    full = Recording(limit=0)
    assert full.record(workspace, asked(QUESTION), DONE) is None
    full.close(LONG)
    assert full.record(workspace, asked(QUESTION), DONE) is None
    assert "it came after the end (2 so far)" in caplog.text


def test_turns_that_nothing_is_heard_of_are_over(workspace: Workspace) -> None:
    now = [100.0]
    recording = Recording(clock=lambda: now[0])
    old = Recording()
    before = old.record(workspace, asked(user("of a server that is gone"), at=50.0), CALLS)
    old.close(LONG)
    silent = recording.record(workspace, asked(user("silent"), at=100.0), CALLS)
    broken = recording.record(workspace, asked(user("broken"), at=100.0), Replied("", error="It hung."))
    recording.close(LONG)
    now[0] = 100.0 + 60 * 31
    recording.sweep()
    stops = [workspace.trajectories().get(str(one)).stop for one in (before, silent, broken)]
    assert stops == [StopReason.INTERRUPTED, StopReason.INTERRUPTED, StopReason.POLICY_FAILED]


def test_the_session_of_a_conversation_is_known_after_a_restart(workspace: Workspace) -> None:
    first = Recording()
    one = first.record(workspace, asked(QUESTION), DONE)
    first.close(LONG)
    second = Recording()
    other = second.record(
        workspace, asked(QUESTION, {"role": "assistant", "content": "7 m long."}, user("And wide?")), DONE
    )
    second.close(LONG)
    turns = [Turns(workspace.database()).of(str(found)) for found in (one, other)]
    assert turns[0] is not None
    assert turns[1] is not None
    assert turns[0].session == turns[1].session


def test_what_cannot_be_written_costs_one_exchange(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    recording = Recording()
    with caplog.at_level(logging.WARNING):
        recording.record(workspace, asked(user("of no generation"), generation=99), DONE)
        kept = recording.record(workspace, asked(QUESTION), DONE)
        recording.close(LONG)
    assert "is not kept" in caplog.text
    assert workspace.trajectories().get(str(kept)).stop is StopReason.DONE


def test_the_users_word_on_an_open_turn_outlives_its_end(workspace: Workspace) -> None:
    recording = Recording()
    first = recording.record(workspace, asked(QUESTION), CALLS)
    recording.close(LONG)
    said = Score(-1.0, ScoreSource.USER, "Too slow.")
    workspace.trajectories().score(str(first), said)
    assert Turns(workspace.database()).close(str(first), StopReason.DONE)
    assert not Turns(workspace.database()).close(str(first), StopReason.DONE)
    assert workspace.trajectories().get(str(first)).score == said
