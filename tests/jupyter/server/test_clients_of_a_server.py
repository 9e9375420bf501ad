"""Other agents at a real Jupyter server: a key is made beside it, and opens /metaclaw/v1 in its namespace only."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.assembly.namespaces import open_namespace
from metaclaw_jlab.store.client_keys import ClientKeys
from tests.jupyter.server.live_server import Answer, LiveServer, live_server
from tests.loopback.server import ScriptedServer

MESSAGE = {"model": "metaclaw", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def server(tmp_path: Path, scripted_server: ScriptedServer) -> Iterator[LiveServer]:
    scripted_server.always("Hello there.")
    config = f'[policy]\nbase_url = "{scripted_server.base_url}"\nmodel = "scripted"\n'
    with live_server(tmp_path, base_url="/at/base/", config=config) as server:
        yield server


@pytest.fixture
def home(server: LiveServer) -> Iterator[Workspace]:
    workspace = open_workspace(server.home)
    yield workspace
    workspace.close()


def post(server: LiveServer, key: str, path: str = "metaclaw/v1/messages") -> Answer:
    return server.ask("POST", path, MESSAGE, token=None, headers={"x-api-key": key})


def test_a_client_of_a_real_server(server: LiveServer, home: Workspace) -> None:
    keys = ClientKeys(home.database())
    client, key = keys.add("reviewer", "papers")
    answer = post(server, key)
    assert (answer.status, answer.json["content"]) == (200, [{"type": "text", "text": "Hello there."}])

    # It is good for nothing else, though the request carries no cookie and no token of Jupyter's.
    for path in ("api/kernels", "metaclaw/api/clients", "metaclaw/api/training/start"):
        assert post(server, key, path).status == 403, path
        bearer = {"Authorization": f"Bearer {key}"}
        assert server.ask("POST", path, {}, token=None, headers=bearer).status == 403, path

    for path in ("api/kernels", "metaclaw/api/status"):
        assert server.ask("GET", path, token=None, headers={"Authorization": f"token {key}"}).status == 403, (
            path
        )

    keys.revoke(client.id)
    assert post(server, key).status == 401


def test_turns_are_kept_in_the_namespace_of_the_client(
    tmp_path: Path, scripted_server: ScriptedServer
) -> None:
    scripted_server.always("Hello there.")
    config = f'[policy]\nbase_url = "{scripted_server.base_url}"\nmodel = "scripted"\n'
    with live_server(tmp_path, config=config) as server:
        home = open_workspace(server.home)
        _, key = ClientKeys(home.database()).add("reviewer", "papers")
        assert post(server, key).status == 200
    # What the proxy still had to write is written when the server has ended.
    papers = open_namespace(home, "papers")
    assert papers.trajectories().counts().trajectories == 1
    assert home.trajectories().counts().trajectories == 0
    papers.close()
    home.close()
