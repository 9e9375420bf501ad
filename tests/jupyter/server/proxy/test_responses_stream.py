from typing import Any

from openai._types import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from metaclaw_jlab.jupyter.server.proxy.responses import ResponsesDialect
from tests.jupyter.server.proxy.wire import calling, chunk, counted, events

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
ASKED: dict[str, Any] = {"model": "asked", "input": "Rome?"}


def streamed(*chunks: dict[str, Any]) -> list[dict[str, Any]]:
    stream = ResponsesDialect().stream(ASKED)
    return events(b"".join(stream.feed(one) for one in chunks) + stream.close())


def read(told: list[dict[str, Any]]) -> Response:
    """What OpenAI's own client makes of the events, each of which is valid."""
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=omit, text_format=omit)
    for number, one in enumerate(told):
        event = EVENT.validate_python(one)
        assert event.type == one["type"]
        assert event.sequence_number == number
        state.handle_event(event)
    return Response.model_validate(told[-1]["response"])


def shape(told: list[dict[str, Any]]) -> list[str]:
    return [one["type"].removeprefix("response.") for one in told]


def test_a_text_in_pieces() -> None:
    told = streamed(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}),
        chunk(finish="stop"),
        counted(10, 4, cached=3),
    )
    assert shape(told) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    response = read(told)
    assert (response.output_text, response.status) == ("Hello", "completed")
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.input_tokens_details.cached_tokens) == (10, 3)


def test_each_piece_is_sent_when_it_comes() -> None:
    stream = ResponsesDialect().stream(ASKED)
    stream.feed(chunk({"content": "a"}))
    assert shape(events(stream.feed(chunk({"content": "b"})))) == ["output_text.delta"]


def test_a_text_and_two_calls() -> None:
    told = streamed(
        chunk({"content": "I look."}),
        calling(0, "c1", "weather", ""),
        calling(0, None, None, '{"city":'),
        calling(0, None, None, '"Rome"}'),
        calling(1, "c2", "time", "{}"),
        chunk(finish="tool_calls"),
    )
    calls = [item for item in read(told).output if item.type == "function_call"]
    assert [(call.call_id, call.name, call.arguments) for call in calls] == [
        ("c1", "weather", '{"city":"Rome"}'),
        ("c2", "time", "{}"),
    ]
    assert [item["status"] for item in told[-1]["response"]["output"]] == ["completed"] * 3
    added = [one["output_index"] for one in told if one["type"] == "response.output_item.added"]
    assert added == [0, 1, 2]


def test_pieces_of_two_calls_in_turns() -> None:
    response = read(
        streamed(
            calling(0, "c1", "f", '{"a"'),
            calling(1, "c2", "g", '{"b"'),
            calling(0, None, None, ": 1}"),
            calling(1, None, None, ": 2}"),
        )
    )
    assert [getattr(item, "arguments", None) for item in response.output] == ['{"a": 1}', '{"b": 2}']


def test_calls_that_are_all_numbered_0() -> None:
    response = read(streamed(calling(0, "c1", "f", '{"a": 1}'), calling(0, "c2", "f", '{"a": 2}')))
    assert [getattr(item, "call_id", None) for item in response.output] == ["c1", "c2"]


def test_a_call_without_arguments_or_id() -> None:
    response = read(streamed(calling(None, None, "f", None)))
    call = response.output[0]
    assert call.type == "function_call"
    assert (call.arguments, bool(call.call_id)) == ("{}", True)


def test_arguments_that_come_before_the_name() -> None:
    response = read(streamed(calling(0, "c1", None, '{"a"'), calling(0, None, "f", ": 1}")))
    assert getattr(response.output[0], "arguments", None) == '{"a": 1}'


def test_a_text_after_a_call() -> None:
    response = read(streamed(calling(0, "c1", "f", "{}"), chunk({"content": "Done."})))
    assert [item.type for item in response.output] == ["function_call", "message"]


def test_an_answer_that_was_cut_off() -> None:
    told = streamed(chunk({"content": "Hel"}), chunk(finish="length"))
    assert told[-1]["type"] == "response.incomplete"
    response = read(told)
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.output[0].to_dict()["status"] == "incomplete"


def test_a_refusal_after_a_text() -> None:
    response = read(streamed(chunk({"content": "Well"}), chunk({"refusal": "No."})))
    content = response.output[0].to_dict()["content"]
    assert isinstance(content, list)
    assert [part["type"] for part in content] == ["output_text", "refusal"]


def test_an_empty_answer_is_an_answer() -> None:
    response = read(streamed())
    assert (response.output, response.status, response.model) == ([], "completed", "asked")


def test_chunks_of_another_kind_are_survived() -> None:
    odd: list[dict[str, Any]] = [{}, {"choices": [None]}, {"choices": [{"delta": {"tool_calls": [3]}}]}]
    assert read(streamed(*odd, chunk({"content": "a"}))).output_text == "a"


def test_an_answer_that_broke_off_has_failed() -> None:
    stream = ResponsesDialect().stream(ASKED)
    told = events(stream.feed(chunk({"content": "Hel"})) + stream.error(502, "It went away."))
    assert shape(told)[-2:] == ["error", "failed"]
    for one in told:
        EVENT.validate_python(one)
    assert told[-1]["response"]["error"] == {"code": "server_error", "message": "It went away."}
    assert told[-1]["response"]["status"] == "failed"


def test_one_that_broke_off_at_once_has_failed_too() -> None:
    told = events(ResponsesDialect().stream(ASKED).error(429, "Slow down."))
    assert shape(told) == ["created", "in_progress", "error", "failed"]
    assert told[-1]["response"]["error"]["code"] == "rate_limit_exceeded"
