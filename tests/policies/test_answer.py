import socket
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from metaclaw_jlab.core.errors import (
    PolicyError,
    PolicyMalformed,
    PolicyRefused,
    PolicyTimeout,
    PolicyUnavailable,
    PromptTooLong,
)
from metaclaw_jlab.core.policy import Message, Sampling
from metaclaw_jlab.policies.endpoint import EndpointPolicy, list_models

if TYPE_CHECKING:
    from tests.loopback.server import ScriptedServer

ASK = (Message("user", "Hello"),)


def refused(policy: EndpointPolicy, kind: type[PolicyError]) -> str:
    with pytest.raises(kind) as caught:
        policy.complete(ASK, Sampling())
    assert type(caught.value) is kind
    assert caught.value.next_step
    return str(caught.value)


def test_an_endpoint_that_is_down_is_named(waits: list[float]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        message = refused(EndpointPolicy(url, "m", sleep=waits.append), PolicyUnavailable)
    assert f"Nothing answers at {url}." in message
    assert not waits


@pytest.mark.parametrize(("after", "told"), [(None, "0.2 s."), ("abc", "after 3 characters")])
def test_a_server_that_hangs_is_given_up(
    scripted_server: "ScriptedServer", after: str | None, told: str
) -> None:
    scripted_server.hang(after)
    message = refused(EndpointPolicy(scripted_server.base_url, "m", timeout=0.2), PolicyTimeout)
    assert told in message
    assert scripted_server.wait_for_disconnect()
    assert len(scripted_server.chats) == 1


def test_a_slow_stream_is_not_a_time_out(scripted_server: "ScriptedServer") -> None:
    scripted_server.say("abcdef", piece=1, delay=0.1)
    policy = EndpointPolicy(scripted_server.base_url, "m", timeout=0.4)
    assert policy.complete(ASK, Sampling()).text == "abcdef"


@pytest.mark.parametrize(
    ("status", "kind"), [(200, PolicyMalformed), (404, PolicyRefused), (502, PolicyUnavailable)]
)
def test_a_web_page_is_not_quoted(
    policy: EndpointPolicy, scripted_server: "ScriptedServer", status: int, kind: type[PolicyError]
) -> None:
    for _ in range(4):
        scripted_server.html(status)
    message = refused(policy, kind)
    assert "Welcome" not in message
    assert "html" not in message.lower()


def test_a_web_page_asks_for_the_base_url(policy: EndpointPolicy, scripted_server: "ScriptedServer") -> None:
    scripted_server.html()
    assert "It usually ends in /v1." in refused(policy, PolicyMalformed)


def test_a_missing_v1_is_suggested(scripted_server: "ScriptedServer") -> None:
    message = refused(EndpointPolicy(scripted_server.origin, "m"), PolicyRefused)
    assert f"Did you mean {scripted_server.base_url}?" in message


@pytest.mark.parametrize(("reset", "politely"), [(False, False), (True, False), (False, True)])
def test_a_cut_stream_says_how_much_arrived(
    policy: EndpointPolicy, scripted_server: "ScriptedServer", reset: bool, politely: bool
) -> None:
    scripted_server.cut("half of it", reset=reset, politely=politely)
    assert "cut off after 10 characters" in refused(policy, PolicyMalformed)
    assert len(scripted_server.chats) == 1


@pytest.mark.parametrize(
    "data",
    [
        '{"choices": [{"delta": ',
        "[]",
        '"text"',
        "7",
        '{"choices": 7}',
        '{"choices": [7]}',
        '{"choices": [{"delta": 7}]}',
        '{"choices": [{"delta": {"content": 7}}]}',
        "{'a': 1}",
    ],
)
def test_a_malformed_event_is_a_clear_error(
    policy: EndpointPolicy, scripted_server: "ScriptedServer", data: str
) -> None:
    scripted_server.malformed(data=data)
    assert "OpenAI-compatible" in refused(policy, PolicyMalformed)


def test_a_malformed_event_in_the_middle_says_how_much_arrived(
    policy: EndpointPolicy, scripted_server: "ScriptedServer"
) -> None:
    scripted_server.malformed("half")
    assert "after 4 characters" in refused(policy, PolicyMalformed)


@pytest.mark.parametrize(
    "body", ["{", "[]", "{}", {"choices": []}, {"choices": [{"message": {"content": 7}}]}, {"choices": 7}]
)
def test_a_malformed_document_is_a_clear_error(
    policy: EndpointPolicy, scripted_server: "ScriptedServer", body: object
) -> None:
    scripted_server.plain(body)
    assert "OpenAI-compatible" in refused(policy, PolicyMalformed)


@pytest.mark.parametrize("body", ["{", "[]", "{}", {"data": [7]}, {"data": 7}])
def test_a_malformed_list_of_models_is_a_clear_error(scripted_server: "ScriptedServer", body: Any) -> None:
    scripted_server.models = []
    scripted_server.listing = body
    with pytest.raises(PolicyMalformed, match="OpenAI-compatible"):
        list_models(scripted_server.base_url)


def test_an_answer_without_choices_is_a_clear_error(
    policy: EndpointPolicy, scripted_server: "ScriptedServer"
) -> None:
    scripted_server.no_choices()
    assert "without choices" in refused(policy, PolicyMalformed)


def test_an_error_in_a_document_is_quoted(policy: EndpointPolicy, scripted_server: "ScriptedServer") -> None:
    scripted_server.plain({"error": {"message": "No model is loaded."}})
    assert "No model is loaded." in refused(policy, PolicyRefused)


@pytest.mark.parametrize(("code", "kind"), [(400, PolicyRefused), (None, PolicyUnavailable)])
def test_an_error_in_the_stream_is_quoted(
    policy: EndpointPolicy, scripted_server: "ScriptedServer", code: int | None, kind: type[PolicyError]
) -> None:
    for _ in range(4):
        scripted_server.malformed(data=f'{{"error": {{"message": "Bad.", "code": {code or "null"}}}}}')
    assert "Bad." in refused(policy, kind)


def test_reasoning_that_eats_all_tokens_is_told(
    policy: EndpointPolicy, scripted_server: "ScriptedServer"
) -> None:
    scripted_server.say("", reasoning="Hm.", finish="length")
    assert "policy.max_tokens" in refused(policy, PolicyMalformed)


@pytest.mark.parametrize(
    ("status", "message", "fields", "told"),
    [
        (401, "No.", {}, "--key-env"),
        (403, "Not yours.", {}, "--key-env"),
        (404, "The model `m` does not exist.", {}, "--model"),
        (404, "Gone.", {"code": "model_not_found"}, "--model"),
        (429, "You exceeded your quota.", {"code": "insufficient_quota"}, "no credit"),
        (400, "top_k must be positive.", {}, "policy.extra"),
        (422, "top_k must be positive.", {}, "policy.extra"),
    ],
)
def test_a_refusal_says_what_to_do(
    policy: EndpointPolicy,
    scripted_server: "ScriptedServer",
    waits: list[float],
    status: int,
    message: str,
    fields: dict[str, str],
    told: str,
) -> None:
    scripted_server.fail(status, message, **fields)  # type: ignore[arg-type]
    text = refused(policy, PolicyRefused)
    assert told in text
    assert message in text
    assert not waits


@pytest.mark.parametrize(
    ("status", "message"),
    [(400, "This model's maximum context length is 4096 tokens."), (413, "Too big.")],
)
def test_a_prompt_that_is_too_long_is_told_apart(
    policy: EndpointPolicy, scripted_server: "ScriptedServer", waits: list[float], status: int, message: str
) -> None:
    scripted_server.fail(status, message)
    text = refused(policy, PromptTooLong)
    assert "agent.reference_chars" in text
    assert message in text
    assert not waits


def test_a_key_that_is_missing_is_asked_for(scripted_server: "ScriptedServer") -> None:
    scripted_server.key = "sk-1"
    assert "wants a key" in refused(EndpointPolicy(scripted_server.base_url, "m"), PolicyRefused)


def test_a_key_that_the_server_repeats_is_not_shown(
    policy: EndpointPolicy, scripted_server: "ScriptedServer"
) -> None:
    scripted_server.fail(401, "Incorrect key: sk-secret.")
    with pytest.raises(PolicyRefused, match=r"Incorrect key: \[key\]\.") as caught:
        policy.complete(ASK, Sampling())
    assert "sk-secret" not in "".join(traceback.format_exception(caught.value))


def test_an_error_keeps_its_cause(policy: EndpointPolicy, scripted_server: "ScriptedServer") -> None:
    scripted_server.fail(401, "No.")
    with pytest.raises(PolicyRefused) as caught:
        policy.complete(ASK, Sampling())
    assert "AuthenticationError" in repr(caught.value.__cause__)


def test_a_long_message_is_cut(policy: EndpointPolicy, scripted_server: "ScriptedServer") -> None:
    scripted_server.fail(400, "x" * 100_000)
    assert len(refused(policy, PolicyRefused)) < 1000
