"""Trainings of a window as real processes: begun, told to stop, killed, ended with their host, found after a crash."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.core.schedule import Conducting
from metaclaw_jlab.runtime.conductor import MARGIN_SECONDS, TrainingConductor, end_left_over, note_file
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.processes import process_alive
from metaclaw_jlab.runtime.training_process import conductor, start

FAKE = Path(__file__).with_name("fake_training.py")
PATIENCE = 60.0

# A host that begins a training and waits; it tells the training's pid.
HOST = (
    "import sys, threading; from pathlib import Path; from metaclaw_jlab.runtime.home import Home;"
    "from metaclaw_jlab.runtime.conductor import TrainingConductor\n"
    "made = TrainingConductor(Home(Path(sys.argv[1])), stop_seconds=lambda: 5.0, run_of=lambda: (None, False),"
    " command=sys.argv[2:])\n"
    "made.start(resume=False)\n"
    "while not (found := made.conducting()).pid: pass\n"
    "from metaclaw_jlab.runtime.training_process import conductor\n"
    "while conductor(Home(Path(sys.argv[1]))) is None: pass\n"
    "print(found.pid, flush=True); sys.stdin.read()"
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


Make = Callable[..., TrainingConductor]


@pytest.fixture
def make(home: Home) -> Iterator[Make]:
    """Makes conductors of stand-ins; whatever still trains at the end is killed."""

    def made(
        *words: str, stop_seconds: float = 5.0, on_end: Callable[[], None] = lambda: None
    ) -> TrainingConductor:
        return TrainingConductor(
            home,
            stop_seconds=lambda: stop_seconds,
            run_of=lambda: (7, True),
            command=command(home, *words),
            on_end=on_end,
        )

    yield made
    if (found := conductor(home)) is not None and found.pid != os.getpid():
        os.kill(found.pid, signal.SIGKILL)


def command(home: Home, *words: str) -> list[str]:
    return [sys.executable, str(FAKE), "--home", str(home.path), *words]


def until(found: Callable[[], object]) -> None:
    """Wait until something holds: the deadline is that of the test."""
    pause = threading.Event()
    while not found():
        pause.wait(0.01)


def begun(home: Home, made: TrainingConductor, *, resume: bool = False) -> Conducting:
    made.start(resume=resume)
    until(lambda: conductor(home) is not None)
    found = made.conducting()
    assert found is not None
    return found


def test_a_window_trains_in_a_process_of_its_own(home: Home, make: Make) -> None:
    found = begun(home, make())
    held = conductor(home)
    assert held is not None
    assert (found.by_window, found.pid, found.run, found.gating) == (True, held.pid, 7, True)
    assert found.pid != os.getpid()


def test_from_the_call_on_somebody_conducts(make: Make) -> None:
    made = make()
    made.start(resume=False)
    assert made.conducting() is not None
    made.stop()


def test_it_takes_up_the_run_that_is_not_over(home: Home, make: Make) -> None:
    begun(home, make(), resume=True)
    from metaclaw_jlab.runtime.training_process import log_file

    until(lambda: "told: resume --attached" in log_file(home).read_text())


def test_a_stopped_one_is_gone_and_is_no_failure(home: Home, make: Make) -> None:
    ended = threading.Event()
    made = make(on_end=ended.set)
    pid = begun(home, made).pid
    made.stop()
    assert ended.wait(PATIENCE)
    assert not process_alive(pid)
    assert made.conducting() is None
    assert made.failure() is None


def test_stopping_twice_is_stopping_once(home: Home, make: Make) -> None:
    ended = threading.Event()
    made = make(on_end=ended.set)
    begun(home, made)
    made.stop()
    made.stop()
    assert ended.wait(PATIENCE)
    assert made.failure() is None


def test_one_that_ignores_its_stop_is_killed(home: Home, make: Make) -> None:
    ended = threading.Event()
    made = make("stubborn", stop_seconds=0.1 - MARGIN_SECONDS, on_end=ended.set)
    pid = begun(home, made).pid
    made.stop()
    assert ended.wait(PATIENCE)
    assert not process_alive(pid)


def test_a_start_that_is_called_off_comes_to_nothing(make: Make) -> None:
    ended = threading.Event()
    made = make(on_end=ended.set)
    made.start(resume=False)
    made.stop()
    assert ended.wait(PATIENCE)
    assert made.conducting() is None
    assert made.failure() is None


def test_a_training_that_fails_says_why(make: Make) -> None:
    ended = threading.Event()
    made = make("fail", on_end=ended.set)
    made.start(resume=False)
    assert ended.wait(PATIENCE)
    assert "Nothing waits to be trained on" in str(made.failure())


def test_a_new_start_forgets_the_failure(home: Home, make: Make) -> None:
    ended = threading.Event()
    made = make("fail", on_end=ended.set)
    made.start(resume=False)
    assert ended.wait(PATIENCE)
    made._command = command(home)
    begun(home, made)
    assert made.failure() is None


def test_a_training_of_the_users_is_told_apart(home: Home, make: Make) -> None:
    process = start(home, ["--now"], command=command(home))
    found = make().conducting()
    assert found is not None
    assert (found.by_window, found.pid) == (False, process.pid)


def test_a_training_of_the_users_can_be_stopped(home: Home, make: Make) -> None:
    process = start(home, ["--now"], command=command(home))
    make().stop()
    assert process.wait(PATIENCE) == 0


def test_where_the_user_trains_no_window_does(home: Home, make: Make) -> None:
    start(home, ["--now"], command=command(home))
    ended = threading.Event()
    made = make(on_end=ended.set)
    made.start(resume=False)
    assert ended.wait(PATIENCE)
    found = made.conducting()
    assert found is not None
    assert not found.by_window
    assert made.failure() is None


def test_closing_waits_until_it_is_gone(home: Home, make: Make) -> None:
    made = make()
    pid = begun(home, made).pid
    made.close(PATIENCE)
    assert not process_alive(pid)


def host_of_a_training(home: Home, *words: str) -> tuple[subprocess.Popen[str], int]:
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, str(home.path), *command(home, *words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert host.stdout is not None
    return host, int(host.stdout.readline())


def test_it_ends_with_its_host(home: Home) -> None:
    host, pid = host_of_a_training(home)
    assert process_alive(pid)
    host.kill()
    host.wait()
    until(lambda: not process_alive(pid))


def test_what_a_crashed_host_left_is_found_and_ended(home: Home) -> None:
    host, pid = host_of_a_training(home, "stubborn")
    host.kill()
    host.wait()
    assert process_alive(pid)
    assert end_left_over(home, seconds=0.2) is True
    assert not process_alive(pid)
    assert not note_file(home).exists()


def test_where_nothing_was_left_nothing_is_ended(home: Home) -> None:
    assert end_left_over(home) is False
