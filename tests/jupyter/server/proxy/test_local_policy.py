"""The local policy behind the proxy: started on demand, found again, pinned for a turn that is learned from."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.errors import ServerStartFailed
from metaclaw_jlab.runtime.policy_server import Endpoint
from tests.jupyter.server.proxy.serving import DEADLINE, Served, ask
from tests.loopback.server import ScriptedServer

Start = Callable[[], Endpoint]


def endpoint(server: ScriptedServer) -> Endpoint:
    return Endpoint(server.base_url, "the-token", "base", os.getpid())


class Starter:
    """Stands for the policy server's start; counts the starts."""

    def __init__(self, start: Start) -> None:
        self.start = start
        self.count = 0

    def __call__(self, settings: object, on_progress: object = None) -> Endpoint:
        self.count += 1
        return self.start()


@pytest.fixture
def starter(scripted_server: ScriptedServer) -> Starter:
    return Starter(lambda: endpoint(scripted_server))


@pytest.fixture
def local(tmp_path: Path, starter: Starter, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    workspace = open_workspace(tmp_path / "home")
    monkeypatch.setattr(workspace, "serve", starter)
    served = Served(workspace)
    yield served
    served.close()
    workspace.close()


@pytest.mark.parametrize("body", [ask(model="base"), ask(model="metaclaw"), {"messages": ask()["messages"]}])
def test_a_turn_that_is_learned_from_is_done_by_one_version(
    local: Served, scripted_server: ScriptedServer, body: dict[str, object]
) -> None:
    scripted_server.say("Hello.")
    local.post(body)
    assert scripted_server.chats[0].body["model"] == "base@v0"


def test_a_version_that_a_client_names_stays(local: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello.")
    local.post(ask(model="base@v3"))
    assert scripted_server.chats[0].body["model"] == "base@v3"


def test_whatever_serves_answers_where_nothing_is_learned(
    local: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.say("Hello.")
    body = ask(model="base")
    local.post(body, {"X-MetaClaw-Learn": "off", "X-MetaClaw-Skills": "off"})
    assert scripted_server.chats[0].body == body


def test_the_policy_server_is_asked_with_its_own_token(
    local: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.key = "the-token"
    scripted_server.say("Hello.")
    assert local.post(ask(model="base")).status == 200


def test_a_policy_server_that_ended_is_started_again(
    local: Served, scripted_server: ScriptedServer, starter: Starter
) -> None:
    scripted_server.say("Hello.")
    assert local.post(ask(model="base")).status == 200
    scripted_server.close()
    other = ScriptedServer()
    try:
        other.say("Hello again.")
        starter.start = lambda: endpoint(other)
        answer = local.post(ask(model="base"))
        assert (answer.status, starter.count) == (200, 2)
    finally:
        other.close()


def test_a_policy_server_with_another_token_is_looked_for_again(
    local: Served, scripted_server: ScriptedServer, starter: Starter
) -> None:
    scripted_server.key = "another-token"
    scripted_server.always("Hello.")
    tokens = iter(["an-old-token", "another-token"])
    starter.start = lambda: Endpoint(scripted_server.base_url, next(tokens), "base", os.getpid())
    assert local.post(ask(model="base")).status == 200


def test_a_start_that_fails_is_told(local: Served, starter: Starter) -> None:
    def fail() -> Endpoint:
        raise ServerStartFailed("It did not come up.", "Look at its log.")

    starter.start = fail
    answer = local.post(ask())
    assert answer.status == 503
    assert answer.json["error"]["message"] == "It did not come up. Look at its log."


def test_what_is_no_request_starts_nothing(local: Served, starter: Starter) -> None:
    assert local.post(b"{").status == 400
    assert local.post({"messages": []}).status == 400
    assert starter.count == 0


def test_many_that_wait_for_a_start_wait_for_the_same(
    local: Served, scripted_server: ScriptedServer, starter: Starter
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> Endpoint:
        begun.set()
        assert go_on.wait(DEADLINE)
        return endpoint(scripted_server)

    starter.start = slow
    scripted_server.always("Hello.")
    with ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(local.post, ask(model="base")) for _ in range(6)]
        assert begun.wait(DEADLINE)
        while local.proxy.under_way < 6:
            assert not go_on.wait(0.005)
        go_on.set()
        assert [answer.result(DEADLINE).status for answer in answers] == [200] * 6
    assert starter.count == 1


def test_a_client_that_leaves_does_not_end_a_start_that_others_wait_for(
    local: Served, scripted_server: ScriptedServer, starter: Starter
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> Endpoint:
        begun.set()
        assert go_on.wait(DEADLINE)
        return endpoint(scripted_server)

    starter.start = slow
    scripted_server.always("Hello.")
    with local.connection() as connection:
        headers = {**local.credentials, "Content-Length": "0"}
        connection.request("GET", "/at/base/metaclaw/v1/models", headers=headers)
        assert begun.wait(DEADLINE)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(local.post, ask(model="base"))
        while local.proxy.under_way < 1:
            assert not go_on.wait(0.005)
        go_on.set()
        assert answer.result(DEADLINE).status == 200
    assert starter.count == 1
