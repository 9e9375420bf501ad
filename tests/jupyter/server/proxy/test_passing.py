"""With everything off the proxy is as good as not there."""

import json
from typing import Any

import pytest

from tests.jupyter.server.proxy.serving import Served, ask
from tests.loopback.server import Exchange, ScriptedServer

RICH: dict[str, Any] = {
    "model": "scripted",
    "messages": [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this? \U0001f600"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"n": 1}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "a cat"},
    ],
    "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
    "tool_choice": "auto",
    "n": 2,
    "temperature": 0.10000000000000001,
    "seed": 12345678901234567890,
    "something_new": {"deep": [None, True]},
}


def test_the_upstream_receives_an_equal_body(off: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.say("A cat.")
    off.post(RICH)
    assert scripted_server.chats[0].body == RICH


def test_a_whole_answer_comes_back_byte_for_byte(off: Served, scripted_server: ScriptedServer) -> None:
    body = b'{"choices": [ {"message": {"content": "h\\u00e9"}}],   "odd": 1.50}\n'
    scripted_server.script(lambda exchange: exchange.whole(200, body, "application/json"))
    answer = off.post(ask())
    assert (answer.status, answer.body) == (200, body)


def test_a_stream_comes_back_byte_for_byte(off: Served, scripted_server: ScriptedServer) -> None:
    parts = [
        b": a comment\n\n",
        b'data: {"choices":[{"index":0,"del',
        b'ta":{"content":"h\xc3\xa9"}}]}\r\n\r\ndata:{"x":1}\n',
        b"\ndata: [DONE]\n\n",
    ]

    def behave(exchange: Exchange) -> None:
        exchange.open_stream()
        for part in parts:
            exchange.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        exchange.write(b"0\r\n\r\n")

    scripted_server.script(behave)
    answer = off.post(ask(stream=True))
    assert answer.body == b"".join(parts)
    assert answer.headers["content-type"] == "text/event-stream"


def test_nothing_of_the_clients_headers_goes_upstream(off: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello.")
    off.post(ask(), {"Cookie": "a=b", "X-Session-Id": "s1", "User-Agent": "mine"})
    sent = scripted_server.chats[0].headers
    assert {"authorization", "cookie", "x-session-id"}.isdisjoint(sent)
    assert sent["user-agent"] == "metaclaw-jlab"


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_errors_of_the_upstream_come_back_as_they_are(
    off: Served, scripted_server: ScriptedServer, status: int
) -> None:
    scripted_server.fail(status, "It went wrong.", code="some_code", param="model")
    answer = off.post(ask(stream=True))
    assert answer.status == status
    assert answer.json["error"] == {
        "message": "It went wrong.",
        "type": "error",
        "param": "model",
        "code": "some_code",
    }


def test_rate_limits_come_back_as_they_are(off: Served, scripted_server: ScriptedServer) -> None:
    limits = {"Retry-After": "7", "x-ratelimit-remaining-tokens": "12", "Set-Cookie": "a=b"}
    scripted_server.fail(429, "Slow down.", headers=limits)
    answer = off.post(ask())
    assert (answer.headers["retry-after"], answer.headers["x-ratelimit-remaining-tokens"]) == ("7", "12")
    assert "a=b" not in answer.headers.get("set-cookie", "")


def test_an_error_page_comes_back_with_its_status_and_cannot_run_here(
    off: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.html(502)
    answer = off.post(ask())
    assert answer.status == 502
    assert b"Welcome" in answer.body
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_redirection_is_not_followed(off: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.script(
        lambda exchange: exchange.whole(307, "", "text/plain", {"Location": "http://127.0.0.1:1/"})
    )
    answer = off.post(ask())
    assert answer.status == 502
    assert "policy.base_url" in answer.json["error"]["message"]


def test_a_request_without_a_model_gets_the_configured_one(
    off: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.say("Hello.", "Hello.")
    off.post({"messages": ask()["messages"]})
    off.post(ask(model="metaclaw"))
    assert [chat.body["model"] for chat in scripted_server.chats] == ["scripted", "scripted"]


def test_an_unknown_model_is_for_the_upstream_to_judge(off: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.fail(404, "There is no such model.", code="model_not_found")
    answer = off.post(ask(model="another"))
    assert (answer.status, scripted_server.chats[0].body["model"]) == (404, "another")


def test_models_are_the_upstreams_and_the_configured_one(off: Served) -> None:
    listed = off.get("/metaclaw/v1/models").json
    assert [one["id"] for one in listed["data"]] == ["scripted", "metaclaw"]


def test_one_model_can_be_looked_up(off: Served) -> None:
    assert off.get("/metaclaw/v1/models/scripted").json["id"] == "scripted"
    assert off.get("/metaclaw/v1/models/none").status == 404


def test_nothing_is_recorded_where_nothing_is_wanted(off: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello.")
    off.post(ask())
    assert off.kept.exchanges == []


def test_what_a_whole_answer_said_is_recorded(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello.")
    answer = served.post(ask(), {"X-Session-Id": "s1", "X-Turn-Type": "side", "X-Session-Done": "true"})
    _, asked, replied = served.kept.wait()
    assert (replied.text, replied.finish_reason, replied.error) == ("Hello.", "stop", "")
    assert (asked.session, asked.kind, asked.done, asked.client) == ("s1", "side", True, "")
    assert answer.headers["x-metaclaw-trajectory"] == "turn1"


def test_what_a_stream_said_is_recorded(served: Served, scripted_server: ScriptedServer) -> None:
    def behave(exchange: Exchange) -> None:
        exchange.open_stream()
        exchange.delta({"role": "assistant", "content": "I lo"})
        exchange.delta({"content": "ok."})
        for part in (
            {"id": "c1", "function": {"name": "look", "arguments": '{"n"'}},
            {"function": {"arguments": ": 1}"}},
        ):
            exchange.delta({"tool_calls": [{"index": 0, **part}]})
        exchange.delta({}, "tool_calls")
        exchange.event(json.dumps(exchange.chunk([], {"prompt_tokens": 3, "completion_tokens": 5})))
        exchange.end_stream()

    scripted_server.script(behave)
    served.post(ask(stream=True))
    _, _, replied = served.kept.wait()
    assert (replied.text, replied.finish_reason, replied.completion_tokens) == ("I look.", "tool_calls", 5)
    assert replied.tool_calls[0]["function"] == {"name": "look", "arguments": '{"n": 1}'}


def test_a_wrong_header_is_told(served: Served, scripted_server: ScriptedServer) -> None:
    answer = served.post(ask(), {"X-Turn-Type": "sideways"})
    assert answer.status == 400
    assert "X-Turn-Type" in answer.json["error"]["message"]
    assert scripted_server.chats == []
