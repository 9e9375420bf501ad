from __future__ import annotations

from metaclaw_jlab.engines.llama_cpp.system_message import MARK, Message, folded, must_fold, named

USER = {"role": "user", "content": "hello"}
SYSTEM = {"role": "system", "content": "Be brief."}


def joined(messages: list[Message]) -> str:
    return " ".join(str(message["content"]) for message in messages)


def test_a_template_that_shows_system_messages_keeps_them() -> None:
    assert not must_fold(joined)


def test_a_template_that_drops_or_refuses_them_is_given_none() -> None:
    assert must_fold(lambda messages: joined([one for one in messages if one["role"] != "system"]))
    assert must_fold(lambda messages: None if MARK in joined(messages) else joined(messages))


def test_a_template_that_renders_nothing_is_not_helped_by_folding() -> None:
    assert not must_fold(lambda _: None)


def test_what_the_system_says_comes_before_the_first_message() -> None:
    more = {"role": "developer", "content": "In French."}
    answer = {"role": "assistant", "content": "hi"}
    assert folded([SYSTEM, more, USER, answer]) == [
        {"role": "user", "content": "Be brief.\n\nIn French.\n\nhello"},
        answer,
    ]


def test_parts_of_text_are_put_together() -> None:
    parts = [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]
    assert folded([SYSTEM, {"role": "user", "content": parts}])[0]["content"] == "Be brief.\n\nhello"


def test_a_system_message_alone_is_the_users() -> None:
    assert folded([SYSTEM]) == [{"role": "user", "content": "Be brief."}]


def test_messages_are_not_changed_in_place() -> None:
    user = dict(USER)
    folded([SYSTEM, user])
    assert user == USER


def test_a_developer_speaks_as_the_system() -> None:
    assert named([{"role": "developer", "content": "x"}, USER]) == [{"role": "system", "content": "x"}, USER]
