"""Bodies that are no requests, and those that are too large."""

import json

import pytest

from tests.jupyter.server.proxy.conftest import Serve
from tests.jupyter.server.proxy.serving import Served, ask, read
from tests.loopback.server import ScriptedServer


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
        b"[" * 100_000,
        b'{"messages": ' + b"1" * 10_000 + b"}",
    ],
    ids=["empty", "cut", "null", "list", "text", "no UTF-8", "NaN", "deep", "a long number"],
)
def test_what_is_no_json_object_is_refused(
    served: Served, scripted_server: ScriptedServer, raw: bytes
) -> None:
    answer = served.post(raw)
    assert answer.status == 400
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert scripted_server.chats == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": []},
        {"messages": "Hello."},
        {"messages": ["Hello."]},
        {"messages": [{"content": "Hello."}]},
        {"messages": [{"role": 1, "content": "Hello."}]},
        {"model": ["m"], "messages": [{"role": "user", "content": "Hello."}]},
    ],
)
def test_what_is_no_conversation_is_refused(served: Served, body: object) -> None:
    answer = served.post(body)
    assert answer.status == 400
    assert "parameter" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    "content", [None, 7, {"a": 1}, [], [1, None, {"type": "text", "text": 5}], [[{"type": "text"}]], ""]
)
def test_strange_contents_are_for_the_upstream_to_judge(
    served: Served, scripted_server: ScriptedServer, content: object
) -> None:
    scripted_server.say("Hello.")
    messages = [{"role": "system", "content": content}, {"role": "user", "content": content}]
    assert served.post({"model": "scripted", "messages": messages}).status == 200
    assert scripted_server.chats[0].body["messages"] == messages


def test_a_body_of_50_mb_is_refused_and_the_client_hears_why(
    served: Served, scripted_server: ScriptedServer
) -> None:
    answer = served.post(ask("x" * 50_000_000))
    assert answer.status == 413
    assert "20 MiB" in answer.json["error"]["message"]
    assert scripted_server.chats == []


def test_a_body_in_chunks_is_refused_as_soon_as_it_is_too_large(
    serve: Serve, scripted_server: ScriptedServer
) -> None:
    served = serve(proxy_max_body_mb=0.5)
    with served.connection() as connection:
        connection.request(
            "POST",
            "/at/base/metaclaw/v1/chat/completions",
            (b"x" * 65_536 for _ in range(64)),
            {**served.credentials, "Transfer-Encoding": "chunked"},
            encode_chunked=True,
        )
        assert read(connection.getresponse()).status == 413


def test_a_large_body_within_the_limit_arrives_whole(off: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello.")
    body = ask("\u00e9" * 4_000_000)
    assert off.post(json.dumps(body, ensure_ascii=False).encode()).status == 200
    assert scripted_server.chats[0].body == body


def test_a_compressed_body_is_refused(served: Served) -> None:
    assert served.post(b"\x1f\x8b", {"Content-Encoding": "gzip"}).status == 415


def test_a_connection_outlives_a_refused_body(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello.")
    with served.connection() as connection:
        assert read(served.open(connection, b"{")).status == 400
        assert read(served.open(connection, ask())).status == 200


def test_a_client_that_leaves_in_the_middle_of_its_body_takes_no_place(
    serve: Serve, scripted_server: ScriptedServer
) -> None:
    served = serve(proxy_concurrency=1)
    scripted_server.say("Hello.")
    with served.connection() as connection:
        connection.putrequest("POST", "/at/base/metaclaw/v1/chat/completions")
        for name, value in {**served.credentials, "Content-Length": "1000"}.items():
            connection.putheader(name, value)
        connection.endheaders(b"{")
    assert any(served.post(ask()).status == 200 for _ in range(2000))
