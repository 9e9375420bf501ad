from typing import Any

import pytest
from openai.types.responses import Response

from metaclaw_jlab.core.errors import RequestInvalid, UpstreamError
from metaclaw_jlab.jupyter.server.proxy.conversations import Conversations
from metaclaw_jlab.jupyter.server.proxy.responses import ResponsesDialect
from tests.jupyter.server.proxy.wire import call, chunk, completion

ASKED: dict[str, Any] = {"model": "asked", "input": "Rome?", "metadata": {"a": "b"}, "temperature": 0.5}


def answered(whole: dict[str, Any], **more: object) -> Response:
    dialect = ResponsesDialect(clock=lambda: 100.0)
    return Response.model_validate(dialect.answer({**ASKED, **more}, whole))


def test_a_text() -> None:
    response = answered(completion("Hello"))
    assert (response.output_text, response.status, response.model) == ("Hello", "completed", "m")
    assert response.created_at == 100


def test_what_was_asked_is_told_again() -> None:
    response = answered(completion("Hello"), instructions="Be brief.", max_output_tokens=5)
    assert (response.metadata, response.temperature) == ({"a": "b"}, 0.5)
    assert (response.instructions, response.max_output_tokens) == ("Be brief.", 5)
    assert (response.tool_choice, response.tools, response.parallel_tool_calls) == ("auto", [], True)


def test_tokens() -> None:
    usage = answered(completion("Hello")).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (10, 4, 14)
    assert usage.input_tokens_details.cached_tokens == 3


def test_a_text_and_calls() -> None:
    calls = [call("c1", "weather", '{"city":"Rome"}'), call("", "time", "")]
    response = answered(completion("I look.", calls, "tool_calls"))
    assert [item.type for item in response.output] == ["message", "function_call", "function_call"]
    first, second = response.output[1:]
    assert first.type == second.type == "function_call"
    assert (first.call_id, first.name, first.arguments) == ("c1", "weather", '{"city":"Rome"}')
    assert (bool(second.call_id), second.arguments) == (True, "{}")


def test_only_calls() -> None:
    response = answered(completion(None, [call("c1", "f", "{}")], "tool_calls"))
    assert [item.type for item in response.output] == ["function_call"]


def test_a_refusal() -> None:
    response = answered(completion(None, refusal="No."))
    assert response.output[0].to_dict()["content"] == [{"type": "refusal", "refusal": "No."}]


@pytest.mark.parametrize(
    ("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_an_answer_that_was_cut_off(finish: str, reason: str) -> None:
    response = answered(completion("Hel", finish=finish))
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == reason
    assert response.output[0].to_dict()["status"] == "incomplete"


def test_what_is_no_completion() -> None:
    with pytest.raises(UpstreamError):
        ResponsesDialect().answer(ASKED, {"object": "list"})


def test_an_error() -> None:
    assert ResponsesDialect().error(429, "Slow down.", "rate_limit_error") == {
        "error": {"message": "Slow down.", "type": "rate_limit_error", "param": None, "code": 429}
    }


# ---------------------------------------------------------------- going on from an answer


def test_a_request_goes_on_from_an_answer() -> None:
    dialect = ResponsesDialect(Conversations())
    calls = [call("c1", "weather", "{}")]
    first = dialect.answer({**ASKED, "instructions": "Be brief."}, completion("I look.", calls))
    output = {"type": "function_call_output", "call_id": "c1", "output": "sunny"}
    more = {"model": "m", "previous_response_id": first["id"], "input": [output], "instructions": "Be kind."}
    told = dialect.request(more)
    assert told["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Rome?"},
        {"role": "assistant", "content": "I look.", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    ]


def test_and_on() -> None:
    dialect = ResponsesDialect(Conversations())
    identity = dialect.answer(ASKED, completion("a"))["id"]
    second = {"model": "m", "previous_response_id": identity, "input": "b"}
    identity = dialect.answer(second, completion("c"))["id"]
    told = dialect.request({"model": "m", "previous_response_id": identity, "input": "d"})
    assert [message["content"] for message in told["messages"]] == ["Rome?", "a", "b", "c", "d"]


def test_a_request_goes_on_from_a_stream() -> None:
    dialect = ResponsesDialect(Conversations())
    stream = dialect.stream(ASKED)
    stream.feed(chunk({"content": "Hel"}))
    stream.feed(chunk({"content": "lo"}))
    told = stream.close().decode()
    identity = told.split('"id":"resp_')[1].split('"')[0]
    more = dialect.request({"model": "m", "previous_response_id": f"resp_{identity}", "input": "b"})
    assert [message["content"] for message in more["messages"]] == ["Rome?", "Hello", "b"]


def test_another_client_does_not_go_on_from_it() -> None:
    kept = Conversations()
    identity = ResponsesDialect(kept, "a").answer(ASKED, completion("secret"))["id"]
    with pytest.raises(RequestInvalid) as refused:
        ResponsesDialect(kept, "b").request({"model": "m", "previous_response_id": identity, "input": "x"})
    assert refused.value.code == "previous_response_not_found"


def test_what_is_not_to_be_stored_is_not_kept() -> None:
    dialect = ResponsesDialect(Conversations())
    identity = dialect.answer({**ASKED, "store": False}, completion("a"))["id"]
    with pytest.raises(RequestInvalid):
        dialect.request({"model": "m", "previous_response_id": identity, "input": "x"})


def test_an_answer_that_broke_off_is_not_kept() -> None:
    kept = Conversations()
    stream = ResponsesDialect(kept).stream(ASKED)
    stream.feed(chunk({"content": "Hel"}))
    identity = stream.error(502, "It went away.").decode().split('"id":"')[1].split('"')[0]
    assert kept.find("", identity) is None
