"""The circle through a real server: another agent's turn, a user's word about it, a skill, and its next prompt."""

import threading
from pathlib import Path

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.store.client_keys import ClientKeys
from tests.jupyter.server.live_server import Answer, LiveServer, live_server
from tests.loopback.server import ScriptedServer

CONFIG = """\
[policy]
base_url = "{base_url}"
model = "scripted"

[evolver]
kind = "distiller"
"""
RULE = "csv files must have semicolons"


def ask(server: LiveServer, key: str, text: str) -> Answer:
    """One turn of the agent's."""
    body = {"model": "metaclaw", "messages": [{"role": "user", "content": text}]}
    headers = {"Authorization": f"Bearer {key}"}
    return server.ask("POST", "metaclaw/v1/chat/completions", body, token=None, headers=headers)


def generation(server: LiveServer) -> int:
    found: int = server.api("POST", "retrieve", {"text": "save a csv file"}).json["generation"]
    return found


def test_what_a_user_says_of_an_agents_turn_is_in_its_next_prompt(
    tmp_path: Path, scripted_server: ScriptedServer
) -> None:
    scripted_server.always("I have saved the table.")
    with live_server(tmp_path, config=CONFIG.format(base_url=scripted_server.base_url)) as server:
        home = open_workspace(server.home)
        _, key = ClientKeys(home.database()).add("agent")
        home.close()
        first = ask(server, key, "Save the table as a csv file")
        turn = first.headers["X-Metaclaw-Trajectory"]
        pause, left = threading.Event(), 600
        while server.api("GET", f"tasks/{turn}").status == 404 and left:  # it is written beside
            pause.wait(0.1)
            left -= 1
        said = server.api("POST", f"tasks/{turn}/feedback", {"kind": "bad", "reason": RULE})
        assert said.status == 200, said.json
        while generation(server) == 0 and left:
            pause.wait(0.1)
            left -= 1
        assert generation(server) == 1
        second = ask(server, key, "Save the other table as a csv file")
    assert second.headers["X-Metaclaw-Skills"]
    sent = scripted_server.chats[-1].body["messages"]
    assert [message["role"] for message in sent] == ["system", "user"]
    assert "semicolon" in sent[0]["content"]
