from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest

from metaclaw_jlab.core.exchange import Asked, Replied
from metaclaw_jlab.core.trajectory import StopReason
from metaclaw_jlab.learning.turns import (
    SESSION_DONE,
    SILENT,
    WENT_ON,
    Conversations,
    End,
    prefixes,
    turn_start,
)

CALL: Mapping[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "search", "arguments": '{"query": "x", "limit": 3}'},
}
SYSTEM = {"role": "system", "content": "It is Monday, 10:00."}


def user(text: object) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str, *calls: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": text, "tool_calls": list(calls)}


def tool(text: str, of: str = "call_1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": of, "content": text}


def asked(*messages: Mapping[str, Any], **changes: Any) -> Asked:
    body = {"model": "m", "messages": list(messages)}
    return Asked(body, body, **changes)


DONE = Replied("It is 42.")
CALLS = Replied("Let me look.", (CALL,))
BROKEN = Replied("", error="The policy did not answer.")


@pytest.fixture
def conversations() -> Conversations:
    numbers = count(1)
    return Conversations(make_id=lambda: f"t{next(numbers)}")


def test_a_question_and_its_answer_are_a_turn(conversations: Conversations) -> None:
    placed = conversations.place(asked(SYSTEM, user("How long?")), DONE)
    assert (placed.trajectory, placed.begins, placed.step, placed.result) == ("t1", True, 0, None)
    assert placed.ends == (End("t1", StopReason.DONE),)
    assert conversations.open() == ()


def test_the_calls_of_tools_in_between_are_its_steps(conversations: Conversations) -> None:
    first = conversations.place(asked(user("How long?")), CALLS)
    more = [user("How long?"), assistant("Let me look.", CALL), tool("7 m")]
    second = conversations.place(asked(*more), CALLS)
    third = conversations.place(asked(*more, assistant("Let me look.", CALL), tool("8 m")), DONE)
    assert [(one.trajectory, one.step, one.begins) for one in (first, second, third)] == [
        ("t1", 0, True),
        ("t1", 1, False),
        ("t1", 2, False),
    ]
    assert second.result == ("Result of search:\n7 m", 0)
    assert third.result == ("Result of search:\n8 m", 0)
    assert (first.ends, second.ends, third.ends) == ((), (), (End("t1", StopReason.DONE),))


def test_what_the_user_says_next_is_a_turn_of_the_same_session(conversations: Conversations) -> None:
    first = conversations.place(asked(user("How long?")), DONE)
    second = conversations.place(
        asked(user("How long?"), assistant("It is 42."), user("And how wide?")), DONE
    )
    assert second.begins
    assert second.trajectory != first.trajectory
    assert second.session == first.session


def test_conversations_that_begin_alike_are_told_apart(conversations: Conversations) -> None:
    hello = asked(user("Hello"))
    one = conversations.place(hello, Replied("Hi, how are you?"))
    other = conversations.place(hello, Replied("Good day."))
    assert one.session != other.session
    back = conversations.place(asked(user("Hello"), assistant("Hi, how are you?"), user("Fine.")), DONE)
    assert back.session == one.session


def test_clients_are_told_apart(conversations: Conversations) -> None:
    first = conversations.place(asked(user("How long?"), client="k1"), CALLS)
    more = (user("How long?"), assistant("Let me look.", CALL), tool("7 m"))
    other = conversations.place(asked(*more, client="k2"), DONE)
    assert other.trajectory != first.trajectory
    assert other.session != first.session


def test_the_time_in_a_system_message_does_not_matter(conversations: Conversations) -> None:
    conversations.place(asked(SYSTEM, user("How long?")), CALLS)
    later = {"role": "developer", "content": "It is Monday, 10:05."}
    placed = conversations.place(
        asked(later, user("How long?"), assistant("Let me look.", CALL), tool("7 m")), DONE
    )
    assert (placed.trajectory, placed.step) == ("t1", 1)


@pytest.mark.parametrize(
    "said",
    [
        assistant("Let me look.\n", CALL),
        {"role": "assistant", "content": [{"type": "text", "text": "Let me look."}], "tool_calls": [CALL]},
        assistant("Let me look.", {**CALL, "id": "call_renamed"}),
        assistant("", CALL),
        assistant("Something that was never said."),
    ],
)
def test_a_client_may_tell_the_reply_in_its_own_way(
    conversations: Conversations, said: Mapping[str, Any]
) -> None:
    first = conversations.place(asked(user("How long?")), CALLS)
    placed = conversations.place(asked(user("How long?"), said, tool("7 m")), DONE)
    assert (placed.trajectory, placed.session, placed.step) == ("t1", first.session, 1)


def test_headers_name_the_session(conversations: Conversations) -> None:
    first = conversations.place(asked(user("Hello"), session="s"), DONE)
    second = conversations.place(asked(user("Something else"), session="s"), DONE)
    other = conversations.place(asked(user("Hello"), session="other"), DONE)
    assert [one.session for one in (first, second, other)] == ["s", "s", "other"]


def test_the_last_request_of_a_session_ends_what_is_open_in_it(conversations: Conversations) -> None:
    conversations.place(asked(user("How long?"), session="s"), CALLS)
    conversations.place(asked(user("elsewhere"), session="other"), CALLS)
    placed = conversations.place(asked(user("Thanks"), session="s", done=True), CALLS)
    assert placed.ends == (End("t1", StopReason.CANCELLED, SESSION_DONE), End("t3", StopReason.DONE))
    assert conversations.open() == ("t2",)


def test_a_conversation_that_goes_on_ends_the_turn_before(conversations: Conversations) -> None:
    first = [user("How long?")]
    conversations.place(asked(*first), CALLS)
    placed = conversations.place(asked(*first, assistant("Let me look.", CALL), user("Never mind.")), DONE)
    assert placed.begins
    assert placed.ends == (End("t1", StopReason.CANCELLED, WENT_ON), End("t2", StopReason.DONE))


def test_what_the_client_adds_to_results_goes_on_with_the_turn(conversations: Conversations) -> None:
    conversations.place(asked(user("How long?")), CALLS)
    placed = conversations.place(
        asked(user("How long?"), assistant("Let me look.", CALL), tool("7 m"), user("<reminder/>")), DONE
    )
    assert (placed.trajectory, placed.step) == ("t1", 1)


def test_a_side_turn_disturbs_nothing(conversations: Conversations) -> None:
    conversations.place(asked(user("How long?"), session="s"), CALLS)
    side = conversations.place(asked(user("Give it a title: How long?"), session="s", kind="side"), DONE)
    assert (side.kind, side.ends) == ("side", (End("t2", StopReason.DONE),))
    assert conversations.open() == ("t1",)


def test_an_unknown_kind_is_main(conversations: Conversations) -> None:
    assert conversations.place(asked(user("x"), kind="other"), DONE).kind == "main"


def test_the_same_question_again_is_another_turn(conversations: Conversations) -> None:
    conversations.place(asked(user("How long?"), session="s"), CALLS)
    again = conversations.place(asked(user("How long?"), session="s"), CALLS)
    assert (again.trajectory, again.begins) == ("t2", True)


def test_asking_again_after_an_error_is_the_same_turn(conversations: Conversations) -> None:
    first = conversations.place(asked(user("How long?")), BROKEN)
    again = conversations.place(asked(user("How long?")), DONE)
    assert (first.step, first.ends) == (None, ())
    assert (again.trajectory, again.session, again.step) == ("t1", first.session, 0)
    assert again.ends == (End("t1", StopReason.DONE),)


def test_a_turn_that_nothing_is_heard_of_is_over(conversations: Conversations) -> None:
    conversations.place(asked(user("one"), at=10.0), CALLS)
    conversations.place(asked(user("two"), at=20.0), CALLS)
    conversations.place(asked(user("three"), at=11.0), BROKEN)
    assert conversations.silent(15.0) == (
        End("t1", StopReason.INTERRUPTED, SILENT),
        End("t3", StopReason.POLICY_FAILED, "The policy did not answer."),
    )
    assert conversations.open() == ("t2",)
    placed = conversations.place(
        asked(user("one"), assistant("Let me look.", CALL), tool("7 m"), at=30.0), DONE
    )
    assert placed.begins


def test_the_store_knows_the_session_of_a_conversation_from_before() -> None:
    messages = [user("How long?"), assistant("It is 42."), user("And how wide?")]
    known = prefixes(messages)[2]
    heard: list[str] = []

    def recall(hashes: Any, client: str) -> str | None:
        heard.append(client)
        return "from before" if known in hashes else None

    conversations = Conversations(recall=recall)
    assert conversations.place(asked(*messages, client="k1"), DONE).session == "from before"
    assert conversations.place(asked(user("Hello"), client="k2"), DONE).session != "from before"
    assert heard == ["k1"]


def test_the_conversation_up_to_a_reply_is_what_its_client_sends_again(
    conversations: Conversations,
) -> None:
    placed = conversations.place(asked(SYSTEM, user("How long?")), CALLS)
    assert placed.conversation == prefixes([user("How long?"), assistant("Let me look.", CALL)])[-1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (user("a"), user("b")),
        (user("a"), assistant("a")),
        (assistant("", CALL), assistant("", {**CALL, "function": {"name": "search", "arguments": "{}"}})),
        (
            user([{"type": "image_url", "image_url": {"url": "data:1"}}]),
            user([{"type": "image_url", "image_url": {"url": "data:2"}}]),
        ),
        ({"role": "user", "content": None}, user("\ud800")),
    ],
)
def test_different_messages_have_different_hashes(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert prefixes([one])[-1] != prefixes([other])[-1]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": None},
        {"messages": [1, None, "x"]},
        {"messages": [{}]},
        {"messages": [{"content": 3}]},
    ],
)
def test_bodies_of_any_shape_are_placed(conversations: Conversations, body: dict[str, Any]) -> None:
    placed = conversations.place(Asked(body, body), DONE)
    assert placed.begins
    assert placed.ends == (End("t1", StopReason.DONE),)


def test_a_turn_begins_with_the_last_thing_that_the_user_said() -> None:
    assert turn_start([]) == 0
    assert turn_start([user("a"), assistant("b"), user("c"), user("d")]) == 4
    assert turn_start([user("a"), assistant("", CALL), tool("b")]) == 1
    assert turn_start([user("a"), assistant("", CALL), tool("b"), user("note")]) == 1
    assert turn_start([assistant("b")]) == 1


def test_ten_thousand_conversations_are_remembered_within_bounds(conversations: Conversations) -> None:
    for number in range(10_000):
        conversations.place(asked(user(f"question {number}")), DONE)
    assert conversations.open() == ()
    assert len(conversations._sessions) <= 4096
