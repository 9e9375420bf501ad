"""Anthropic's own client against the proxy, unchanged."""

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from metaclaw_jlab.store.client_keys import ClientKeys
from tests.jupyter.server.proxy.conftest import Serve
from tests.jupyter.server.proxy.serving import DEADLINE, Served
from tests.jupyter.server.proxy.tools import SCHEMA, call_weather
from tests.loopback.server import ScriptedServer

WEATHER: Any = {"name": "weather", "description": "The weather of a city.", "input_schema": SCHEMA}
ASKED: dict[str, Any] = {"model": "scripted", "max_tokens": 64}
HELLO: Any = [{"role": "user", "content": "Say hello."}]


@pytest.fixture
def client(served: Served) -> Iterator[Anthropic]:
    _, key = ClientKeys(served.workspace.database()).add("agent")
    with Anthropic(base_url=f"{served.url}/metaclaw", api_key=key, max_retries=0, timeout=DEADLINE) as client:
        yield client


def test_a_message(client: Anthropic, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello there.")
    message = client.messages.create(**ASKED, messages=HELLO, system="Be kind.")
    assert [getattr(block, "text", None) for block in message.content] == ["Hello there."]
    assert (message.stop_reason, message.model) == ("end_turn", "scripted")
    assert message.usage.output_tokens == 2
    assert scripted_server.chats[0].messages[0] == {"role": "system", "content": "Be kind."}


def test_a_message_that_is_streamed(client: Anthropic, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello there.")
    with client.messages.stream(**ASKED, messages=HELLO) as stream:
        pieces = list(stream.text_stream)
        message = stream.get_final_message()
    assert "".join(pieces) == "Hello there."
    assert len(pieces) > 1
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 2)


def test_raw_events(client: Anthropic, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello there.")
    kinds = [event.type for event in client.messages.create(**ASKED, messages=HELLO, stream=True)]
    assert (kinds[0], kinds[-2], kinds[-1]) == ("message_start", "message_delta", "message_stop")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_is_called_and_its_result_told(
    client: Anthropic, scripted_server: ScriptedServer, streamed: bool
) -> None:
    call_weather(scripted_server)
    scripted_server.say("It is sunny.")
    asked: Any = {**ASKED, "tools": [WEATHER]}
    if streamed:
        with client.messages.stream(**asked, messages=HELLO) as stream:
            message: anthropic.types.Message = stream.get_final_message()
    else:
        message = client.messages.create(**asked, messages=HELLO)
    call = message.content[1]
    assert message.stop_reason == "tool_use"
    assert call.type == "tool_use"
    assert (call.name, call.input) == ("weather", {"city": "Rome"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    more: Any = [
        *HELLO,
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": [result]},
    ]
    last = client.messages.create(**asked, messages=more)
    assert getattr(last.content[0], "text", "") == "It is sunny."
    told: Any = scripted_server.chats[1].messages
    assert [one["role"] for one in told] == ["user", "assistant", "tool"]
    assert told[1]["tool_calls"][0]["id"] == told[2]["tool_call_id"] == "call_1"


def test_an_image_reaches_the_policy(client: Anthropic, scripted_server: ScriptedServer) -> None:
    scripted_server.say("A cat.")
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}
    blocks = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]
    messages: Any = [{"role": "user", "content": blocks}]
    client.messages.create(**ASKED, messages=messages)
    (told,) = scripted_server.chats[0].messages
    first: Any = told["content"][0]
    assert first["image_url"]["url"] == "data:image/png;base64,iVBORw=="


def test_tokens_can_be_counted(client: Anthropic) -> None:
    assert client.messages.count_tokens(model="scripted", messages=HELLO).input_tokens > 1


def test_errors_and_limits_of_the_policy_reach_the_client(
    client: Anthropic, scripted_server: ScriptedServer
) -> None:
    scripted_server.fail(429, "Slow down.", headers={"Retry-After": "7"})
    with pytest.raises(anthropic.RateLimitError) as refused:
        client.messages.create(**ASKED, messages=HELLO)
    assert refused.value.response.headers["Retry-After"] == "7"
    assert refused.value.body == {
        "type": "error",
        "error": {"type": "rate_limit_error", "message": "Slow down"},
    }


def test_an_unknown_model_is_an_error_of_the_policy(
    client: Anthropic, scripted_server: ScriptedServer
) -> None:
    scripted_server.fail(404, "The model `none` does not exist.")
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="none", max_tokens=5, messages=HELLO)


def test_a_bad_request_is_refused_before_the_policy(
    client: Anthropic, scripted_server: ScriptedServer
) -> None:
    tools: Any = [{"type": "web_search_20250305", "name": "web_search"}]
    with pytest.raises(anthropic.BadRequestError, match="made for Anthropic's models"):
        client.messages.create(**ASKED, messages=HELLO, tools=tools)
    assert scripted_server.chats == []


def test_a_stream_that_breaks_off_is_an_error(client: Anthropic, scripted_server: ScriptedServer) -> None:
    scripted_server.cut("Hel")
    with (
        pytest.raises(anthropic.APIError),
        client.messages.stream(**ASKED, messages=HELLO) as stream,
    ):
        stream.until_done()


def test_a_revoked_key_is_refused(served: Served) -> None:
    keys = ClientKeys(served.workspace.database())
    _, key = keys.add("agent")
    keys.revoke("agent")
    with (
        Anthropic(base_url=f"{served.url}/metaclaw", api_key=key, max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError),
    ):
        client.messages.create(**ASKED, messages=HELLO)


def test_jupyters_own_token_works_too(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.say("a", "b")
    given: Any
    for given in ({"api_key": served.token}, {"auth_token": served.token, "api_key": None}):
        with Anthropic(base_url=f"{served.url}/metaclaw", max_retries=0, **given) as client:
            assert client.messages.create(**ASKED, messages=HELLO).stop_reason == "end_turn"


def test_clients_at_once(serve: Serve, scripted_server: ScriptedServer) -> None:
    served = serve()
    _, key = ClientKeys(served.workspace.database()).add("agent")
    scripted_server.always(lambda body: f"You said {body['messages'][-1]['content']}.")

    async def ask(client: anthropic.AsyncAnthropic, number: int) -> str:
        messages: Any = [{"role": "user", "content": str(number)}]
        async with client.messages.stream(**ASKED, messages=messages) as stream:
            return await stream.get_final_text()

    async def all_of_them() -> list[str]:
        async with anthropic.AsyncAnthropic(
            base_url=f"{served.url}/metaclaw", api_key=key, max_retries=0, timeout=DEADLINE
        ) as client:
            return await asyncio.gather(*(ask(client, number) for number in range(20)))

    assert asyncio.run(all_of_them()) == [f"You said {number}." for number in range(20)]
