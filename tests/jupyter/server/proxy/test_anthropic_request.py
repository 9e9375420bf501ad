from typing import Any

import pytest

from metaclaw_jlab.core.errors import RequestInvalid
from metaclaw_jlab.jupyter.server.proxy.anthropic import AnthropicDialect, count_tokens

PIXEL = {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}
WEATHER = {
    "name": "weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def told(*messages: dict[str, Any], **more: object) -> dict[str, Any]:
    said = list(messages) or [{"role": "user", "content": "Hello"}]
    return AnthropicDialect().request({"model": "m", "max_tokens": 64, "messages": said, **more})


def said(*messages: dict[str, Any], **more: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told(*messages, **more)["messages"]
    return found


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def test_a_plain_request() -> None:
    assert told(system="Be brief.", temperature=0.5, top_p=0.9, stop_sequences=["END"]) == {
        "model": "m",
        "max_tokens": 64,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["END"],
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
    }


def test_a_stream_asks_for_the_usage_too() -> None:
    assert told(stream=True)["stream_options"] == {"include_usage": True}
    assert "stream" not in told(stream=False)


def test_a_system_prompt_of_blocks_is_one_text() -> None:
    blocks = [
        {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "Be kind."},
    ]
    assert said(system=blocks)[0] == {"role": "system", "content": "Be brief.\n\nBe kind."}


def test_a_system_message_stays_where_it_is() -> None:
    found = said(
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "system", "content": "Now in French."},
        {"role": "user", "content": "c"},
    )
    assert [message["role"] for message in found] == ["user", "assistant", "system", "user"]


def test_one_text_block_is_a_string() -> None:
    assert said(user({"type": "text", "text": "Hello"})) == [{"role": "user", "content": "Hello"}]


def test_images_keep_their_place() -> None:
    found = said(
        user(
            {"type": "text", "text": "Left:"},
            {"type": "image", "source": PIXEL},
            {"type": "text", "text": "right:"},
            {"type": "image", "source": {"type": "url", "url": "https://example.org/x.png"}},
        )
    )
    assert found[0]["content"] == [
        {"type": "text", "text": "Left:"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
        {"type": "text", "text": "right:"},
        {"type": "image_url", "image_url": {"url": "https://example.org/x.png"}},
    ]


def test_documents_are_texts_or_files() -> None:
    found = said(
        user(
            {"type": "document", "title": "Notes", "source": {"type": "text", "data": "abc"}},
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
            },
        )
    )
    assert found[0]["content"] == [
        {"type": "text", "text": "Notes"},
        {"type": "text", "text": "abc"},
        {
            "type": "file",
            "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,JVBE"},
        },
    ]


def test_search_results_are_texts() -> None:
    block = {"type": "search_result", "title": "T", "source": "https://x.org", "content": [{"text": "abc"}]}
    assert said(user(block))[0]["content"] == "T\nhttps://x.org\nabc"


def test_tools_and_their_choice() -> None:
    found = told(
        tools=[WEATHER], tool_choice={"type": "tool", "name": "weather", "disable_parallel_tool_use": True}
    )
    assert found["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "weather",
                "description": "The weather of a city.",
                "parameters": WEATHER["input_schema"],
            },
        }
    ]
    assert found["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert found["parallel_tool_calls"] is False


@pytest.mark.parametrize(("kind", "choice"), [("auto", "auto"), ("any", "required"), ("none", "none")])
def test_choices_of_tools(kind: str, choice: str) -> None:
    assert told(tools=[WEATHER], tool_choice={"type": kind})["tool_choice"] == choice


def test_a_call_and_its_result() -> None:
    found = said(
        {"role": "user", "content": "Rome?"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "x"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Rome"}},
            ],
        },
        user(
            {"type": "text", "text": "And now?"},
            {
                "type": "tool_result",
                "tool_use_id": "t1",
                "content": [
                    {"type": "text", "text": "sunny"},
                    {"type": "image", "source": PIXEL},
                ],
            },
        ),
    )
    assert found[1] == {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [
            {
                "id": "t1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city":"Rome"}'},
            }
        ],
    }
    assert found[2] == {"role": "tool", "tool_call_id": "t1", "content": "sunny"}
    assert [part["type"] for part in found[3]["content"]] == ["text", "image_url"]
    assert found[4] == {"role": "user", "content": "And now?"}


def test_nothing_stands_between_the_results_of_two_calls() -> None:
    shown = [{"type": "image", "source": PIXEL}]
    found = said(
        user(
            {"type": "tool_result", "tool_use_id": "t1", "content": shown},
            {"type": "tool_result", "tool_use_id": "t2", "content": "b"},
        )
    )
    assert [message["role"] for message in found] == ["tool", "tool", "user"]


def test_a_result_without_content_is_empty() -> None:
    assert said(user({"type": "tool_result", "tool_use_id": "t1"})) == [
        {"role": "tool", "tool_call_id": "t1", "content": ""}
    ]


def test_that_a_tool_failed_is_said() -> None:
    block = {"type": "tool_result", "tool_use_id": "t1", "content": "no such city", "is_error": True}
    assert said(user(block))[0]["content"] == "The tool failed.\nno such city"


def test_only_thinking_leaves_an_empty_message() -> None:
    message = {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}]}
    assert said({"role": "user", "content": "a"}, message)[1] == {"role": "assistant", "content": ""}


def test_a_schema_of_the_answer() -> None:
    schema = {"type": "object"}
    found = told(output_config={"effort": "low", "format": {"type": "json_schema", "schema": schema}})
    assert found["response_format"]["json_schema"] == {"name": "answer", "schema": schema, "strict": True}


def test_what_chat_completions_do_not_know_is_left_out() -> None:
    found = told(
        thinking={"type": "enabled", "budget_tokens": 1024},
        top_k=5,
        service_tier="auto",
        cache_control={"type": "ephemeral"},
        metadata={"user_id": "u1"},
        betas=["x"],
    )
    assert set(found) == {"model", "max_tokens", "messages", "user"}


def test_the_clients_body_stays_as_it_is() -> None:
    block = {"type": "text", "text": "Hello"}
    body: dict[str, Any] = {"model": "m", "max_tokens": 1, "messages": [user(block)], "system": [block]}
    AnthropicDialect().request(body)
    assert body == {"model": "m", "max_tokens": 1, "messages": [user(block)], "system": [block]}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": None}, "model"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": ["x"]}, "messages.0"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [1]}]}, "messages.0.content.0"),
        ({"messages": [user({"type": "text"})]}, "messages.0.content.0.text"),
        ({"messages": [user({"type": "container_upload"})]}, "messages.0.content.0.type"),
        ({"messages": [user({"type": "image"})]}, "messages.0.content.0.source"),
        (
            {"messages": [user({"type": "image", "source": {"type": "file", "file_id": "f"}})]},
            "messages.0.content.0.source",
        ),
        ({"messages": [user({"type": "tool_result"})]}, "messages.0.content.0.tool_use_id"),
        ({"messages": [{"role": "assistant", "content": [{"type": "image"}]}]}, "messages.0.content.0.type"),
        ({"system": 3}, "system"),
        ({"system": [{"type": "image"}]}, "system.0.type"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools.0.type"),
        ({"tools": [{"name": "x"}]}, "tools.0.input_schema"),
        ({"tools": [WEATHER], "tool_choice": {"type": "some"}}, "tool_choice.type"),
        ({"tools": [WEATHER], "tool_choice": {"type": ["auto"]}}, "tool_choice.type"),
        ({"tools": [WEATHER], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"mcp_servers": [{"url": "https://x.org"}]}, "mcp_servers"),
        ({"stream": "yes"}, "stream"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], param: str) -> None:
    good = {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]}
    with pytest.raises(RequestInvalid) as refused:
        AnthropicDialect().request({**good, **change})
    assert (refused.value.status, refused.value.param) == (400, param)
    assert refused.value.next_step


def test_tokens_are_estimated() -> None:
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "a" * 350}]}
    assert count_tokens(body) == {"input_tokens": 100}
    longer = count_tokens({**body, "system": "b" * 35, "tools": [WEATHER]})
    assert longer["input_tokens"] > 130


def test_an_image_counts_too() -> None:
    body = {"model": "m", "messages": [user({"type": "image", "source": PIXEL})]}
    assert count_tokens(body)["input_tokens"] > 1000
