"""Streams: as they come, cut off, hanging, left by the client, and many at once."""

import json
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.jupyter.server.proxy.conftest import Serve
from tests.jupyter.server.proxy.serving import DEADLINE, Served, ask, read
from tests.loopback.server import ClientGone, Exchange, ScriptedServer


def test_a_piece_arrives_before_the_next_is_made(served: Served, scripted_server: ScriptedServer) -> None:
    taken = threading.Event()

    def behave(exchange: Exchange) -> None:
        exchange.open_stream()
        exchange.delta({"content": "first"})
        assert taken.wait(DEADLINE)
        exchange.delta({"content": "second"}, "stop")
        exchange.end_stream()

    scripted_server.script(behave)
    with served.connection() as connection:
        response = served.open(connection, ask(stream=True))
        assert b"first" in response.readline()
        taken.set()
        assert b"second" in response.read()


def test_a_client_that_leaves_ends_the_call_upstream(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.hang(after="first")
    with served.connection() as connection:
        served.open(connection, ask(stream=True)).readline()
    assert scripted_server.wait_for_disconnect(1, DEADLINE)
    _, _, replied = served.kept.wait()
    assert (replied.text, replied.error) == ("first", "The client left before the answer was complete.")


def test_a_client_that_leaves_before_the_answer_begins_ends_the_call_upstream(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.hang()
    raw = json.dumps(ask()).encode()
    head = (
        f"POST /at/base/metaclaw/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {served.token}\r\nContent-Length: {len(raw)}\r\n\r\n"
    )
    with socket.create_connection((served.host, served.port)) as client:
        client.sendall(head.encode() + raw)
        assert scripted_server.wait_for_requests(1, DEADLINE)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert scripted_server.wait_for_disconnect(1, DEADLINE)


def test_an_upstream_that_hangs_is_given_up(serve: Serve, scripted_server: ScriptedServer) -> None:
    served = serve(policy_timeout=0.3)
    scripted_server.hang()
    answer = served.post(ask())
    assert answer.status == 504
    assert "policy.timeout" in answer.json["error"]["message"]
    assert scripted_server.wait_for_disconnect(1, DEADLINE)


def test_an_upstream_that_hangs_in_the_middle_is_told_in_the_stream(
    serve: Serve, scripted_server: ScriptedServer
) -> None:
    served = serve(policy_timeout=0.3)
    scripted_server.hang(after="first")
    first, error = served.post(ask(stream=True)).events
    assert "first" in first
    assert json.loads(error)["error"]["type"] == "timeout_error"


@pytest.mark.parametrize("how", [{}, {"reset": True}], ids=["in a chunk", "reset"])
def test_an_upstream_that_breaks_off_is_told_in_the_stream(
    served: Served, scripted_server: ScriptedServer, how: dict[str, bool]
) -> None:
    scripted_server.cut("first", **how)
    answer = served.post(ask(stream=True))
    assert "first" in answer.events[0]
    assert json.loads(answer.events[-1])["error"]["type"] == "upstream_error"
    assert b"[DONE]" not in answer.body
    _, _, replied = served.kept.wait()
    assert "broke off" in replied.error


def test_what_breaks_off_in_the_middle_of_a_line_leaves_no_half_of_it(
    off: Served, scripted_server: ScriptedServer
) -> None:
    def behave(exchange: Exchange) -> None:
        exchange.open_stream()
        half = b'data: {"choices": [{"del'
        exchange.write(f"{len(half):x}\r\n".encode() + half + b"\r\n")
        exchange.write(b"40\r\n")

    scripted_server.script(behave)
    (only,) = off.post(ask(stream=True)).events
    assert json.loads(only)["error"]["type"] == "upstream_error"


def test_a_stream_without_a_finish_reason_is_recorded_as_broken(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.cut("first", politely=True)
    served.post(ask(stream=True))
    assert "without a finish reason" in served.kept.wait()[2].error


def test_a_dialect_tells_that_the_upstream_broke_off(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.cut("first", politely=True)
    body = {
        "model": "scripted",
        "max_tokens": 9,
        "stream": True,
        "messages": [{"role": "user", "content": "Hi."}],
    }
    answer = served.post(body, path="messages")
    assert b"event: error" in answer.body
    assert b"message_stop" not in answer.body


def test_an_upstream_that_does_not_answer_is_told(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.close()
    answer = served.post(ask())
    assert answer.status == 502
    assert "policy.base_url" in answer.json["error"]["message"]


def test_an_upstream_that_drops_a_request_is_asked_once_more(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(lambda exchange: exchange.reset())
    scripted_server.say("Hello.")
    assert served.post(ask()).status == 200


def test_an_upstream_that_drops_every_request_is_told(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(*([lambda exchange: exchange.reset()] * 2))
    assert served.post(ask()).status == 502
    assert len(scripted_server.chats) == 2


def test_an_answer_that_is_cut_off_is_no_answer(served: Served, scripted_server: ScriptedServer) -> None:
    def behave(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Type": "application/json", "Content-Length": "1000"})
        exchange.write(b'{"choices": [')

    scripted_server.script(behave)
    assert served.post(ask()).status == 502


def test_a_slow_client_slows_the_upstream_down(served: Served, scripted_server: ScriptedServer) -> None:
    """What the upstream may send before anything is read fits the buffers on the way; it is not all taken in."""
    sent = 0
    blocked = threading.Event()

    def behave(exchange: Exchange) -> None:
        nonlocal sent
        exchange.open_stream()
        exchange.handler.connection.settimeout(1.0)
        try:
            for _ in range(4000):
                exchange.handler.wfile.write(b"10000\r\n" + b"x" * 65_535 + b"\n\r\n")
                sent += 1
        except TimeoutError:
            blocked.set()
            raise ClientGone from None

    scripted_server.script(behave)
    with served.connection() as connection:
        connection.connect()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        served.open(connection, ask(stream=True)).readline()
        assert blocked.wait(DEADLINE)
    assert sent * 65_536 < 100_000_000


def test_too_many_at_once_are_told_to_come_back(serve: Serve, scripted_server: ScriptedServer) -> None:
    served = serve(proxy_concurrency=2)
    scripted_server.hang(after="first")
    scripted_server.hang(after="first")
    scripted_server.always("Hello.")
    with served.connection() as one, served.connection() as other:
        for connection in (one, other):
            served.open(connection, ask(stream=True)).readline()
        answer = served.post(ask())
        assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        assert answer.json["error"]["type"] == "rate_limit_error"
    assert scripted_server.wait_for_disconnect(2, DEADLINE)
    assert any(served.post(ask()).status == 200 for _ in range(2000))


def test_many_streams_at_once_are_all_answered_each_with_its_own(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.always(lambda body: f"You said {body['messages'][-1]['content']}.", piece=4)

    def one(number: int) -> str:
        answer = served.post(ask(f"word{number}", stream=True))
        chunks = [json.loads(event) for event in answer.events if event != "[DONE]"]
        return "".join(
            chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"]
        )

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(one, range(64))) == [f"You said word{number}." for number in range(64)]
    pause = threading.Event()
    while served.proxy.under_way:  # the last client may have heard the end before the server has
        assert not pause.wait(0.005)


def test_a_connection_serves_one_stream_after_the_other(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.always("Hello.")
    with served.connection() as connection:
        for _ in range(3):
            assert read(served.open(connection, ask(stream=True))).events[-1] == "[DONE]"
