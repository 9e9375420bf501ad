"""`curl` against the proxy."""

import json
import subprocess
from collections.abc import Callable

import pytest

from metaclaw_jlab.store.client_keys import ClientKeys
from tests.jupyter.server.proxy.serving import DEADLINE, Served, ask
from tests.loopback.server import ScriptedServer

Curl = Callable[..., str]


@pytest.fixture
def key(served: Served) -> str:
    return ClientKeys(served.workspace.database()).add("agent")[1]


@pytest.fixture
def curl(served: Served) -> Curl:
    def run(path: str, *options: str) -> str:
        command = ["curl", "-q", "-sS", "-N", "--noproxy", "*", f"{served.url}/metaclaw/v1/{path}", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=True)
        return done.stdout

    return run


def test_a_completion(curl: Curl, key: str, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello there.")
    told = curl("chat/completions", "-H", f"Authorization: Bearer {key}", "--json", json.dumps(ask()))
    assert json.loads(told)["choices"][0]["message"]["content"] == "Hello there."


def test_a_completion_that_is_streamed(curl: Curl, key: str, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello there.")
    body = json.dumps(ask(stream=True))
    told = curl("chat/completions", "-H", f"Authorization: Bearer {key}", "--json", body)
    assert told.endswith("data: [DONE]\n\n")


def test_a_message(curl: Curl, key: str, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello there.")
    headers = ["-H", f"x-api-key: {key}", "-H", "anthropic-version: 2023-06-01"]
    told = json.loads(curl("messages", *headers, "--json", json.dumps(ask(max_tokens=9))))
    assert (told["type"], told["content"]) == ("message", [{"type": "text", "text": "Hello there."}])


def test_a_response(curl: Curl, key: str, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello there.")
    body = json.dumps({"model": "scripted", "input": "Say hello."})
    told = json.loads(curl("responses", "-H", f"Authorization: Bearer {key}", "--json", body))
    assert told["output"][0]["content"][0]["text"] == "Hello there."


@pytest.mark.parametrize("path", ["chat/completions", "messages", "responses", "models"])
def test_without_a_key_nobody_gets_in(curl: Curl, scripted_server: ScriptedServer, path: str) -> None:
    options = [] if path == "models" else ["--json", "{}"]
    assert curl(path, "-o", "/dev/null", "-w", "%{http_code}", *options) == "401"
    assert scripted_server.requests == []


@pytest.mark.parametrize("path", ["chat/completions", "messages", "responses"])
def test_what_is_no_json_is_told_in_words(curl: Curl, key: str, path: str) -> None:
    told = json.loads(curl(path, "-H", f"x-api-key: {key}", "--json", "{"))
    assert "not JSON" in told["error"]["message"]
