"""Bodies and answers that are wrong in any place: each is told in words or refused, none breaks a dialect."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from metaclaw_jlab.core.errors import RequestInvalid, UpstreamError
from metaclaw_jlab.jupyter.server.proxy.anthropic import AnthropicDialect, count_tokens
from metaclaw_jlab.jupyter.server.proxy.conversations import Conversations
from metaclaw_jlab.jupyter.server.proxy.dialect import Dialect
from metaclaw_jlab.jupyter.server.proxy.responses import ResponsesDialect
from tests.jupyter.server.proxy.wire import call, calling, chunk, completion, counted

ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    "\ud800",
    [],
    {},
    [[]],
    [None],
    {"type": []},
    {"a": 1},
    "9" * 999,
]
PIXEL = {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}
MESSAGES: dict[str, Any] = {
    "model": "m",
    "max_tokens": 9,
    "stream": True,
    "stop_sequences": ["END"],
    "system": [{"type": "text", "text": "Be brief."}],
    "metadata": {"user_id": "u"},
    "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}, "type": "custom"}],
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    "output_config": {"format": {"type": "json_schema", "schema": {}}},
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "image", "source": PIXEL},
                {"type": "document", "title": "t", "context": "c", "source": {"type": "text", "data": "x"}},
                {"type": "search_result", "title": "t", "source": "s", "content": [{"text": "x"}]},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "x"},
                {"type": "text", "text": "x"},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "content": [{"type": "text", "text": "x"}],
                    "is_error": True,
                }
            ],
        },
        {"role": "system", "content": "x"},
    ],
}
RESPONSES: dict[str, Any] = {
    "model": "m",
    "instructions": "Be brief.",
    "max_output_tokens": 9,
    "stream": True,
    "store": True,
    "metadata": {"a": "b"},
    "reasoning": {"effort": "low"},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True}},
    "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}],
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
    "input": [
        {"role": "developer", "content": "x"},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "data:x", "detail": "low"},
                {"type": "input_file", "filename": "f", "file_data": "data:x"},
                {"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}},
            ],
        },
        {"type": "reasoning", "summary": []},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "x"}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "x"}]},
    ],
}
WHOLE = completion("x", [call("c1", "f", "{}")], refusal="x")
CHUNKS = [chunk({"content": "x"}), calling(0, "c1", "f", "{"), chunk({"refusal": "x"}), counted(1, 2, 1)]


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def spoilt(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """The value with something else in one place."""
    changed = copy.deepcopy(value)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = odd
    return changed


def variants(value: Any) -> Iterator[Any]:
    """Each place spoilt in each way, and some with several places spoilt."""
    found = list(places(value))
    for path in found:
        for odd in ODD:
            yield spoilt(value, path, odd)
    chance = random.Random(7)
    for _ in range(500):
        changed = value
        for path in chance.sample(found, 3):
            try:
                changed = spoilt(changed, path, chance.choice(ODD))
            except (LookupError, TypeError):
                continue  # that place went with another one
        yield changed


@pytest.mark.parametrize(
    ("dialect", "body"),
    [(AnthropicDialect(), MESSAGES), (ResponsesDialect(Conversations()), RESPONSES)],
    ids=["anthropic", "responses"],
)
def test_a_body_is_told_or_refused(dialect: Dialect, body: dict[str, Any]) -> None:
    told, refusals = 0, set()
    json.dumps(dialect.request(body))
    for asked in variants(body):
        try:
            json.dumps(dialect.request(asked))
        except RequestInvalid as error:
            refusals.add((error.status, bool(error.cause), bool(error.next_step)))
            continue
        told += 1
        json.dumps(dialect.answer(asked, WHOLE))
        stream = dialect.stream(asked)
        stream.feed(CHUNKS[0])
        stream.close()
    assert told > 50
    assert refusals == {(400, True, True)}


def test_tokens_of_a_body_are_counted_or_refused() -> None:
    counts = []
    for asked in variants(MESSAGES):
        try:
            counts.append(count_tokens(asked)["input_tokens"])
        except RequestInvalid:
            continue
    assert min(counts) > 0


@pytest.mark.parametrize(
    ("dialect", "body"),
    [(AnthropicDialect(), MESSAGES), (ResponsesDialect(Conversations()), RESPONSES)],
    ids=["anthropic", "responses"],
)
def test_an_answer_is_told_or_said_to_be_none(dialect: Dialect, body: dict[str, Any]) -> None:
    told = 0
    for whole in variants(WHOLE):
        try:
            told += bool(json.dumps(dialect.answer(body, whole)))
        except UpstreamError:
            continue
    assert told > 50


@pytest.mark.parametrize(
    ("dialect", "body"),
    [(AnthropicDialect(), MESSAGES), (ResponsesDialect(Conversations()), RESPONSES)],
    ids=["anthropic", "responses"],
)
def test_no_chunk_breaks_a_stream(dialect: Dialect, body: dict[str, Any]) -> None:
    for chunks in variants(CHUNKS):
        stream = dialect.stream(body)
        for one in chunks:
            if isinstance(one, dict):
                stream.feed(one)
        assert stream.close()
