from typing import TYPE_CHECKING

import pytest

from metaclaw_jlab.core.errors import PolicyUnavailable
from metaclaw_jlab.core.policy import Message, Sampling
from metaclaw_jlab.policies.endpoint import EndpointPolicy

if TYPE_CHECKING:
    from tests.loopback.server import ScriptedServer

ASK = (Message("user", "Hello"),)


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
    with pytest.raises(PolicyUnavailable, match="Loading the model"):
        policy.complete(ASK, Sampling())
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
    with pytest.raises(PolicyUnavailable, match="3600 s"):
        policy.complete(ASK, Sampling())
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
    with pytest.raises(PolicyUnavailable):
        EndpointPolicy(scripted_server.base_url, "m", retries=0).complete(ASK, Sampling())
    assert len(scripted_server.chats) == 1
