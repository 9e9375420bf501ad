from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import openai
import pytest
from llama_server import MODEL, SLOT_TOKENS, TOKEN, WAIT, Front, Versions
from tiny_gguf import ALTERNATING, DROPPING, REFUSING, write_model

LONG = {"max_tokens": 400, "temperature": 0}
HELLO = [{"role": "user", "content": "hello"}]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def base(server: Front) -> int:
    return server.bank.base().pid


def test_a_chat_is_answered_in_the_shape_of_openai(server: Front) -> None:
    answer = server.client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=5)
    assert (answer.model, answer.choices[0].finish_reason) == (MODEL, "length")
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5


def test_a_text_is_completed(server: Front) -> None:
    answer = server.client.completions.create(model=MODEL, prompt="ab", max_tokens=3, temperature=0)
    assert answer.choices[0].text != ""


@pytest.mark.parametrize("header", ["", "Bearer wrong"])
def test_a_request_without_the_key_is_refused(server: Front, header: str) -> None:
    assert server.raw("GET", "/v1/models", Authorization=header)[0] == 401


def test_a_request_to_another_host_name_is_refused(server: Front) -> None:
    assert server.raw("GET", "/v1/models", Host="evil.example")[0] == 403


def test_an_instance_has_a_key_of_its_own(server: Front) -> None:
    where = server.bank.base().where.result()
    client = openai.OpenAI(base_url=f"http://{where.host}:{where.port}/v1", api_key=TOKEN, max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        client.chat.completions.create(model=MODEL, messages=HELLO)
    assert where.host == "127.0.0.1"


def test_the_key_of_an_instance_is_not_on_its_command_line(server: Front) -> None:
    instance = server.bank.base()
    assert instance.setup.key not in Path(f"/proc/{instance.pid}/cmdline").read_text()


def test_a_stream_says_the_same_piece_by_piece(server: Front) -> None:
    whole = server.chat(("user", "hello"), max_tokens=20)["choices"][0]["message"]["content"]
    stream = server.client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=20, temperature=0, stream=True
    )
    pieces = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
    said = [piece for piece in pieces if piece]
    assert "".join(said) == whole
    assert len(said) > 5


def asked_by_hand(server: Front, *, stream: bool) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port))
    raw = json.dumps({"model": MODEL, "messages": HELLO, "stream": stream, **LONG}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
    connection.sendall(f"{head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw)
    return connection


def test_a_client_that_leaves_a_stream_ends_the_generation(server: Front) -> None:
    instance = server.bank.base()
    with asked_by_hand(server, stream=True) as connection:
        assert connection.recv(100)
        os.kill(instance.pid, signal.SIGSTOP)
    until(lambda: instance.asking == 0)
    os.kill(instance.pid, signal.SIGCONT)
    until(lambda: any("cancel task" in line for line in instance._child._lines))


def test_a_client_that_leaves_before_the_answer_is_waited_for_no_longer(server: Front) -> None:
    instance = server.bank.base()
    os.kill(instance.pid, signal.SIGSTOP)
    with asked_by_hand(server, stream=False):
        until(lambda: instance.asking == 1)
    until(lambda: instance.asking == 0)
    os.kill(instance.pid, signal.SIGCONT)
    assert server.chat(("user", "hello"))["status"] == 200


def test_an_answer_keeps_to_a_schema(server: Front) -> None:
    schema = {
        "type": "object",
        "properties": {"kind": {"enum": ["rule", "none"]}},
        "required": ["kind"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "kind", "schema": schema}}
    found = server.chat(("user", "hello"), max_tokens=64, response_format=wanted)
    assert json.loads(found["choices"][0]["message"]["content"])["kind"] in {"rule", "none"}


def test_a_common_beginning_is_read_once(server: Front) -> None:
    rules = "Always answer in one short sentence. " * 5
    first = server.chat(("system", rules), ("user", "one"))["timings"]
    second = server.chat(("system", rules), ("user", "two"))["timings"]
    assert (first["cache_n"], second["cache_n"] > len(rules) // 2) == (0, True)
    assert second["prompt_n"] < first["prompt_n"] // 4


def test_several_requests_are_answered_at_once(serve: Callable[..., Front]) -> None:
    server = serve(slots=3)
    server.chat(("user", "hello"))
    os.kill(base(server), signal.SIGSTOP)  # so that none has ended when the last one begins
    found: list[int] = []
    asking = [
        threading.Thread(target=lambda: found.append(server.chat(("user", "hello"))["status"]))
        for _ in range(3)
    ]
    for one in asking:
        one.start()
    until(lambda: server.bank.base().asking == 3)
    os.kill(base(server), signal.SIGCONT)
    for one in asking:
        one.join()
    assert found == [200] * 3


def test_an_answer_that_nobody_bounded_ends(server: Front) -> None:
    answer = server.client.chat.completions.create(model=MODEL, messages=HELLO, temperature=0)
    assert answer.usage is not None
    assert (answer.choices[0].finish_reason, answer.usage.total_tokens <= SLOT_TOKENS) == ("length", True)


def test_a_prompt_that_is_too_long_says_so(server: Front) -> None:
    found = server.chat(("user", "x " * SLOT_TOKENS))
    assert (found["status"], found["error"]["code"]) == (400, "context_length_exceeded")
    assert f"the context of {MODEL} holds {SLOT_TOKENS}" in found["error"]["message"]


@pytest.mark.parametrize("template", [REFUSING, DROPPING, ALTERNATING])
def test_a_template_without_system_messages_gets_them_with_the_first_message(
    serve: Callable[..., Front], tmp_path: Path, template: str
) -> None:
    server = serve(write_model(tmp_path / "strict.gguf", template=template))
    rules = "Be brief."
    found = server.chat(("system", rules), ("user", "hello"))
    without = server.chat(("user", "hello"))
    assert found["status"] == 200
    assert found["usage"]["prompt_tokens"] >= without["usage"]["prompt_tokens"] + len(rules)


def test_what_developers_say_is_a_system_message(server: Front) -> None:
    found = server.chat(("developer", "Be brief."), ("user", "hello"))
    assert found["choices"] == server.chat(("system", "Be brief."), ("user", "hello"))["choices"]


# ---------------------------------------------------------------- versions


def test_a_version_answers_in_its_own_name_and_otherwise_than_the_base(
    server: Front, versions: Versions
) -> None:
    before = server.chat(("user", "hello"))
    versions.serve(versions.publish())
    server.versions.refresh()
    after = server.chat(("user", "hello"))
    assert (before["model"], after["model"]) == (MODEL, f"{MODEL}@v1")
    assert before["choices"][0]["message"] != after["choices"][0]["message"]
    again = server.chat(("user", "hello"), model=f"{MODEL}@v0")
    assert again["choices"] == before["choices"]


def test_the_older_version_answers_to_its_end_when_the_next_one_serves(
    serve: Callable[..., Front], versions: Versions
) -> None:
    server, first = serve(), versions.publish()
    versions.serve(first)
    server.versions.refresh()
    stream = server.client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, **LONG)  # type: ignore[call-overload]
    chunks = iter(stream)
    assert next(chunks).model == f"{MODEL}@v1"
    old = server.bank.get("v1")
    assert old is not None
    for _ in range(2):  # the second one pushes the first out
        versions.serve(versions.publish())
        server.versions.refresh()
    versions.serve(versions.publish())
    server.versions.refresh()
    assert server.bank.get("v1") is None
    assert server.chat(("user", "hello"))["model"] == f"{MODEL}@v4"
    assert all(chunk.model == f"{MODEL}@v1" for chunk in chunks)
    until(lambda: not old.alive)


def test_the_report_tells_what_is_loaded(server: Front, versions: Versions) -> None:
    versions.serve(versions.publish())
    status, report, _ = server.raw("POST", "/v1/adapters/refresh")
    loaded = [{"version": 1, "model": f"{MODEL}@v1", "pinned": False}]
    assert (status, report["serving"], report["loaded"]) == (200, 1, loaded)
    assert server.raw("GET", "/v1/adapters")[1] == report


def test_a_version_whose_file_llama_cpp_refuses_leaves_the_old_one_serving(
    server: Front, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions.serve(versions.publish())
    server.versions.refresh()
    second = versions.publish()
    broken = versions.home.adapters / f"v{second}" / "adapter.gguf"
    broken.write_bytes(b"GGUF nothing")
    monkeypatch.setattr(server.versions, "_adapter_file", lambda *_: broken)
    versions.serve(second)
    server.versions.refresh()
    assert server.chat(("user", "hello"))["model"] == f"{MODEL}@v1"
    (refused,) = server.versions.report()["refused"]
    assert refused["version"] == second
    assert "llama.cpp cannot load tiny@v2" in refused["reason"]


def test_an_unknown_model_is_named(server: Front) -> None:
    found = server.chat(("user", "hello"), model="other")
    assert (found["status"], found["error"]["code"]) == (404, "model_not_found")


def test_the_models_are_listed(server: Front, versions: Versions) -> None:
    versions.publish()
    server.versions.refresh()
    cards = server.raw("GET", "/v1/models")[1]["data"]
    assert [card["id"] for card in cards] == [MODEL, f"{MODEL}@v1"]
    assert cards[0]["max_model_len"] == SLOT_TOKENS


# ---------------------------------------------------------------- what breaks


def test_a_stream_that_breaks_off_says_so_and_the_next_request_is_answered(server: Front) -> None:
    stream = server.client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, **LONG)  # type: ignore[call-overload]
    chunks = iter(stream)
    next(chunks)
    broken = base(server)
    os.kill(broken, signal.SIGSTOP)  # so that it cannot end before it is killed
    os.kill(broken, signal.SIGKILL)
    with pytest.raises(openai.APIError, match="broke down before the answer was whole"):
        list(chunks)
    until(lambda: base(server) != broken)
    assert server.chat(("user", "hello"))["status"] == 200
    assert server.trouble == []


def test_health_counts_who_is_answered(server: Front) -> None:
    told = {"status": "ok", "model": MODEL, "form": "gguf", "running": 0, "waiting": 0}
    assert server.raw("GET", "/health")[1] == told
    os.kill(base(server), signal.SIGSTOP)
    asking = threading.Thread(target=lambda: server.chat(("user", "hello")))
    asking.start()
    until(lambda: server.raw("GET", "/health")[1]["running"] == 1)
    os.kill(base(server), signal.SIGCONT)
    asking.join()
    until(lambda: server.raw("GET", "/health")[1]["running"] == 0)


def test_a_request_that_an_instance_loses_may_be_sent_again(server: Front) -> None:
    pid = base(server)
    os.kill(pid, signal.SIGSTOP)
    found: list[tuple[int, str | None]] = []

    def ask() -> None:
        body = json.dumps({"model": MODEL, "messages": HELLO}).encode()
        status, _, headers = server.raw("POST", "/v1/chat/completions", body)
        found.append((status, headers.get("retry-after")))

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: server.bank.base().asking == 1)
    os.kill(pid, signal.SIGKILL)
    asking.join()
    assert found == [(503, "1")]


def test_an_instance_that_breaks_twice_is_given_up(server: Front) -> None:
    for _ in range(2):
        pid = base(server)
        server.bank.base().where.result()
        os.kill(pid, signal.SIGKILL)
        until(lambda pid=pid: base(server) != pid or bool(server.trouble))  # type: ignore[misc]
    until(lambda: bool(server.trouble))
    assert "llama.cpp broke down twice with tiny" in server.trouble[0]


def test_a_file_that_goes_while_it_serves_is_missed_only_when_it_is_needed(
    serve: Callable[..., Front], tmp_path: Path
) -> None:
    path = write_model(tmp_path / "short-lived.gguf")
    server = serve(path)
    assert server.chat(("user", "hello"))["status"] == 200
    path.unlink()
    assert server.chat(("user", "hello"))["status"] == 200
    os.kill(base(server), signal.SIGKILL)
    until(lambda: bool(server.trouble))
    assert f"The file {path} of tiny is gone." in server.trouble[0]
