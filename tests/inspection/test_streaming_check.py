from collections.abc import Iterator

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.inspection.finding import Level
from metaclaw_jlab.inspection.streaming_check import streaming
from metaclaw_jlab.settings.configuration import set_value
from tests.loopback.server import ScriptedServer


class Clock:
    """Time that goes on by a step whenever it is looked at."""

    def __init__(self, *steps: float) -> None:
        self._steps: Iterator[float] = iter(steps)
        self._now = 0.0

    def __call__(self) -> float:
        self._now += next(self._steps, 0.0)
        return self._now


@pytest.fixture
def connected(workspace: Workspace, scripted_server: ScriptedServer) -> Workspace:
    set_value(workspace.home.config, "policy.base_url", scripted_server.base_url)
    return workspace


def test_pieces_that_come_one_by_one_are_a_stream(
    connected: Workspace, scripted_server: ScriptedServer
) -> None:
    scripted_server.say("1 2 3 4", piece=2)
    found = streaming(connected, clock=Clock(0.0, 1.0, 1.0, 1.0, 1.0))
    assert (found.level, "4 pieces in 4.0 s, the first after 1.0 s" in found.sentence) == (Level.OK, True)


AT_THE_END = (0.0, 4.0, 0.0, 0.0, 0.0, 0.0)


def test_pieces_that_come_all_at_the_end_were_held_back(
    connected: Workspace, scripted_server: ScriptedServer
) -> None:
    scripted_server.say("1 2 3 4", "1 2 3 4", piece=2)
    found = streaming(connected, clock=Clock(*AT_THE_END, *AT_THE_END))
    assert (found.level, "holds it back" in found.sentence) == (Level.WARN, True)
    assert found.next_step


def test_a_model_that_had_to_be_loaded_is_not_suspected(
    connected: Workspace, scripted_server: ScriptedServer
) -> None:
    scripted_server.say("1 2 3 4", "1 2 3 4", piece=2)
    assert streaming(connected, clock=Clock(*AT_THE_END, 0.0, 0.1)).level is Level.OK


def test_a_quick_answer_is_not_suspected(connected: Workspace, scripted_server: ScriptedServer) -> None:
    scripted_server.say("1 2 3 4", piece=2)
    assert streaming(connected, clock=Clock(0.0, 0.2)).level is Level.OK


def test_one_document_is_no_stream(connected: Workspace, scripted_server: ScriptedServer) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "1 2 3"}, "finish_reason": "stop"}
    scripted_server.plain({"model": "scripted", "choices": [choice]})
    found = streaming(connected)
    assert (found.level, "in one piece" in found.sentence) == (Level.WARN, True)


def test_the_completion_is_a_short_one(connected: Workspace, scripted_server: ScriptedServer) -> None:
    scripted_server.say("1 2 3")
    streaming(connected)
    assert [request.body["max_tokens"] for request in scripted_server.chats] == [64]


def test_a_refusal_is_a_failure_and_asked_once(connected: Workspace, scripted_server: ScriptedServer) -> None:
    scripted_server.fail(500, times=3)
    found = streaming(connected)
    assert (found.level, len(scripted_server.chats)) == (Level.FAIL, 1)


def test_a_local_policy_that_does_not_run_is_left_alone(workspace: Workspace) -> None:
    assert "Not tried" in streaming(workspace).sentence
