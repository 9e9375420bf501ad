"""Reading a streamed completion."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from metaclaw_jlab.jupyter.server.proxy.chunks import (
    LONGEST_LINE,
    Assembled,
    Events,
    WholeLines,
    chunk_of,
    is_completion,
    message_in,
    replied_by,
    text_of,
)

STREAM = b': hi\n\ndata: {"a": 1}\r\n\r\nevent: x\ndata:one\ndata: two\n\ndata: [DONE]\n'


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]


@given(st.lists(st.integers(0, 200)))
def test_events_are_the_same_however_the_stream_is_cut(places: list[int]) -> None:
    events = Events()
    found = [event for part in cut(STREAM, places) for event in events.push(part)]
    assert [*found, *events.end()] == ['{"a": 1}', "one\ntwo", "[DONE]"]


@given(st.lists(st.integers(0, 200)))
def test_lines_are_passed_whole_and_nothing_is_lost(places: list[int]) -> None:
    lines = WholeLines()
    passed = [lines.push(part) for part in cut(STREAM + b"rest", places)]
    assert all(part == b"" or part.endswith(b"\n") for part in passed)
    assert b"".join(passed) + lines.rest() == STREAM + b"rest"


def test_an_endless_line_is_passed_in_pieces() -> None:
    lines = WholeLines()
    assert len(lines.push(b"x" * (LONGEST_LINE + 1))) == LONGEST_LINE + 1


def test_what_follows_a_cut_stream_is_an_event_of_its_own() -> None:
    for passed, gap in ((b"", b""), (b"data: x\n\n", b""), (b"data: x\r\n\r\n", b""), (b"data: x\n", b"\n")):
        lines = WholeLines()
        lines.push(passed)
        assert lines.gap() == gap


def test_of_several_choices_the_first_is_kept() -> None:
    assembled = Assembled()
    for index, text in ((0, "a"), (1, "x"), (0, "b")):
        assembled.add({"choices": [{"index": index, "delta": {"content": text}}]})
    assert assembled.text == "ab"


def test_a_stream_adds_up_to_a_completion() -> None:
    assembled = Assembled()
    delta = {
        "role": "assistant",
        "content": "Hi.",
        "tool_calls": [{"index": 0, "id": "c", "function": {"name": "f"}}],
    }
    assembled.event(json.dumps({"id": "1", "model": "m", "choices": [{"index": 0, "delta": delta}]}))
    assembled.event(
        json.dumps({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 2}})
    )
    completion = assembled.completion()
    assert is_completion(completion)
    assert replied_by(completion, 1.0) == assembled.replied(1.0)
    assert (assembled.text, assembled.calls[0]["id"]) == ("Hi.", "c")


def test_a_completion_makes_a_chunk_that_adds_up_to_it() -> None:
    message = {
        "role": "assistant",
        "content": "Hi.",
        "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}],
    }
    completion = {"id": "1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    assembled = Assembled()
    assembled.add(chunk_of(completion))
    assert assembled.complete
    assert (assembled.text, assembled.calls[0]["function"]["name"]) == ("Hi.", "f")


def test_an_error_in_the_stream_is_trouble() -> None:
    assembled = Assembled()
    assembled.event('{"error": {"message": "Out of memory."}}')
    assert "Out of memory" in assembled.trouble
    assembled.event("[DONE]")
    assert not assembled.complete


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["choices", "delta", "tool_calls", "index", "function", "usage", "content", "text"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_whatever_an_upstream_sends_is_read_without_a_fault(found: object) -> None:
    assembled = Assembled()
    assembled.event(json.dumps(found))
    assembled.event(json.dumps({"choices": [{"delta": found, "message": found}], "usage": found}))
    assembled.replied(0.0)
    assembled.completion()
    replied_by({"choices": found, "usage": found}, 0.0)
    chunk_of({"choices": found})
    text_of(found)
    message_in(found)
