import pytest
from anthropic.types import Message, ToolUseBlock

from metaclaw_jlab.core.errors import UpstreamError
from metaclaw_jlab.jupyter.server.proxy.anthropic import AnthropicDialect
from tests.jupyter.server.proxy.wire import call, completion

ASKED = {"model": "asked", "stop_sequences": ["END"]}


def answered(whole: dict[str, object]) -> Message:
    return Message.model_validate(AnthropicDialect().answer(ASKED, whole), strict=True)


def test_a_text() -> None:
    message = answered(completion("Hello"))
    assert [(block.type, getattr(block, "text", "")) for block in message.content] == [("text", "Hello")]
    assert (message.role, message.model, message.stop_reason) == ("assistant", "m", "end_turn")


def test_tokens_from_a_cache_are_counted_apart() -> None:
    usage = answered(completion("Hello")).usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (7, 3, 4)


def test_ids_differ() -> None:
    assert answered(completion("a")).id != answered(completion("a")).id


def test_calls_of_tools() -> None:
    calls = [call("c1", "weather", '{"city":"Rome"}'), call("", "time", "")]
    message = answered(completion("I look.", calls, "tool_calls"))
    blocks = [block for block in message.content if isinstance(block, ToolUseBlock)]
    assert [(block.name, block.input) for block in blocks] == [("weather", {"city": "Rome"}), ("time", {})]
    assert blocks[0].id == "c1"
    assert blocks[1].id.startswith("toolu_")
    assert message.stop_reason == "tool_use"


@pytest.mark.parametrize("arguments", ['{"city": "Ro', "[1]", "null", '{"a": NaN}', "[" * 100_000])
def test_arguments_that_are_no_object_are_handed_on(arguments: str) -> None:
    message = answered(completion(None, [call("c1", "weather", arguments)], "tool_calls"))
    block = message.content[0]
    assert isinstance(block, ToolUseBlock)
    assert block.input == {"unreadable": arguments}


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), ("eos", "end_turn")],
)
def test_why_it_stopped(finish: str, reason: str) -> None:
    assert answered(completion("Hello", finish=finish)).stop_reason == reason


def test_a_server_that_says_stop_after_a_call() -> None:
    assert answered(completion(None, [call("c1", "f", "{}")], "stop")).stop_reason == "tool_use"


def test_the_stop_sequence_where_it_is_told() -> None:
    whole = completion("Hello")
    whole["choices"][0]["stop_reason"] = "END"
    message = answered(whole)
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")


def test_a_token_as_stop_reason_is_none_of_the_clients() -> None:
    whole = completion("Hello")
    whole["choices"][0]["stop_reason"] = 128009
    assert answered(whole).stop_sequence is None


def test_a_refusal_is_a_text_and_a_reason() -> None:
    message = answered(completion(None, refusal="I won't."))
    assert (message.stop_reason, getattr(message.content[0], "text", "")) == ("refusal", "I won't.")


def test_an_answer_without_usage_counts_nothing() -> None:
    whole = completion("Hello")
    del whole["usage"]
    assert answered(whole).usage.output_tokens == 0


@pytest.mark.parametrize("whole", [{}, {"choices": []}, {"choices": "x"}, {"choices": [{"message": None}]}])
def test_what_is_no_completion(whole: dict[str, object]) -> None:
    with pytest.raises(UpstreamError):
        AnthropicDialect().answer(ASKED, whole)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (404, "not_found_error"),
        (409, "invalid_request_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (529, "overloaded_error"),
    ],
)
def test_errors_are_named_by_their_status(status: int, kind: str) -> None:
    assert AnthropicDialect().error(status, "No.", "whatever") == {
        "type": "error",
        "error": {"type": kind, "message": "No."},
    }
