from __future__ import annotations

import json
from typing import Any

import pytest

from metaclaw_jlab.core.errors import RequestInvalid
from metaclaw_jlab.engines.bodies import ChatBody, CompletionBody, parse

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("change", "param", "words"),
    [
        ({"tempratur": 1}, "tempratur", "unknown"),
        ({"temperature": 3}, "temperature", "less than or equal to 2"),
        ({"temperature": "warm"}, "temperature", "number"),
        ({"top_p": 0}, "top_p", "greater than 0"),
        ({"n": 0}, "n", "greater than or equal to 1"),
        ({"max_tokens": -1}, "max_tokens", "greater than or equal to 1"),
        ({"stop": ["a", ""]}, "stop", "none of them empty"),
        ({"stop": 7}, "stop", "a text or a list"),
        ({"messages": []}, "messages", "at least 1"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages", "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages", "messages.0.content is missing"),
        ({"messages": "hi"}, "messages", "list"),
        ({"tools": [{"type": "function"}]}, "tools", "not supported"),
        ({"response_format": {"type": "json_object"}}, "response_format", "not supported"),
        ({"top_logprobs": 2}, "top_logprobs", "logprobs to true"),
        ({"chat_template_kwargs": {"tokenize": True}}, "chat_template_kwargs", "sets itself"),
    ],
)
def test_a_wrong_parameter_is_named_in_a_sentence(change: dict[str, Any], param: str, words: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        parse(ChatBody, json.dumps(CHAT | change).encode())
    assert caught.value.param == param
    assert words in str(caught.value)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"text"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(RequestInvalid, match="JSON"):
        parse(ChatBody, raw)


def test_what_clients_send_along_is_accepted() -> None:
    along = {"user": "u", "presence_penalty": 0, "tools": None, "logit_bias": {}, "store": False}
    assert parse(ChatBody, json.dumps(CHAT | along).encode()).model == "m"


def test_messages_in_parts_become_text() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    body = parse(
        ChatBody,
        json.dumps({"model": "m", "messages": [{"role": "developer", "content": parts}]}).encode(),
    )
    assert body.messages[0].plain() == {"role": "system", "content": "ab"}


@pytest.mark.parametrize(
    ("prompt", "prompts"),
    [
        ("a", ["a"]),
        (["a", "b"], ["a", "b"]),
        ([1, 2], [[1, 2]]),
        ([[1], [2]], [[1], [2]]),
    ],
)
def test_a_prompt_is_text_or_tokens_or_several(prompt: object, prompts: list[object]) -> None:
    assert parse(CompletionBody, json.dumps({"model": "m", "prompt": prompt}).encode()).prompts() == prompts
