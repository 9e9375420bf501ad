"""OpenAI's own client against the proxy, unchanged: chat completions and responses."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from metaclaw_jlab.store.client_keys import ClientKeys
from tests.jupyter.server.proxy.serving import DEADLINE, Served
from tests.jupyter.server.proxy.tools import SCHEMA, call_weather
from tests.loopback.server import ScriptedServer

TOOL: Any = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": True}
CHAT_TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
HELLO: Any = [{"role": "user", "content": "Say hello."}]


@pytest.fixture
def client(served: Served) -> Iterator[OpenAI]:
    _, key = ClientKeys(served.workspace.database()).add("agent")
    with OpenAI(base_url=f"{served.url}/metaclaw/v1", api_key=key, max_retries=0, timeout=DEADLINE) as client:
        yield client


# ---------------------------------------------------------------- chat completions


def test_a_completion(client: OpenAI, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello there.")
    completion = client.chat.completions.create(model="scripted", messages=HELLO)
    assert completion.choices[0].message.content == "Hello there."


def test_a_completion_that_is_streamed(client: OpenAI, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello there.")
    stream = client.chat.completions.create(model="scripted", messages=HELLO, stream=True)
    pieces = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    assert "".join(pieces) == "Hello there."
    assert len(pieces) > 2


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_is_called_by_a_completion(
    client: OpenAI, scripted_server: ScriptedServer, streamed: bool
) -> None:
    call_weather(scripted_server)
    scripted_server.say("It is sunny.")
    asked: Any = {"model": "scripted", "tools": [CHAT_TOOL]}
    if streamed:
        with client.chat.completions.stream(**asked, messages=HELLO) as stream:
            message: Any = stream.get_final_completion().choices[0].message
    else:
        message = client.chat.completions.create(**asked, messages=HELLO).choices[0].message
    (call,) = message.tool_calls
    assert (call.id, call.function.name) == ("call_1", "weather")
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    more: Any = [*HELLO, message.to_dict(exclude_none=True), result]
    last = client.chat.completions.create(**asked, messages=more)
    assert last.choices[0].message.content == "It is sunny."


def test_models_are_listed(client: OpenAI) -> None:
    assert "scripted" in [model.id for model in client.models.list()]


# ---------------------------------------------------------------- responses


def test_a_response(client: OpenAI, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello there.")
    response = client.responses.create(model="scripted", input="Say hello.", instructions="Be kind.")
    assert (response.output_text, response.status) == ("Hello there.", "completed")
    assert response.usage is not None
    assert response.usage.output_tokens == 2
    assert scripted_server.chats[0].messages[0] == {"role": "system", "content": "Be kind."}


def test_a_response_that_is_streamed(client: OpenAI, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello there.")
    with client.responses.stream(model="scripted", input="Say hello.") as stream:
        pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
        response = stream.get_final_response()
    assert "".join(pieces) == response.output_text == "Hello there."
    assert len(pieces) > 1


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("by_id", [False, True])
def test_a_tool_is_called_by_a_response(
    client: OpenAI, scripted_server: ScriptedServer, streamed: bool, by_id: bool
) -> None:
    call_weather(scripted_server)
    scripted_server.say("It is sunny.")
    asked: Any = {"model": "scripted", "tools": [TOOL]}
    if streamed:
        with client.responses.stream(**asked, input="Rome?") as stream:
            response: Any = stream.get_final_response()
    else:
        response = client.responses.create(**asked, input="Rome?")
    said, call = response.output
    assert (said.content[0].text, call.name, call.arguments) == ("I look.", "weather", '{"city": "Rome"}')
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    if by_id:
        last = client.responses.create(**asked, previous_response_id=response.id, input=[result])
    else:
        items = [{"role": "user", "content": "Rome?"}, *(item.to_dict() for item in response.output), result]
        for item in items:
            item.pop("parsed_arguments", None)
        last = client.responses.create(**asked, input=items)
    assert last.output_text == "It is sunny."
    told: Any = scripted_server.chats[1].messages
    assert [one["role"] for one in told] == ["user", "assistant", "tool"]
    assert told[1]["tool_calls"][0]["id"] == told[2]["tool_call_id"] == "call_1"


def test_a_response_of_another_client_is_not_found(
    client: OpenAI, served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.say("A secret.")
    response = client.responses.create(model="scripted", input="Tell me.")
    _, key = ClientKeys(served.workspace.database()).add("other")
    other = client.with_options(api_key=key)
    with pytest.raises(openai.BadRequestError, match="not kept here"):
        other.responses.create(model="scripted", input="What was it?", previous_response_id=response.id)


def test_errors_and_limits_of_the_policy_reach_the_client(
    client: OpenAI, scripted_server: ScriptedServer
) -> None:
    scripted_server.fail(429, "Slow down.", headers={"Retry-After": "7"})
    with pytest.raises(openai.RateLimitError, match="Slow down") as refused:
        client.responses.create(model="scripted", input="x")
    assert refused.value.response.headers["Retry-After"] == "7"


def test_a_response_that_breaks_off_has_failed(client: OpenAI, scripted_server: ScriptedServer) -> None:
    scripted_server.cut("Hel")
    stream = client.responses.create(model="scripted", input="x", stream=True)
    kinds = [event.type for event in stream]
    assert kinds[-2:] == ["error", "response.failed"]
    assert "response.completed" not in kinds


def test_what_runs_elsewhere_is_refused(client: OpenAI, scripted_server: ScriptedServer) -> None:
    with pytest.raises(openai.BadRequestError, match="run at OpenAI"):
        client.responses.create(model="scripted", input="x", tools=[{"type": "web_search"}])
    assert scripted_server.chats == []
