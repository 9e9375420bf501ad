from __future__ import annotations

import json
from typing import Any

import pytest

from metaclaw_jlab.core.errors import RequestInvalid
from metaclaw_jlab.engines.llama_cpp.bodies import CHAT_TOKENS, COMPLETION_TOKENS, forwarded, read

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def sent(body: dict[str, Any], *, chat: bool = True, slot_tokens: int = 4096) -> dict[str, Any]:
    asked = read(json.dumps(body).encode(), chat=chat)
    found: dict[str, Any] = json.loads(forwarded(asked, "m@v1", slot_tokens, folds=False))
    return found


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "n_predict"])
def test_the_length_goes_on_under_one_name(name: str) -> None:
    assert sent(CHAT | {name: 7}) == CHAT | {"model": "m@v1", "max_tokens": 7}


def test_an_answer_without_a_length_gets_one() -> None:
    assert sent(CHAT)["max_tokens"] == CHAT_TOKENS
    assert sent({"model": "m", "prompt": "a"}, chat=False)["max_tokens"] == COMPLETION_TOKENS


def test_no_answer_is_longer_than_the_context() -> None:
    assert sent(CHAT | {"max_tokens": 10**6}, slot_tokens=512)["max_tokens"] == 512


def test_what_llama_cpp_knows_goes_on_as_it_is() -> None:
    more = {"response_format": {"type": "json_object"}, "seed": 3, "stream": True, "top_k": 5}
    assert {name: sent(CHAT | more)[name] for name in more} == more


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "The body is not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"messages": []}', "model is missing"),
        (b'{"model": "m", "messages": []}', "messages is no list of messages"),
        (b'{"model": "m", "messages": ["x"]}', "messages is no list of messages"),
        (b'{"model": "m", "messages": [{}], "lora": []}', "lora is not supported"),
        (b'{"model": "m", "messages": [{}], "id_slot": 1}', "id_slot is not supported"),
    ],
)
def test_a_wrong_body_is_a_sentence(body: bytes, message: str) -> None:
    with pytest.raises(RequestInvalid, match=message):
        read(body, chat=True)


@pytest.mark.parametrize("length", [0, -1, "7", True, 1.5])
def test_a_wrong_length_is_a_sentence(length: object) -> None:
    with pytest.raises(RequestInvalid, match="max_tokens is not at least 1"):
        sent(CHAT | {"max_tokens": length})
