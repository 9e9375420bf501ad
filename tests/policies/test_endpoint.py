import contextlib
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from metaclaw_jlab.core.errors import (
    PolicyMalformed,
    PolicyRefused,
)
from metaclaw_jlab.core.policy import Completion, Message, Sampling
from metaclaw_jlab.policies.endpoint import EndpointPolicy, list_models

if TYPE_CHECKING:
    from tests.loopback.server import Exchange, ScriptedServer

ASK = (Message("system", "Be brief."), Message("user", "Hello"))


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
