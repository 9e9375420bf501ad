from typing import Any

import pytest

from metaclaw_jlab.core.errors import RequestInvalid
from metaclaw_jlab.jupyter.server.proxy.responses import ResponsesDialect

WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": True,
}
CALL = {"type": "function_call", "id": "fc1", "call_id": "c1", "name": "weather", "arguments": "{}"}
IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw==", "detail": "low"}


def told(said: object = "Hello", **more: object) -> dict[str, Any]:
    return ResponsesDialect().request({"model": "m", "input": said, **more})


def said(*items: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told(list(items))["messages"]
    return found


def test_a_plain_request() -> None:
    assert told(instructions="Be brief.", max_output_tokens=64, temperature=0.5, top_p=0.9) == {
        "model": "m",
        "max_tokens": 64,
        "temperature": 0.5,
        "top_p": 0.9,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
    }


def test_a_stream_asks_for_the_usage_too() -> None:
    assert told(stream=True)["stream_options"] == {"include_usage": True}


def test_messages_of_all_roles() -> None:
    found = said(
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
        },
        {"role": "system", "content": "Now in French."},
    )
    assert found == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
        {"role": "system", "content": "Now in French."},
    ]


def test_images_and_files() -> None:
    file = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}
    found = said({"role": "user", "content": [{"type": "input_text", "text": "See:"}, IMAGE, file]})
    assert found[0]["content"] == [
        {"type": "text", "text": "See:"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw==", "detail": "low"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
    ]


def test_tools_and_their_choice() -> None:
    found = told(
        tools=[WEATHER], tool_choice={"type": "function", "name": "weather"}, parallel_tool_calls=False
    )
    function = {name: WEATHER[name] for name in ("name", "description", "parameters", "strict")}
    assert found["tools"] == [{"type": "function", "function": function}]
    assert found["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert found["parallel_tool_calls"] is False


def test_only_allowed_tools_are_told() -> None:
    other = {"type": "function", "name": "time", "parameters": None}
    choice = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "time"}],
    }
    found = told(tools=[WEATHER, other], tool_choice=choice)
    assert [tool["function"]["name"] for tool in found["tools"]] == ["time"]
    assert found["tool_choice"] == "required"


def test_calls_belong_to_the_message_before_them() -> None:
    found = said(
        {"role": "user", "content": "Rome?"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"role": "assistant", "content": "I look."},
        CALL,
        {**CALL, "call_id": "c2"},
        {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
        {"type": "function_call_output", "call_id": "c2", "output": "rainy"},
    )
    assert [message["role"] for message in found] == ["user", "assistant", "tool", "tool"]
    assert found[1]["content"] == "I look."
    assert [call["id"] for call in found[1]["tool_calls"]] == ["c1", "c2"]
    assert found[2] == {"role": "tool", "tool_call_id": "c1", "content": "sunny"}


def test_calls_without_a_message() -> None:
    assert said({"role": "user", "content": "Rome?"}, CALL)[1]["content"] is None


def test_images_of_a_tool_come_after_all_results() -> None:
    found = said(
        CALL,
        {"type": "function_call_output", "call_id": "c1", "output": [IMAGE]},
        {"type": "function_call_output", "call_id": "c2", "output": "rainy"},
    )
    assert [message["role"] for message in found] == ["assistant", "tool", "tool", "user"]


def test_the_order_of_a_conversation_stays() -> None:
    found = said(
        {"role": "user", "content": "a"},
        CALL,
        {"type": "function_call_output", "call_id": "c1", "output": "x"},
        {"role": "user", "content": "b"},
        {"role": "user", "content": "c"},
    )
    assert [message["content"] for message in found] == ["a", None, "x", "b", "c"]


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "json_object"}),
        (
            {"type": "json_schema", "name": "n", "schema": {}, "strict": False},
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": False}},
        ),
    ],
)
def test_formats(form: dict[str, object], wanted: object) -> None:
    assert told(text={"format": form}).get("response_format") == wanted


def test_effort_is_passed_on() -> None:
    assert told(reasoning={"effort": "low", "summary": "auto"})["reasoning_effort"] == "low"


def test_what_chat_completions_do_not_know_is_left_out() -> None:
    found = told(
        store=True, include=["reasoning.encrypted_content"], truncation="auto", metadata={}, background=False
    )
    assert set(found) == {"model", "messages"}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": None}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": ["x"]}, "input.0"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input.0.type"),
        ({"input": [{"type": "web_search_call"}]}, "input.0.type"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input.0.role"),
        ({"input": [{"role": ["user"], "content": "x"}]}, "input.0.role"),
        ({"input": [{"role": "user"}]}, "input.0.content"),
        ({"input": [{"role": "system", "content": [IMAGE]}]}, "input.0.content"),
        ({"input": [{"role": "user", "content": [{"type": "video"}]}]}, "input.0.content.0.type"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
            "input.0.content.0",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://x.org"}]}]},
            "input.0.content.0",
        ),
        ({"input": [{"type": "function_call", "call_id": "c"}]}, "input.0.name"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input.0.call_id"),
        ({"input": [{"type": "function_call_output", "call_id": "c"}]}, "input.0.output"),
        ({"instructions": 3}, "instructions"),
        ({"max_output_tokens": -1}, "max_output_tokens"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"tools": [{"type": "web_search"}]}, "tools.0.type"),
        ({"tools": [{"type": "custom", "name": "x"}]}, "tools.0.type"),
        ({"tools": [{"type": "function"}]}, "tools.0.name"),
        ({"tools": [WEATHER], "tool_choice": "some"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": {"type": "file_search"}}, "tool_choice.type"),
        ({"tools": [WEATHER], "tool_choice": {"type": "allowed_tools", "tools": []}}, "tool_choice.tools"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"previous_response_id": 3}, "previous_response_id"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], param: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        ResponsesDialect().request({"model": "m", "input": "Hello", **change})
    assert (refused.value.status, refused.value.param) == (400, param)
    assert refused.value.next_step


def test_the_clients_body_stays_as_it_is() -> None:
    items = [{"role": "assistant", "content": "I look."}, dict(CALL)]
    body: dict[str, Any] = {"model": "m", "input": items}
    ResponsesDialect().request(body)
    assert items == [{"role": "assistant", "content": "I look."}, CALL]
