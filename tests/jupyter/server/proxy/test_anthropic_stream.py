from typing import Any

from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent, ToolUseBlock
from pydantic import TypeAdapter

from metaclaw_jlab.jupyter.server.proxy.anthropic import AnthropicDialect
from tests.jupyter.server.proxy.wire import calling, chunk, counted, events

EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def streamed(*chunks: dict[str, Any], asked: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    stream = AnthropicDialect().stream(asked or {"model": "asked", "stop_sequences": ["END"]})
    return events(b"".join(stream.feed(one) for one in chunks) + stream.close())


def read(told: list[dict[str, Any]]) -> Message:
    """What Anthropic's own client makes of the events, each of which is valid."""
    message: Any = None
    buffers: dict[int, bytes] = {}
    for one in told:
        event = EVENT.validate_python(one, strict=True)
        message = accumulate_event(event=event, current_snapshot=message, json_bufs=buffers)
    assert isinstance(message, Message)
    return message


def shape(told: list[dict[str, Any]]) -> list[str]:
    return [f"{one['type']} {one['index']}" if "index" in one else one["type"] for one in told]


def test_a_text_in_pieces() -> None:
    told = streamed(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}),
        chunk(finish="stop"),
        counted(10, 4, cached=3),
    )
    assert shape(told) == [
        "message_start",
        "content_block_start 0",
        "content_block_delta 0",
        "content_block_delta 0",
        "content_block_stop 0",
        "message_delta",
        "message_stop",
    ]
    message = read(told)
    assert getattr(message.content[0], "text", "") == "Hello"
    assert (message.stop_reason, message.model) == ("end_turn", "m")
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (7, 3, 4)


def test_each_piece_is_sent_when_it_comes() -> None:
    stream = AnthropicDialect().stream({"model": "m"})
    stream.feed(chunk({"role": "assistant"}))
    assert [one["type"] for one in events(stream.feed(chunk({"content": "a"})))][-1] == "content_block_delta"
    assert [one["type"] for one in events(stream.feed(chunk({"content": "b"})))] == ["content_block_delta"]


def test_a_text_and_two_calls() -> None:
    told = streamed(
        chunk({"content": "I look."}),
        calling(0, "c1", "weather", ""),
        calling(0, None, None, '{"city":'),
        calling(0, None, None, '"Rome"}'),
        calling(1, "c2", "time", "{}"),
        chunk(finish="tool_calls"),
    )
    assert shape(told)[1:-2] == [
        "content_block_start 0",
        "content_block_delta 0",
        "content_block_stop 0",
        "content_block_start 1",
        "content_block_delta 1",
        "content_block_delta 1",
        "content_block_stop 1",
        "content_block_start 2",
        "content_block_delta 2",
        "content_block_stop 2",
    ]
    message = read(told)
    blocks = [block for block in message.content if isinstance(block, ToolUseBlock)]
    assert [(block.id, block.name, block.input) for block in blocks] == [
        ("c1", "weather", {"city": "Rome"}),
        ("c2", "time", {}),
    ]
    assert message.stop_reason == "tool_use"


def test_a_call_without_arguments() -> None:
    message = read(streamed(calling(0, "c1", "time", None), chunk(finish="tool_calls")))
    block = message.content[0]
    assert isinstance(block, ToolUseBlock)
    assert block.input == {}


def test_arguments_that_come_before_the_name() -> None:
    message = read(
        streamed(calling(0, "c1", None, '{"a"'), calling(0, None, "f", ": 1}"), chunk(finish="stop"))
    )
    block = message.content[0]
    assert isinstance(block, ToolUseBlock)
    assert (block.name, block.input) == ("f", {"a": 1})


def test_calls_that_are_all_numbered_0() -> None:
    message = read(streamed(calling(0, "c1", "f", '{"a": 1}'), calling(0, "c2", "f", '{"a": 2}')))
    assert [getattr(block, "input", None) for block in message.content] == [{"a": 1}, {"a": 2}]


def test_calls_without_a_number_or_an_id() -> None:
    message = read(streamed(calling(None, None, "f", "{}")))
    block = message.content[0]
    assert isinstance(block, ToolUseBlock)
    assert block.id.startswith("toolu_")


def test_pieces_of_two_calls_in_turns() -> None:
    message = read(
        streamed(
            calling(0, "c1", "f", '{"a"'),
            calling(1, "c2", "g", '{"b"'),
            calling(0, None, None, ": 1}"),
            calling(1, None, None, ": 2}"),
        )
    )
    assert [getattr(block, "input", None) for block in message.content] == [{"a": 1}, {"b": 2}]


def test_a_text_after_a_call() -> None:
    message = read(streamed(calling(0, "c1", "f", "{}"), chunk({"content": "Done."}), chunk(finish="stop")))
    assert [block.type for block in message.content] == ["tool_use", "text"]


def test_an_empty_answer_is_an_answer() -> None:
    message = read(streamed())
    assert (message.content, message.stop_reason, message.model) == ([], "end_turn", "asked")


def test_reasoning_is_not_told() -> None:
    told = streamed(chunk({"reasoning_content": "Hm."}), chunk({"content": "Yes."}))
    assert "Hm." not in str(told)


def test_only_the_first_choice_is_told() -> None:
    other = {"model": "m", "choices": [{"index": 1, "delta": {"content": "other"}}]}
    assert "other" not in str(streamed(other, chunk({"content": "first"})))


def test_the_stop_sequence_where_it_is_told() -> None:
    last = {
        "model": "m",
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": "END"}],
    }
    message = read(streamed(chunk({"content": "a"}), last))
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")


def test_a_refusal() -> None:
    assert read(streamed(chunk({"refusal": "No."}), chunk(finish="stop"))).stop_reason == "refusal"


def test_chunks_of_another_kind_are_survived() -> None:
    odd: list[dict[str, Any]] = [
        {},
        {"choices": None},
        {"choices": [None]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {"content": 3, "tool_calls": {"a": 1}}}]},
        {"choices": [{"delta": {"tool_calls": [None, {"function": None}]}}], "usage": "x"},
    ]
    found = read(streamed(*odd, chunk({"content": "a"}))).content
    assert [block.text for block in found if block.type == "text"] == ["a"]


def test_a_text_of_many_scripts_and_line_ends() -> None:
    said = "a\n\ndata: x\r\n\u2028\U0001f600 é"
    assert getattr(read(streamed(chunk({"content": said}))).content[0], "text", "") == said


def test_an_answer_that_broke_off_ends_in_an_error() -> None:
    stream = AnthropicDialect().stream({"model": "m"})
    stream.feed(chunk({"content": "a"}))
    assert events(stream.error(502, "It went away.")) == [
        {"type": "error", "error": {"type": "api_error", "message": "It went away."}}
    ]
