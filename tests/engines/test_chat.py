"""Conversations through chat templates of several kinds, without any model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from metaclaw_jlab.core.errors import RequestInvalid
from metaclaw_jlab.engines.chat import conversation

SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "hello"}


class Tokenizer:
    """Renders messages; letters are tokens."""

    def __init__(self, template: Callable[[Sequence[dict[str, str]]], str]) -> None:
        self.chat_template = template.__name__
        self._template = template

    def apply_chat_template(self, messages: Sequence[dict[str, str]], **_: object) -> str:
        return self._template(messages)


def keeping(messages: Sequence[dict[str, str]]) -> str:
    return "|".join(f"{one['role']}:{one['content']}" for one in messages)


def dropping(messages: Sequence[dict[str, str]]) -> str:
    return keeping([one for one in messages if one["role"] != "system"])


def taking_skills(messages: Sequence[dict[str, str]]) -> str:
    skills = "".join(one["content"].partition("<skills>")[2] for one in messages if one["role"] == "system")
    return f"{skills}|{dropping(messages)}"


def refusing(messages: Sequence[dict[str, str]]) -> str:
    if any(one["role"] == "system" for one in messages):
        raise ValueError("System role not supported")
    return keeping(messages)


def broken(messages: Sequence[dict[str, str]]) -> str:
    raise ValueError(f"no {len(messages)} messages")


def told(template: Callable[[Sequence[dict[str, str]]], str], *messages: dict[str, str]) -> str:
    served: Any = SimpleNamespace(
        name="m", tokenizer=Tokenizer(template), encode=lambda text, _: [ord(letter) for letter in text]
    )
    return "".join(map(chr, conversation(served, messages, {})))


def test_a_template_that_knows_system_messages_gets_them() -> None:
    assert told(keeping, SYSTEM, USER) == "system:Be brief.|user:hello"


@pytest.mark.parametrize("template", [dropping, refusing])
def test_what_the_system_says_is_not_lost_where_a_template_knows_none(
    template: Callable[[Sequence[dict[str, str]]], str],
) -> None:
    assert told(template, SYSTEM, USER) == "user:Be brief.\n\nhello"


def test_a_template_that_takes_the_skills_alone_is_left_to_it() -> None:
    assert told(taking_skills, SYSTEM | {"content": "Be brief.<skills>Use ISO dates."}, USER) == (
        "Use ISO dates.|user:hello"
    )


def test_a_template_that_renders_nothing_is_an_error() -> None:
    with pytest.raises(RequestInvalid, match="no 2 messages"):
        told(broken, SYSTEM, USER)
