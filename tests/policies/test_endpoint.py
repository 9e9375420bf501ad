import contextlib
import signal
import socket
import threading
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from metaclaw_jlab.core.errors import (
    PolicyError,
    PolicyMalformed,
    PolicyRefused,
    PolicyTimeout,
    PolicyUnavailable,
)
from metaclaw_jlab.core.policy import Completion, Message, Sampling
from metaclaw_jlab.policies.endpoint import EndpointPolicy, list_models

if TYPE_CHECKING:
    from tests.loopback.server import Exchange, ScriptedServer

ASK = (Message("system", "Be brief."), Message("user", "Hello"))


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def policy(scripted_server: "ScriptedServer", waits: list[float]) -> EndpointPolicy:
    return EndpointPolicy(
        scripted_server.base_url, "m", "sk-secret", timeout=5.0, sleep=waits.append, jitter=lambda: 1.0
    )


def refused(policy: EndpointPolicy, kind: type[PolicyError]) -> str:
    with pytest.raises(kind) as caught:
        policy.complete(ASK, Sampling())
    assert type(caught.value) is kind
    assert caught.value.next_step
    return str(caught.value)


# ---------------------------------------------------------------- a completion


def test_a_completion_is_put_together(policy: EndpointPolicy, scripted_server: "ScriptedServer") -> None:
    scripted_server.say("two words")
    completion = policy.complete(ASK, Sampling())
    assert (completion.text, completion.finish_reason, completion.model) == ("two words", "stop", "m")
    assert completion.usage.completion_tokens == 2


def test_text_is_passed_on_as_it_comes(policy: EndpointPolicy, scripted_server: "ScriptedServer") -> None:
    arrived = threading.Event()
    seen: list[str] = []
    late: list[bool] = []
    scripted_server.say("abcdef", piece=2, on_piece=lambda number: late.append(arrived.wait(5)))

    def take(piece: str) -> None:
        seen.append(piece)
        arrived.set()

    policy.complete(ASK, Sampling(), on_text=take)
    assert seen == ["ab", "cd", "ef"]
    assert all(late)


def test_messages_and_sampling_are_sent(policy: EndpointPolicy, scripted_server: "ScriptedServer") -> None:
    scripted_server.say("x")
    policy.complete(ASK, Sampling(0.5, 64, 7, ("END",), {"top_k": 3}))
    body = scripted_server.chats[0].body
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
    ]
    sent = {name: body[name] for name in ("model", "temperature", "max_tokens", "seed", "stop", "top_k")}
    assert sent == {
        "model": "m",
        "temperature": 0.5,
        "max_tokens": 64,
        "seed": 7,
        "stop": ["END"],
        "top_k": 3,
    }


def test_reasoning_is_no_text(policy: EndpointPolicy, scripted_server: "ScriptedServer") -> None:
    scripted_server.say("x", reasoning="Let me think.")
    assert policy.complete(ASK, Sampling()).text == "x"


def test_a_huge_reply_arrives_whole(policy: EndpointPolicy, scripted_server: "ScriptedServer") -> None:
    scripted_server.huge(3_000_000)
    assert len(policy.complete(ASK, Sampling(max_tokens=65_536)).text) == 3_000_000


@pytest.mark.parametrize("key", ["content", "reasoning_content"])
def test_an_endless_reply_is_cut(policy: EndpointPolicy, scripted_server: "ScriptedServer", key: str) -> None:
    scripted_server.endless(key)
    with contextlib.suppress(PolicyMalformed):
        assert policy.complete(ASK, Sampling()).finish_reason == "length"
    assert scripted_server.wait_for_disconnect()


def test_a_server_that_does_not_stream_is_understood(
    policy: EndpointPolicy, scripted_server: "ScriptedServer"
) -> None:
    scripted_server.plain({"model": "n", "choices": [{"message": {"content": "x"}}], "usage": None})
    pieces: list[str] = []
    completion = policy.complete(ASK, Sampling(), on_text=pieces.append)
    assert (completion.text, completion.model, pieces) == ("x", "n", ["x"])


def test_requests_at_the_same_time_do_not_mix(
    policy: EndpointPolicy, scripted_server: "ScriptedServer"
) -> None:
    scripted_server.always(lambda body: body["messages"][0]["content"] * 50)
    found: dict[str, Completion] = {}

    def ask(text: str) -> None:
        found[text] = policy.complete((Message("user", text),), Sampling())

    threads = [threading.Thread(target=ask, args=(f"<{number}>",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[text].text == text * 50 for text in found] == [True] * 8


# ---------------------------------------------------------------- the model's name


def test_without_a_name_the_first_model_is_asked(scripted_server: "ScriptedServer") -> None:
    scripted_server.models = ["first", "second"]
    scripted_server.say("x")
    EndpointPolicy(scripted_server.base_url).complete(ASK, Sampling())
    assert scripted_server.chats[0].body["model"] == "first"


def test_an_endpoint_without_models_says_so(scripted_server: "ScriptedServer") -> None:
    scripted_server.models = []
    with pytest.raises(PolicyRefused, match="lists no models"):
        _ = EndpointPolicy(scripted_server.base_url).model


def test_models_are_listed(scripted_server: "ScriptedServer") -> None:
    scripted_server.models = ["a", "b"]
    assert list_models(scripted_server.base_url) == ("a", "b")


def test_listing_at_the_wrong_path_suggests_v1(scripted_server: "ScriptedServer") -> None:
    with pytest.raises(PolicyRefused, match=r"Did you mean .*/v1\?"):
        list_models(scripted_server.origin)


# ---------------------------------------------------------------- parameters that a server does not know


def test_max_tokens_gives_way_to_its_new_name(
    policy: EndpointPolicy, scripted_server: "ScriptedServer"
) -> None:
    scripted_server.unsupported = {"max_tokens": "Use 'max_completion_tokens' instead."}
    scripted_server.say("x", "y")
    policy.complete(ASK, Sampling(max_tokens=9))
    policy.complete(ASK, Sampling(max_tokens=9))
    assert [chat.body.get("max_completion_tokens") for chat in scripted_server.chats] == [None, 9, 9]


@pytest.mark.parametrize("name", ["stream_options", "temperature", "seed"])
def test_a_parameter_that_is_not_known_is_left_out(
    policy: EndpointPolicy, scripted_server: "ScriptedServer", name: str
) -> None:
    scripted_server.unsupported = {name: f"Unrecognized request argument supplied: {name}"}
    scripted_server.say("x")
    assert policy.complete(ASK, Sampling(seed=1)).text == "x"
    assert policy.left_out == (name,)


def test_several_parameters_can_be_left_out(
    policy: EndpointPolicy, scripted_server: "ScriptedServer"
) -> None:
    scripted_server.unsupported = {
        name: f"{name} is not supported" for name in ("max_tokens", "temperature", "stream_options")
    }
    scripted_server.say("x")
    assert policy.complete(ASK, Sampling()).text == "x"


# ---------------------------------------------------------------- trying again


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_a_busy_server_is_asked_again(
    policy: EndpointPolicy, scripted_server: "ScriptedServer", waits: list[float], status: int
) -> None:
    scripted_server.fail(status)
    scripted_server.say("x")
    assert policy.complete(ASK, Sampling()).text == "x"
    assert waits == [0.5]


def test_waits_grow_and_retries_end(
    policy: EndpointPolicy, scripted_server: "ScriptedServer", waits: list[float]
) -> None:
    scripted_server.fail(503, "Loading the model.", times=9)
    assert "Loading the model." in refused(policy, PolicyUnavailable)
    assert waits == [0.5, 1.0, 2.0]
    assert len(scripted_server.chats) == 4


def test_waits_are_spread_out(scripted_server: "ScriptedServer", waits: list[float]) -> None:
    scripted_server.fail(503)
    scripted_server.say("x")
    policy = EndpointPolicy(scripted_server.base_url, "m", sleep=waits.append, jitter=lambda: 0.0)
    policy.complete(ASK, Sampling())
    assert waits == [0.25]


def test_retry_after_is_honoured(
    policy: EndpointPolicy, scripted_server: "ScriptedServer", waits: list[float]
) -> None:
    scripted_server.fail(429, headers={"Retry-After": "7"})
    scripted_server.say("x")
    policy.complete(ASK, Sampling())
    assert 7.0 <= waits[0] < 8.0


def test_a_long_retry_after_is_told_instead_of_waited_for(
    policy: EndpointPolicy, scripted_server: "ScriptedServer", waits: list[float]
) -> None:
    scripted_server.fail(429, headers={"Retry-After": "3600"})
    assert "3600 s" in refused(policy, PolicyUnavailable)
    assert not waits


@pytest.mark.parametrize("reset", [True, False])
def test_a_connection_lost_before_the_first_text_is_made_again(
    policy: EndpointPolicy, scripted_server: "ScriptedServer", reset: bool
) -> None:
    scripted_server.cut(reset=reset)
    scripted_server.say("x")
    assert policy.complete(ASK, Sampling()).text == "x"


def test_a_stream_that_ends_before_it_begins_is_asked_for_again(
    policy: EndpointPolicy, scripted_server: "ScriptedServer"
) -> None:
    scripted_server.cut(politely=True)
    scripted_server.say("x")
    assert policy.complete(ASK, Sampling()).text == "x"


def test_no_retries_means_one_request(scripted_server: "ScriptedServer") -> None:
    scripted_server.fail(500)
    refused(EndpointPolicy(scripted_server.base_url, "m", retries=0), PolicyUnavailable)
    assert len(scripted_server.chats) == 1


# ---------------------------------------------------------------- what goes wrong


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
        (400, "This model's maximum context length is 4096 tokens.", {}, "agent.reference_chars"),
        (413, "Too big.", {}, "agent.reference_chars"),
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


# ---------------------------------------------------------------- stopping


def test_an_exception_of_on_text_ends_the_request(
    policy: EndpointPolicy, scripted_server: "ScriptedServer"
) -> None:
    def stop(piece: str) -> None:
        raise ValueError("enough")

    scripted_server.hang("first")
    with pytest.raises(ValueError, match="enough"):
        policy.complete(ASK, Sampling(), on_text=stop)
    assert scripted_server.wait_for_disconnect()


def _interrupting(behave: Callable[["Exchange"], None]) -> Callable[["Exchange"], None]:
    """Ctrl-C for the main thread as soon as the server has sent what it sends."""
    main = threading.main_thread().ident
    assert main is not None

    def interrupt(exchange: "Exchange") -> None:
        behave(exchange)
        signal.pthread_kill(main, signal.SIGINT)
        exchange.wait_for_leave()

    return interrupt


def _begin(exchange: "Exchange") -> None:
    exchange.open_stream()
    exchange.delta({"content": "first"})


@pytest.mark.parametrize(
    "behave", [lambda exchange: None, _begin], ids=["before the answer", "in the middle"]
)
def test_ctrl_c_ends_the_request(
    policy: EndpointPolicy, scripted_server: "ScriptedServer", behave: Callable[["Exchange"], None]
) -> None:
    scripted_server.script(_interrupting(behave))
    with pytest.raises(KeyboardInterrupt):
        policy.complete(ASK, Sampling())
    assert scripted_server.wait_for_disconnect()


def test_after_a_stop_the_policy_works_on(policy: EndpointPolicy, scripted_server: "ScriptedServer") -> None:
    scripted_server.script(_interrupting(_begin))
    with pytest.raises(KeyboardInterrupt):
        policy.complete(ASK, Sampling())
    scripted_server.say("x")
    assert policy.complete(ASK, Sampling()).text == "x"


def test_a_closed_policy_opens_again(policy: EndpointPolicy, scripted_server: "ScriptedServer") -> None:
    scripted_server.say("x", "y")
    policy.complete(ASK, Sampling())
    policy.close()
    assert policy.complete(ASK, Sampling()).text == "y"
