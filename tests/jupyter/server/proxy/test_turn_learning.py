import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.assembly.workspace import Workspace, open_workspace
from metaclaw_jlab.core.errors import StoreBusy
from metaclaw_jlab.core.exchange import Asked, Replied
from metaclaw_jlab.jupyter.server.proxy.recording import open_recording
from metaclaw_jlab.jupyter.server.proxy.turn_learning import AGAIN_SECONDS, TurnLearner

LONG = 60.0


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = open_workspace(tmp_path / "home")
    yield workspace
    workspace.close()


def test_turns_that_end_together_are_looked_at_together(workspace: Workspace) -> None:
    looks, looked, go_on = [], threading.Event(), threading.Event()

    def learn(found: Workspace) -> None:
        looks.append(found)
        looked.set()
        go_on.wait(LONG)

    learner = TurnLearner(learn, delay=0.0)
    learner.look(workspace)
    assert looked.wait(LONG)
    for _ in range(20):
        learner.look(workspace)
    learner.close(0.0)
    go_on.set()
    learner.close(LONG)
    assert looks == [workspace]


def test_a_look_that_fails_is_not_the_last(workspace: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    looks, both = [], threading.Event()

    def learn(_: Workspace) -> None:
        looks.append(1)
        if len(looks) == 1:
            learner.look(workspace)
            raise StoreBusy("Locked.", "Try again.")
        both.set()

    learner = TurnLearner(learn, delay=0.0)
    learner.look(workspace)
    assert both.wait(LONG)
    learner.close(LONG)
    assert "Locked" in caplog.text


def test_what_is_left_waiting_is_looked_at_again(workspace: Workspace) -> None:
    now, looks, both = [0.0], [], threading.Event()

    def learn(_: Workspace) -> None:
        looks.append(now[0])
        now[0] += AGAIN_SECONDS + 1
        if len(looks) == 2:
            both.set()

    learner = TurnLearner(learn, delay=0.0, clock=lambda: now[0])
    learner.look(workspace)
    assert both.wait(LONG)
    learner.close(LONG)


def test_nothing_begins_after_the_end(workspace: Workspace) -> None:
    looks: list[Workspace] = []
    learner = TurnLearner(looks.append, delay=0.0)
    learner.close(LONG)
    learner.look(workspace)
    learner.close(LONG)
    assert looks == []


def test_a_servers_recording_ends_with_its_learner(workspace: Workspace) -> None:
    recording = open_recording()
    body = {"messages": [{"role": "user", "content": "Hello"}]}
    recording.record(workspace, Asked(body, body, at=1.0), Replied("Hi."))
    recording.look(workspace)
    recording.close(LONG)
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"metaclaw-turns", "metaclaw-learner"}
