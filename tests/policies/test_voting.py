import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from metaclaw_jlab.core.errors import PolicyMalformed, PolicyRefused, PolicyTimeout, PolicyUnavailable
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.policies.voting import LARGEST_ANSWER, VotingEndpoint

if TYPE_CHECKING:
    from tests.loopback.server import Exchange, ScriptedServer

ASK = (Message("system", "Judge."), Message("user", "This."))
FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}


def choices(*texts: str | None, finish: str | None = "stop") -> Callable[["Exchange"], None]:
    listed = [
        {"index": number, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
        for number, text in enumerate(texts)
    ]
    return lambda exchange: exchange.json(200, {"model": "m", "choices": listed})


@pytest.fixture
def endpoint(scripted_server: "ScriptedServer", waits: list[float]) -> VotingEndpoint:
    return VotingEndpoint(
        scripted_server.base_url, "m", "sk-secret", timeout=5.0, sleep=waits.append, jitter=lambda: 1.0
    )


def bodies(server: "ScriptedServer") -> list[dict[str, Any]]:
    return [request.body for request in server.chats]


def test_all_votes_come_from_one_request(endpoint: VotingEndpoint, scripted_server: "ScriptedServer") -> None:
    scripted_server.script(choices("a", "b", "c"))
    assert endpoint.ask(ASK, 3, FORMAT) == (("a", "stop"), ("b", "stop"), ("c", "stop"))
    (body,) = bodies(scripted_server)
    assert (body["n"], body["response_format"], body["temperature"]) == (3, FORMAT, 0.6)
    assert not {"stream", "stream_options", "seed"} & set(body)


def test_one_vote_is_asked_for_without_n(endpoint: VotingEndpoint, scripted_server: "ScriptedServer") -> None:
    scripted_server.script(choices("a"))
    assert endpoint.ask(ASK, 1) == (("a", "stop"),)
    assert not {"n", "response_format"} & set(bodies(scripted_server)[0])


def test_finish_reasons_come_along(endpoint: VotingEndpoint, scripted_server: "ScriptedServer") -> None:
    scripted_server.script(choices("a", finish="length"), choices(None, finish=None))
    assert endpoint.ask(ASK, 1) == (("a", "length"),)
    assert endpoint.ask(ASK, 1) == (("", "stop"),)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "'n' : number must be at most 1"),
        (400, "Only one completion choice is allowed"),
        (500, "Only one completion choice is allowed"),
        (422, '[{"loc": ["body", "n"], "msg": "Extra inputs are not permitted"}]'),
        (501, "n > 1 is not implemented"),
    ],
)
def test_an_endpoint_that_refuses_n_is_asked_without_it_from_then_on(
    endpoint: VotingEndpoint, scripted_server: "ScriptedServer", status: int, message: str, waits: list[float]
) -> None:
    scripted_server.fail(status, message)
    scripted_server.script(choices("a"), choices("b"))
    assert endpoint.ask(ASK, 3, FORMAT) == (("a", "stop"),)
    assert endpoint.ask(ASK, 2, FORMAT) == (("b", "stop"),)
    assert ["n" in body for body in bodies(scripted_server)] == [True, False, False]
    assert all("response_format" in body for body in bodies(scripted_server))
    assert waits == []


def test_an_endpoint_that_ignores_n_is_not_sent_it_again(
    endpoint: VotingEndpoint, scripted_server: "ScriptedServer"
) -> None:
    scripted_server.script(choices("a"), choices("b"))
    assert endpoint.ask(ASK, 3) == (("a", "stop"),)
    endpoint.ask(ASK, 2)
    assert ["n" in body for body in bodies(scripted_server)] == [True, False]


@pytest.mark.parametrize(
    "message",
    [
        "This response_format type is unavailable now",
        "json_schema is not supported by this model",
        "Failed to compile the grammar",
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported.",
    ],
)
def test_an_endpoint_without_structured_output_is_asked_in_plain_text_from_then_on(
    endpoint: VotingEndpoint, scripted_server: "ScriptedServer", message: str
) -> None:
    scripted_server.fail(400, message)
    scripted_server.script(choices("a", "b"), choices("c", "d"))
    endpoint.ask(ASK, 2, FORMAT)
    endpoint.ask(ASK, 2, FORMAT)
    assert ["response_format" in body for body in bodies(scripted_server)] == [True, False, False]
    assert [body["n"] for body in bodies(scripted_server)] == [2, 2, 2]


def test_an_endpoint_may_refuse_everything_that_can_be_left_out(
    endpoint: VotingEndpoint, scripted_server: "ScriptedServer"
) -> None:
    scripted_server.unsupported = {
        "response_format": "Unknown parameter: response_format",
        "n": "Unknown parameter: n",
        "temperature": "Unsupported value: temperature",
        "max_tokens": "Unsupported parameter: max_tokens, use max_completion_tokens",
    }
    scripted_server.script(choices("a"))
    assert endpoint.ask(ASK, 3, FORMAT) == (("a", "stop"),)
    assert set(bodies(scripted_server)[-1]) == {"model", "messages", "max_completion_tokens"}


def test_a_refusal_of_another_kind_leaves_the_endpoint_trusted(
    endpoint: VotingEndpoint, scripted_server: "ScriptedServer"
) -> None:
    scripted_server.fail(400, "The prompt is too long: maximum 100 tokens.")
    with pytest.raises(PolicyRefused, match="too long"):
        endpoint.ask(ASK, 3, FORMAT)
    assert endpoint.left_out == ()


def test_a_busy_endpoint_is_asked_again(
    endpoint: VotingEndpoint, scripted_server: "ScriptedServer", waits: list[float]
) -> None:
    scripted_server.fail(429, headers={"Retry-After": "3"})
    scripted_server.fail(503)
    scripted_server.script(choices("a", "b"))
    assert len(endpoint.ask(ASK, 2)) == 2
    assert len(waits) == 2
    assert waits[0] >= 3


def test_it_is_given_up_after_so_many_retries(
    endpoint: VotingEndpoint, scripted_server: "ScriptedServer"
) -> None:
    scripted_server.fail(503, times=3)
    with pytest.raises(PolicyUnavailable):
        endpoint.ask(ASK, 2)
    assert len(scripted_server.chats) == 3


def test_a_refused_key_is_not_tried_again_nor_shown(
    endpoint: VotingEndpoint, scripted_server: "ScriptedServer"
) -> None:
    scripted_server.key = "another"
    with pytest.raises(PolicyRefused) as caught:
        endpoint.ask(ASK, 2)
    assert len(scripted_server.chats) == 1
    assert "sk-secret" not in str(caught.value)


def test_a_silent_endpoint_times_out(scripted_server: "ScriptedServer") -> None:
    scripted_server.hang()
    with pytest.raises(PolicyTimeout):
        VotingEndpoint(scripted_server.base_url, "m", timeout=0.1).ask(ASK, 2)


def test_an_answer_that_trickles_is_given_up(scripted_server: "ScriptedServer") -> None:
    def trickle(exchange: "Exchange") -> None:
        exchange.head(200, {"Content-Type": "application/json"})
        while not exchange.server.closing.is_set():
            exchange.write(b" " * 1000)

    scripted_server.script(trickle)
    times = iter(range(1000))
    endpoint = VotingEndpoint(scripted_server.base_url, "m", timeout=5.0, clock=lambda: float(next(times)))
    with pytest.raises(PolicyMalformed, match=r"did not finish its answer: [\d,]{1,7} bytes"):
        endpoint.ask(ASK, 2)
    assert scripted_server.wait_for_disconnect()


def test_an_endless_answer_is_given_up(endpoint: VotingEndpoint, scripted_server: "ScriptedServer") -> None:
    scripted_server.script(
        lambda exchange: exchange.whole(200, b" " * (LARGEST_ANSWER + 1), "application/json")
    )
    with pytest.raises(PolicyMalformed, match="did not finish"):
        endpoint.ask(ASK, 2)


@pytest.mark.parametrize(
    "answer",
    [
        "{",
        "[]",
        json.dumps({"choices": []}),
        json.dumps({"choices": None}),
        json.dumps({"choices": ["text"]}),
        json.dumps({"choices": [{"message": {"content": ["parts"]}}]}),
    ],
)
def test_an_answer_that_is_no_completion_is_malformed(
    endpoint: VotingEndpoint, scripted_server: "ScriptedServer", answer: str
) -> None:
    scripted_server.plain(answer)
    with pytest.raises(PolicyMalformed):
        endpoint.ask(ASK, 2)


def test_a_web_page_is_told_as_one(endpoint: VotingEndpoint, scripted_server: "ScriptedServer") -> None:
    scripted_server.html()
    with pytest.raises(PolicyMalformed, match="web page"):
        endpoint.ask(ASK, 2)


def test_an_error_in_an_answer_of_status_200_is_one(
    endpoint: VotingEndpoint, scripted_server: "ScriptedServer"
) -> None:
    scripted_server.plain({"error": {"message": "no such thing"}})
    with pytest.raises(PolicyRefused, match="no such thing"):
        endpoint.ask(ASK, 2)


def test_more_replies_than_were_asked_for_are_left(
    endpoint: VotingEndpoint, scripted_server: "ScriptedServer"
) -> None:
    scripted_server.script(choices("a", "b", "c"))
    assert endpoint.ask(ASK, 2) == (("a", "stop"), ("b", "stop"))


def test_the_model_is_the_first_that_is_listed(scripted_server: "ScriptedServer") -> None:
    scripted_server.models = ["first", "second"]
    scripted_server.script(choices("a"))
    VotingEndpoint(scripted_server.base_url).ask(ASK, 1)
    assert bodies(scripted_server)[0]["model"] == "first"
