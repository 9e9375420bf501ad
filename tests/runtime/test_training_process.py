"""A training beside the user: started, found and stopped as a real process."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import LeaseHeld, TrainingError
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.processes import process_alive
from metaclaw_jlab.runtime.training_process import (
    conductor,
    last_words,
    log_file,
    start,
    stop,
    train_command,
)

FAKE = Path(__file__).with_name("fake_training.py")
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture
def started(home: Home) -> Iterator[Start]:
    """Starts a stand-in; whatever is left of it is killed."""
    processes = []

    def begin(*words: str, start_seconds: float = 60.0) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(FAKE), "--home", str(home.path)]
        processes.append(start(home, words, command=command, start_seconds=start_seconds))
        return processes[-1]

    yield begin
    for process in processes:
        process.kill()
        process.wait()


def test_it_conducts_when_start_returns(home: Home, started: Start) -> None:
    process = started("--now", "--steps", "3")
    found = conductor(home)
    assert found is not None
    assert found.pid == process.pid
    assert "told: --now --steps 3" in log_file(home).read_text()


def test_its_session_is_its_own(started: Start) -> None:
    process = started("--now")
    assert os.getsid(process.pid) == process.pid


def test_a_second_one_is_not_started(started: Start) -> None:
    process = started("--now")
    with pytest.raises(LeaseHeld, match=rf"runs already \(process {process.pid}\)"):
        started("--now")


def test_one_that_fails_is_told_with_its_words(started: Start) -> None:
    with pytest.raises(TrainingError, match=r"Nothing waits to be trained on\. Give tasks"):
        started("fail")


def test_one_that_was_done_before_it_was_seen_is_no_failure(home: Home, started: Start) -> None:
    started("brief")
    assert conductor(home) is None
    assert last_words(home) == "told: brief"


def test_stopping_waits_until_it_has_ended(home: Home, started: Start) -> None:
    process = started("--now")
    found = stop(home, 30)
    assert found is not None
    assert found.pid == process.pid
    assert conductor(home) is None


def test_where_none_runs_there_is_nothing_to_stop(home: Home) -> None:
    assert stop(home, 1) is None


def test_one_that_does_not_stop_is_told(home: Home, started: Start) -> None:
    process = started("stubborn")
    times = iter(range(100))
    with pytest.raises(TrainingError, match=f"Process {process.pid} has not stopped within 5 s"):
        stop(home, 5, clock=lambda: float(next(times)), sleep=lambda _: None)


def test_one_that_was_killed_conducts_no_longer(home: Home, started: Start) -> None:
    process = started("--now")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not process_alive(process.pid)
    assert conductor(home) is None


def test_an_interruption_while_it_starts_stops_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from metaclaw_jlab.runtime import training_process

    seen: list[int] = []

    def interrupted(_: Home, process: subprocess.Popen[bytes], __: float) -> None:
        seen.append(process.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(training_process, "_await", interrupted)
    with pytest.raises(KeyboardInterrupt):
        start(home, command=[sys.executable, "-c", "import time; time.sleep(600)"])
    while process_alive(seen[0]):
        pass


def test_the_command_is_metaclaw_train_on_this_home(home: Home) -> None:
    assert train_command(home)[1:] == [
        "-P",
        "-m",
        "metaclaw_jlab.cli.main",
        "--home",
        str(home.path),
        "train",
    ]
