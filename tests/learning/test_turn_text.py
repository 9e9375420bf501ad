from typing import Any

from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.learning.turn_text import (
    OMITTED,
    PROMPT_CHARS,
    RESULT_CHARS,
    calls_of,
    is_whole,
    rendered,
    reply_in_words,
    results_after,
    text_of,
)

CALL = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": "x"}'}}


def test_parts_of_a_content_are_joined_and_pictures_named() -> None:
    parts: list[Any] = [
        {"type": "text", "text": "What is "},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "refusal", "refusal": "no"},
        "?",
        None,
    ]
    assert text_of(parts) == "What is [image_url]no?"
    assert text_of(None) == ""


def test_calls_are_told_with_their_arguments() -> None:
    message = {
        "tool_calls": [CALL, {"function": {"name": "now"}}, None, {}],
        "function_call": {"name": "old"},
    }
    assert calls_of(message) == [("search", '{"q": "x"}'), ("now", ""), ("old", "")]
    assert reply_in_words("Look:", [("search", '{"q": "x"}')]) == 'Look:\n\nsearch({"q": "x"})'


def test_a_prompt_is_told_as_plain_messages() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "developer", "content": "Be terse."},
        {"role": "user", "content": "Find x."},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "found"},
    ]
    assert rendered(messages) == (
        Message("system", "Be terse."),
        Message("user", "Find x."),
        Message("assistant", 'search({"q": "x"})'),
        Message("user", "Result of search:\nfound"),
    )


def test_of_a_long_prompt_the_beginning_and_the_end_are_kept() -> None:
    middle = [{"role": "user", "content": f"{number}" + "x" * 9_000} for number in range(12)]
    found = rendered([{"role": "system", "content": "Rules."}, *middle, {"role": "user", "content": "Now?"}])
    assert found[0] == Message("system", "Rules.")
    assert found[1].content == OMITTED
    assert found[-1].content == "Now?"
    assert sum(len(message.content) for message in found) <= PROMPT_CHARS + len(OMITTED)
    assert not is_whole(found)


def test_one_message_that_is_too_long_is_cut() -> None:
    found = rendered([{"role": "user", "content": "a" * 200_000}])
    assert sum(len(message.content) for message in found) <= PROMPT_CHARS + len(OMITTED)
    assert not is_whole(found)


def test_results_are_those_since_the_last_reply() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "tool", "content": "old"},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "name": "other", "content": [{"type": "text", "text": "two"}]},
        {"role": "user", "content": "note"},
    ]
    assert results_after(messages) == ("Result of search:\none\nResult of other:\ntwo", 0)
    assert results_after(messages[:2]) is None


def test_long_results_are_cut_and_counted() -> None:
    found = results_after([{"role": "tool", "content": "x" * 50_000}])
    assert found is not None
    text, cut = found
    assert len(text) < RESULT_CHARS + 10
    assert cut == 50_000 + len("Result of a tool:\n") - RESULT_CHARS
