"""Other agents at a real Jupyter server: a key is made beside it, and opens /metaclaw/v1 in its namespace only."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from sqlalchemy import func, select

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.assembly.namespaces import open_namespace
from metaclaw_jlab.store.client_keys import ClientKeys
from metaclaw_jlab.store.host_schema import turns
from metaclaw_jlab.store.schema import steps
from tests.jupyter.server.live_server import Answer, LiveServer, live_server
from tests.jupyter.server.proxy.tools import SCHEMA, call_weather
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


def test_turns_with_tools_are_told_from_the_conversation_alone(
    tmp_path: Path, scripted_server: ScriptedServer
) -> None:
    scripted_server.always("It is sunny.")
    config = f'[policy]\nbase_url = "{scripted_server.base_url}"\nmodel = "scripted"\n'
    with live_server(tmp_path, config=config) as server:
        home = open_workspace(server.home)
        keys = ClientKeys(home.database())
        for name, talk in (("anthropic", talk_to_messages), ("openai", talk_to_responses)):
            call_weather(scripted_server)
            talk(server, keys.add(name)[1])
    told = dict.fromkeys(client.id for client in keys.list())
    for client in told:
        query = (
            select(turns.c.session, func.count(steps.c.trajectory))
            .join(steps, steps.c.trajectory == turns.c.trajectory)
            .where(turns.c.client == client)
            .group_by(turns.c.trajectory)
        )
        with home.database().read() as connection:
            found = connection.execute(query).all()
        # The call and what came of it are one turn, the next question is another of the same session.
        assert sorted(count for _, count in found) == [1, 2]
        assert len({session for session, _ in found}) == 1
    home.close()


def talk_to_messages(server: LiveServer, key: str) -> None:
    tools: Any = [{"name": "weather", "input_schema": SCHEMA}]
    asked: Any = {"model": "metaclaw", "max_tokens": 9, "tools": tools}
    said: Any = [{"role": "user", "content": "Rome?"}]
    with anthropic.Anthropic(base_url=f"{server.url}metaclaw", api_key=key, max_retries=0) as client:
        first = client.messages.create(**asked, messages=said)
        result = {"type": "tool_result", "tool_use_id": first.content[1].to_dict()["id"], "content": "sunny"}
        said += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
        second = client.messages.create(**asked, messages=said)
        said += [{"role": "assistant", "content": second.content}, {"role": "user", "content": "And Oslo?"}]
        client.messages.create(**asked, messages=said)


def talk_to_responses(server: LiveServer, key: str) -> None:
    asked: Any = {
        "model": "metaclaw",
        "tools": [{"type": "function", "name": "weather", "parameters": SCHEMA}],
    }
    with openai.OpenAI(base_url=f"{server.url}metaclaw/v1", api_key=key, max_retries=0) as client:
        with client.responses.stream(**asked, input="Rome?") as stream:
            first = stream.get_final_response()
        call_id = first.output[1].to_dict()["call_id"]
        result: Any = {"type": "function_call_output", "call_id": call_id, "output": "sunny"}
        second = client.responses.create(**asked, previous_response_id=first.id, input=[result])
        client.responses.create(**asked, previous_response_id=second.id, input="And Oslo?")
