from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest

from metaclaw_jlab.engines.loopback_http import LARGEST_BODY
from metaclaw_jlab.runtime.home import open_home
from tests.engines.web_server import MODEL, TOKEN, WAIT, Running, serve

HELLO: list[Any] = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def server(
    served_model: Callable[[str], Any],
    model_folder: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    home = open_home(tmp_path_factory.mktemp("web") / "home")
    yield from serve(replace(served_model("qwen3"), name=MODEL), model_folder("qwen3"), home)


@pytest.fixture
def adapted(
    served_model: Callable[[str], Any], model_folder: Callable[[str], Path], shelf: Any
) -> Iterator[Running]:
    yield from serve(replace(served_model("qwen3"), name=MODEL), model_folder("qwen3"), shelf.home)


@pytest.fixture
def without_template(
    served_model: Callable[[str], Any], model_folder: Callable[[str], Path], tmp_path: Path
) -> Iterator[Running]:
    class Bare:
        chat_template = None

    bare = replace(served_model("qwen3"), name=MODEL, tokenizer=Bare())
    yield from serve(bare, model_folder("qwen3"), open_home(tmp_path / "home"))


def until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT
    while not true() and time.monotonic() < deadline:
        threading.Event().wait(0.005)
    return true()


def test_models_are_listed(server: Running) -> None:
    assert [model.id for model in server.client.models.list()] == [MODEL]


def test_a_chat_is_answered_with_usage(server: Running) -> None:
    answer = server.client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=6, seed=1)
    assert answer.usage is not None
    assert (answer.choices[0].finish_reason, answer.usage.completion_tokens) == ("length", 6)
    assert answer.usage.prompt_tokens == len("hello") + 2


def test_a_stream_says_what_the_whole_answer_says(server: Running) -> None:
    asked: dict[str, Any] = {
        "model": MODEL,
        "messages": HELLO,
        "max_completion_tokens": 60,
        "seed": 5,
        "n": 3,
    }
    whole = server.client.chat.completions.create(**asked)
    streamed = {0: "", 1: "", 2: ""}
    reasons: dict[int, str | None] = {}
    for chunk in server.client.chat.completions.create(**asked, stream=True):
        for choice in chunk.choices:
            streamed[choice.index] += choice.delta.content or ""
            reasons[choice.index] = choice.finish_reason
    assert streamed == {choice.index: choice.message.content for choice in whole.choices}
    assert reasons == {choice.index: choice.finish_reason for choice in whole.choices}


def test_a_stream_comes_token_by_token(server: Running) -> None:
    stream = server.client.completions.create(
        model=MODEL, prompt="abc", max_tokens=40, temperature=0, stream=True, extra_body={"ignore_eos": True}
    )
    assert len([chunk for chunk in stream if chunk.choices[0].text]) > 10


def test_usage_ends_a_stream_that_asks_for_it(server: Running) -> None:
    stream = server.client.chat.completions.create(
        model=MODEL,
        messages=HELLO,
        max_tokens=5,
        stream=True,
        extra_body={"ignore_eos": True, "stream_options": {"include_usage": True}},
    )
    *chunks, last = stream
    assert last.usage is not None
    assert (last.choices, last.usage.completion_tokens) == ([], 5)
    assert all(chunk.usage is None for chunk in chunks)


def test_an_answer_ends_before_a_stop_string(server: Running) -> None:
    asked: dict[str, Any] = {"model": MODEL, "prompt": "abc", "max_tokens": 40, "temperature": 0}
    text = server.client.completions.create(**asked).choices[0].text
    stop = text[5:8]
    choice = server.client.completions.create(**asked, stop=stop).choices[0]
    assert (choice.text, choice.finish_reason) == (text[: text.find(stop)], "stop")


def test_chat_log_probabilities_have_their_alternatives(server: Running) -> None:
    answer = server.client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=4, temperature=0, logprobs=True, top_logprobs=3
    )
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert [len(entry.top_logprobs) for entry in logprobs.content] == [3] * 4
    assert all(entry.logprob == entry.top_logprobs[0].logprob <= 0 for entry in logprobs.content)


def test_completion_log_probabilities_tell_offsets(server: Running) -> None:
    answer = server.client.completions.create(
        model=MODEL, prompt="abc", max_tokens=6, temperature=0, logprobs=2
    )
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.token_logprobs is not None
    assert logprobs.text_offset is not None
    assert len(logprobs.token_logprobs) == 6
    assert logprobs.text_offset == sorted(logprobs.text_offset)


def test_several_prompts_are_answered_in_their_order(server: Running) -> None:
    asked: dict[str, Any] = {"model": MODEL, "max_tokens": 8, "temperature": 0}
    apart = [
        server.client.completions.create(prompt=prompt, **asked).choices[0].text for prompt in ("a", "bc")
    ]
    together = server.client.completions.create(prompt=["a", "bc"], n=2, **asked)
    assert [choice.text for choice in together.choices] == [apart[0], apart[0], apart[1], apart[1]]


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_stops_its_generation(server: Running, stream: bool) -> None:
    body = {"model": MODEL, "prompt": "abc", "max_tokens": 500, "n": 100, "stream": stream}
    raw = json.dumps(body | {"ignore_eos": True}).encode()
    steps: list[None] = []
    hook = server.service.served.model.register_forward_pre_hook(lambda *_: steps.append(None))
    with socket.create_connection(("127.0.0.1", server.port)) as leaving:
        head = (
            f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
            f"Content-Length: {len(raw)}\r\n\r\n"
        )
        leaving.sendall(head.encode() + raw)
        assert until(lambda: server.service.decoder.running > 0)
    decoder = server.service.decoder
    assert until(lambda: decoder.running == 0 and decoder.waiting == 0)
    hook.remove()
    # Not even its first rows were done.
    assert len(steps) < 500


def test_a_version_of_the_weights_that_does_not_exist_is_unknown(server: Running) -> None:
    with pytest.raises(openai.NotFoundError, match=r"There is no such version\. Ask for tiny\."):
        server.client.chat.completions.create(model=f"{MODEL}@v3", messages=HELLO)


@pytest.mark.parametrize("stream", [False, True])
def test_the_answer_names_the_version_that_gave_it(adapted: Running, shelf: Any, stream: bool) -> None:
    def named(model: str) -> set[str]:
        asked: dict[str, Any] = {"model": model, "messages": HELLO, "max_tokens": 3, "stream": stream}
        answer = adapted.client.chat.completions.create(**asked)
        return {chunk.model for chunk in answer} if stream else {answer.model}

    assert named(MODEL) == {MODEL}
    first, second = shelf.publish(), shelf.publish()
    shelf.serve(second)
    adapted.raw("POST", "/v1/adapters/refresh")
    assert [named(MODEL), named(f"{MODEL}@v{first}"), named(f"{MODEL}@v0")] == [
        {f"{MODEL}@v2"},
        {f"{MODEL}@v1"},
        {f"{MODEL}@v0"},
    ]


def test_a_version_answers_with_its_own_weights(adapted: Running, shelf: Any) -> None:
    asked: dict[str, Any] = {"prompt": "abc", "max_tokens": 12, "temperature": 0}

    def said(model: str) -> str:
        text: str = adapted.client.completions.create(model=model, **asked).choices[0].text
        return text

    base = said(MODEL)
    shelf.serve(shelf.publish())
    adapted.raw("POST", "/v1/adapters/refresh")
    assert said(MODEL) == said(f"{MODEL}@v1") != base
    assert said(f"{MODEL}@v0") == base


def test_models_lists_the_versions_after_the_base(adapted: Running, shelf: Any) -> None:
    shelf.publish()
    shelf.candidate()
    adapted.raw("POST", "/v1/adapters/refresh")
    assert [model.id for model in adapted.client.models.list()] == [MODEL, f"{MODEL}@v1"]
    assert adapted.client.models.retrieve(f"{MODEL}@v1").id == f"{MODEL}@v1"
    with pytest.raises(openai.NotFoundError, match="no version 2"):
        adapted.client.models.retrieve(f"{MODEL}@v2")


def test_a_refresh_tells_what_is_loaded_and_what_was_refused(adapted: Running, shelf: Any) -> None:
    good, bad = shelf.publish(), shelf.publish()
    (shelf.folder(bad) / "adapter_model.safetensors").write_bytes(b"nothing")
    shelf.serve(good)
    shelf.serve(bad)
    status, body = adapted.raw("POST", "/v1/adapters/refresh")
    assert (status, body["serving"], body["wanted"]) == (200, good, bad)
    assert body["loaded"] == [{"version": 1, "model": "tiny@v1", "pinned": False}]
    assert "another checksum" in body["refused"][0]["reason"]
    assert adapted.raw("GET", "/v1/adapters") == (200, body)


def test_a_refresh_wants_the_token(server: Running) -> None:
    assert server.raw("POST", "/v1/adapters/refresh", Authorization="")[0] == 401


def test_another_model_is_unknown(server: Running) -> None:
    with pytest.raises(openai.NotFoundError, match="Ask for tiny"):
        server.client.chat.completions.create(model="gpt-9", messages=HELLO)


def test_a_prompt_longer_than_the_context_is_refused(server: Running) -> None:
    with pytest.raises(openai.BadRequestError, match="512") as caught:
        server.client.completions.create(model=MODEL, prompt="a" * 600)
    assert caught.value.code == "context_length_exceeded"


def test_an_answer_ends_where_the_context_does(server: Running) -> None:
    answer = server.client.completions.create(
        model=MODEL, prompt="a" * 500, max_tokens=100, extra_body={"ignore_eos": True}
    )
    assert answer.usage is not None
    assert (answer.choices[0].finish_reason, answer.usage.total_tokens) == ("length", 512)


def test_an_empty_prompt_is_refused(server: Running) -> None:
    with pytest.raises(openai.BadRequestError, match="no tokens"):
        server.client.completions.create(model=MODEL, prompt="")


def test_tokens_outside_the_vocabulary_are_refused(server: Running) -> None:
    with pytest.raises(openai.BadRequestError, match="outside 0 to 258"):
        server.client.completions.create(model=MODEL, prompt=[1, 999])


def test_a_model_without_chat_template_says_so(without_template: Running) -> None:
    with pytest.raises(openai.BadRequestError, match=r"no chat template\. Use /v1/completions"):
        without_template.client.chat.completions.create(model=MODEL, messages=HELLO)


def test_a_request_without_the_token_is_refused(server: Running) -> None:
    for header in ("", "Bearer wrong", TOKEN):
        status, body = server.raw("GET", "/v1/models", Authorization=header)
        assert (status, body["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_another_host_name_is_refused(server: Running, host: str) -> None:
    assert server.raw("GET", "/v1/models", Host=host or " ")[0] == 403


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:8888"])
def test_loopback_names_are_let_in(server: Running, host: str) -> None:
    assert server.raw("GET", "/v1/models", Host=host)[0] == 200


def test_health_tells_strangers_nothing_but_that_it_is_there(server: Running) -> None:
    assert server.raw("GET", "/health", Authorization="") == (200, {"status": "ok"})


def test_health_counts_rows(server: Running) -> None:
    assert server.raw("GET", "/health")[1] == {"status": "ok", "model": MODEL, "running": 0, "waiting": 0}


def test_an_unknown_route_is_an_error_that_clients_can_read(server: Running) -> None:
    status, body = server.raw("GET", "/v1/embeddings")
    assert (status, body["error"]["type"]) == (404, "invalid_request_error")


def test_a_body_without_end_is_cut_off(server: Running) -> None:
    status, body = server.raw("POST", "/v1/completions", b" " * (LARGEST_BODY + 1))
    assert (status, "MiB" in body["error"]["message"]) == (413, True)


def test_a_failure_while_decoding_is_an_error_of_the_server(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the device is gone")

    monkeypatch.setattr("metaclaw_jlab.engines.decoding.next_tokens", broken)
    with pytest.raises(openai.InternalServerError, match="the device is gone"):
        server.client.completions.create(model=MODEL, prompt="a")
    with pytest.raises(openai.APIError, match="the device is gone"):
        list(server.client.completions.create(model=MODEL, prompt="a", stream=True))
