"""The policy server under its host's eyes, as real processes: crashed, hung, left alone."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import ServerStartFailed
from metaclaw_jlab.runtime import policy_server
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.policy_server import Endpoint, Health, ensure, health, publish, running, stop
from metaclaw_jlab.runtime.processes import process_alive
from metaclaw_jlab.runtime.supervision import FIRST_PAUSE, SILENCES, Supervision

FAKE = Path(__file__).parent / "fake_policy_server.py"


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = open_home(tmp_path / "home")
    yield home
    stop(home)


def serve(home: Home, model: str = "tiny") -> Endpoint:
    words = [sys.executable, str(FAKE), "--home", str(home.path), "--model", model]
    return ensure(home, model, start_seconds=60.0, command=words)


Watched = tuple[Supervision, list[str], list[str], Clock]


@pytest.fixture
def watched(home: Home) -> Watched:
    """A supervision that starts stand-ins, what it was asked to start, what it said, and its clock."""
    started: list[str] = []
    said: list[str] = []
    clock = Clock()

    def restart(model: str) -> bool:
        started.append(model)
        serve(home, model)
        return True

    return Supervision(home, restart=restart, say=said.append, clock=clock), started, said, clock


def crash(endpoint: Endpoint) -> None:
    os.kill(endpoint.pid, signal.SIGKILL)
    while process_alive(endpoint.pid):
        pass


def test_how_a_server_is(home: Home) -> None:
    assert health(home) is None
    endpoint = serve(home)
    assert health(home) == (endpoint, Health.WELL)
    crash(endpoint)
    assert health(home) == (endpoint, Health.GONE)


def test_where_none_was_started_none_is(watched: Watched) -> None:
    supervision, started, said, _ = watched
    supervision.look()
    assert (started, said) == ([], [])


def test_one_that_is_well_is_left_alone(home: Home, watched: Watched) -> None:
    supervision, started, _, _ = watched
    endpoint = serve(home)
    supervision.look()
    assert started == []
    assert running(home) == endpoint


def test_one_that_crashed_is_started_again(home: Home, watched: Watched) -> None:
    supervision, started, said, _ = watched
    crash(serve(home))
    supervision.look()
    assert started == ["tiny"]
    assert running(home) is not None
    assert "crashed" in said[0]


def test_one_that_ended_by_itself_is_not_started_again(home: Home, watched: Watched) -> None:
    supervision, started, _, _ = watched
    endpoint = serve(home)
    os.kill(endpoint.pid, signal.SIGTERM)
    while process_alive(endpoint.pid):
        pass
    supervision.look()
    assert started == []


def test_one_that_hangs_is_ended_and_started_again(
    home: Home, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervision, started, _, _ = watched
    monkeypatch.setattr(policy_server, "HEALTH_SECONDS", 0.2)
    endpoint = serve(home)
    os.kill(endpoint.pid, signal.SIGSTOP)
    for _ in range(SILENCES - 1):
        supervision.look()
    assert started == []
    monkeypatch.setattr(policy_server, "STOP_SECONDS", 0.2)
    supervision.look()
    assert started == ["tiny"]
    assert not process_alive(endpoint.pid)


def test_one_that_keeps_crashing_is_started_ever_later(home: Home, watched: Watched) -> None:
    supervision, started, _, clock = watched
    crash(serve(home))
    supervision.look()
    for _ in range(2):
        found = running(home)
        assert found is not None
        crash(found)
        supervision.look()
        clock.now += FIRST_PAUSE
        supervision.look()
    assert len(started) == 2  # the third would come after twice the pause


def test_one_that_cannot_be_started_is_told(home: Home) -> None:
    said: list[str] = []

    def restart(_: str) -> bool:
        raise ServerStartFailed("It ended with code 1.", "")

    supervision = Supervision(home, restart=restart, say=said.append)
    crash(serve(home))
    supervision.look()
    assert said[-1] == "The policy server could not be started again: It ended with code 1."


def test_one_that_nobody_wants_is_let_go(home: Home) -> None:
    said: list[str] = []
    supervision = Supervision(home, restart=lambda _: False, say=said.append)
    crash(serve(home))
    supervision.look()
    supervision.look()
    assert len(said) == 1


@pytest.mark.parametrize(("used", "stopped"), [(True, False), (False, True)])
def test_at_the_end_it_is_stopped_unless_somebody_uses_it(
    home: Home, watched: Watched, used: bool, stopped: bool
) -> None:
    supervision, _, _, _ = watched
    serve(home)
    assert supervision.end(lambda: used) is stopped
    assert (running(home) is None) is stopped


def test_a_publication_of_another_boot_is_nobody(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_server, "boot_id", lambda: "another")
    publish(home, Endpoint("http://127.0.0.1:9/v1", "t", "tiny", os.getpid()))
    monkeypatch.undo()
    assert health(home) is None
