"""What real clients send becomes turns and sessions, without a header of theirs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anthropic import Anthropic
from openai import OpenAI

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.trajectory import StopReason, Trajectory
from metaclaw_jlab.jupyter.server.proxy.recording import Recording
from metaclaw_jlab.store.turns import Turns
from tests.jupyter.server.proxy.serving import DEADLINE, TOKEN, Served, ask, workspace_of
from tests.jupyter.server.proxy.tools import SCHEMA, call_weather
from tests.loopback.server import ScriptedServer

CHAT_TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
TOOL: Any = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": True}
CALL = 'weather({"city": "Rome"})'


@pytest.fixture
def served(tmp_path: Path, scripted_server: ScriptedServer) -> Iterator[Served]:
    served = Served(workspace_of(tmp_path / "home", scripted_server), kept=Recording())  # type: ignore[arg-type]
    yield served
    served.close()
    served.workspace.close()


def ended(served: Served) -> tuple[Workspace, list[Trajectory]]:
    """The turns, the oldest first, when all is written."""
    served.kept.close(DEADLINE)
    return served.workspace, list(reversed(served.workspace.trajectories().recent(9)))


def talk(client: OpenAI, server: ScriptedServer, *, streamed: bool) -> None:
    """A question that takes a tool, and another one after it."""
    call_weather(server)
    server.say("It is sunny.")
    server.say("Yes.")
    messages: list[Any] = [{"role": "user", "content": "Rome?"}]
    asked: Any = {"model": "scripted", "tools": [CHAT_TOOL]}
    for result in ("sunny", None, None):
        if streamed:
            with client.chat.completions.stream(**asked, messages=messages) as stream:
                message: Any = stream.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(**asked, messages=messages).choices[0].message
        messages.append(message.to_dict(exclude_none=True))
        if result is not None:
            call = message.tool_calls[0]
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        else:
            messages.append({"role": "user", "content": "Warm too?"})


@pytest.mark.parametrize("streamed", [False, True])
def test_a_talk_of_openais_client(served: Served, scripted_server: ScriptedServer, streamed: bool) -> None:
    with OpenAI(base_url=f"{served.url}/metaclaw/v1", api_key=TOKEN, max_retries=0, timeout=DEADLINE) as one:
        talk(one, scripted_server, streamed=streamed)
    workspace, (first, second) = ended(served)
    assert [step.action for step in first.steps] == [CALL, ""]
    assert first.steps[0].observation is not None
    assert first.steps[0].observation.stdout == "Result of weather:\nsunny"
    assert (first.task.text, second.task.text) == ("Rome?", "Warm too?")
    assert [step.reply for step in second.steps] == ["Yes."]
    assert (first.stop, second.stop) == (StopReason.DONE, StopReason.DONE)
    turns = Turns(workspace.database())
    sessions = {turn.session for found in (first, second) if (turn := turns.of(found.id)) is not None}
    assert len(sessions) == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_a_talk_of_anthropics_client(served: Served, scripted_server: ScriptedServer, streamed: bool) -> None:
    call_weather(scripted_server)
    scripted_server.say("It is sunny.")
    tool = {"name": "weather", "input_schema": SCHEMA}
    asked: Any = {"model": "scripted", "max_tokens": 64, "tools": [tool], "system": "Be kind."}
    messages: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "Rome?"}]}]
    with Anthropic(base_url=f"{served.url}/metaclaw", api_key=TOKEN, max_retries=0, timeout=DEADLINE) as one:
        for _ in range(2):
            if streamed:
                with one.messages.stream(**asked, messages=messages) as stream:
                    message: Any = stream.get_final_message()
            else:
                message = one.messages.create(**asked, messages=messages)
            call = message.content[-1]
            result = {"type": "tool_result", "tool_use_id": getattr(call, "id", ""), "content": "sunny"}
            messages += [
                {"role": "assistant", "content": message.content},
                {"role": "user", "content": [result, {"type": "text", "text": "<reminder/>"}]},
            ]
    _, (turn,) = ended(served)
    assert [step.action for step in turn.steps] == [CALL, ""]
    assert turn.steps[0].observation is not None
    assert "sunny" in turn.steps[0].observation.stdout
    assert (turn.task.text, turn.stop) == ("Rome?", StopReason.DONE)


def test_a_talk_by_responses_that_are_kept(served: Served, scripted_server: ScriptedServer) -> None:
    call_weather(scripted_server)
    scripted_server.say("It is sunny.")
    with OpenAI(base_url=f"{served.url}/metaclaw/v1", api_key=TOKEN, max_retries=0, timeout=DEADLINE) as one:
        asked: Any = {"model": "scripted", "tools": [TOOL]}
        response: Any = one.responses.create(**asked, input="Rome?")
        result: Any = {
            "type": "function_call_output",
            "call_id": response.output[-1].call_id,
            "output": "sunny",
        }
        one.responses.create(**asked, previous_response_id=response.id, input=[result])
    _, (turn,) = ended(served)
    assert [step.action for step in turn.steps] == [CALL, ""]
    assert turn.stop is StopReason.DONE


def test_headers_say_otherwise(served: Served, scripted_server: ScriptedServer) -> None:
    for _ in range(3):
        scripted_server.say("Hi.")
    served.post(ask("one"), {"X-Session-Id": "s"})
    served.post(ask("two"), {"X-Session-Id": "s", "X-Turn-Type": "side"})
    served.post(ask("three"), {"X-Session-Id": "s", "X-Session-Done": "1"})
    workspace, _ = ended(served)
    found = Turns(workspace.database()).of_session("s")
    assert [turn.kind for turn in found] == ["main", "side", "main"]
    get = workspace.trajectories().get
    assert [get(turn.trajectory).learn for turn in found] == [True, False, True]
