"""The supervisor's side of a train worker, on a worker without a model."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from metaclaw_jlab.core.errors import WorkerFailed
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.processes import process_alive
from metaclaw_jlab.runtime.train_worker import (
    Ending,
    EventKind,
    Worker,
    WorkerJob,
    end_orphans,
    ending_of,
    start,
    tell_to_stop,
    worker_command,
)
from metaclaw_jlab.runtime.training_folder import training_folder

FAKE = Path(__file__).parent / "fake_train_worker.py"
HELLO = json.dumps({"event": "phase", "phase": "training"})
Started = Callable[..., Worker]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture
def started(home: Home) -> Iterator[Started]:
    """Starts a fake worker."""
    workers: list[Worker] = []

    def make(*options: str) -> Worker:
        workers.append(start(home, 1, command=[sys.executable, str(FAKE), *options]))
        return workers[-1]

    yield make
    for worker in workers:
        worker.stop(0.0)
        worker.wait()


def heard(worker: Worker) -> str:
    """The first event that it tells."""
    return next(worker.events()).kind


def test_it_is_heard_line_by_line(started: Started) -> None:
    step = json.dumps({"event": "step", "step": 3, "reward": 0.5})
    worker = started("--tell", HELLO, "--tell", step, "--code", "0")
    first, second = worker.events()
    assert (first.kind, dict(first.fields)) == (EventKind.PHASE, {"phase": "training"})
    assert (second.kind, second.fields["step"]) == (EventKind.STEP, 3)


@pytest.mark.parametrize("noise", ["Loading weights: 40%", '{"event": "unheard of"}', "[1]", "{"])
def test_what_is_no_event_is_passed_over(started: Started, noise: str) -> None:
    worker = started("--tell", noise, "--tell", HELLO, "--code", "0")
    assert [event.kind for event in worker.events()] == [EventKind.PHASE]


def test_its_own_word_for_its_end_counts(started: Started) -> None:
    last = json.dumps({"event": "ended", "ending": "superseded", "reason": "The library moved on."})
    worker = started("--tell", last, "--code", "4")
    assert ending_of(worker.wait()) == (Ending.SUPERSEDED, "The library moved on.")


def test_an_end_without_a_word_is_told_with_the_end_of_its_log(started: Started) -> None:
    worker = started("--complain", "Traceback\nImportError: no torch\n", "--code", "1")
    ending, reason = ending_of(worker.wait())
    assert ending is Ending.FAILED
    assert "ImportError: no torch" in reason


def test_told_to_stop_before_it_listens_it_is_stopped(started: Started) -> None:
    worker = started("--tell", HELLO)
    heard(worker)
    worker.stop(60.0)
    assert ending_of(worker.wait())[0] is Ending.STOPPED


def test_a_worker_that_hangs_is_killed_at_the_deadline(started: Started) -> None:
    worker = started("--tell", HELLO)
    heard(worker)
    os.kill(worker.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, worker.pid, os.WSTOPPED | os.WNOWAIT)
    worker.stop(0.05)
    assert ending_of(worker.wait())[0] is Ending.KILLED


def test_a_worker_that_will_not_stop_is_killed_at_the_deadline(started: Started) -> None:
    worker = started("--tell", HELLO, "--stubborn")
    heard(worker)
    worker.stop(0.05)
    assert not worker.running


def test_its_sandboxes_die_with_it(started: Started) -> None:
    worker = started("--sandbox", "--stubborn")
    sandbox = psutil.Process(int(str(next(worker.events()).fields["pid"])))
    family = [sandbox, *sandbox.children(recursive=True)]
    worker.stop(0.0)
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


def test_it_has_a_session_of_its_own(started: Started) -> None:
    worker = started("--tell", HELLO)
    heard(worker)
    assert os.getsid(worker.pid) == worker.pid


def test_it_ends_with_its_supervisor(home: Home, tmp_path: Path) -> None:
    source = (
        "import sys; from pathlib import Path; from metaclaw_jlab.runtime.home import open_home\n"
        "from metaclaw_jlab.runtime.train_worker import start\n"
        f"worker = start(open_home(Path({str(home.path)!r})), 1, command=[sys.executable, {str(FAKE)!r}])\n"
        "print(worker.pid, flush=True); sys.stdin.read()"
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert supervisor.stdout is not None
    worker = psutil.Process(int(supervisor.stdout.readline()))
    supervisor.kill()
    supervisor.communicate()
    worker.wait(20)


def test_an_orphan_is_found_and_ended(home: Home, started: Started) -> None:
    worker = started("--tell", HELLO, "--stubborn")
    heard(worker)
    started_ticks = json.loads(worker.folder.worker.read_text())["start_ticks"]
    assert end_orphans(home, seconds=0.05) == 1
    assert not process_alive(worker.pid, started=started_ticks)
    assert end_orphans(home) == 0


def test_a_pid_that_is_somebody_elses_by_now_is_left_alone(home: Home) -> None:
    folder = training_folder(home, 1)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        record = {"pid": bystander.pid, "start_ticks": 1, "boot_id": "another"}
        folder.worker.write_text(json.dumps(record))
        assert end_orphans(home) == 0
        assert bystander.poll() is None
        bystander.communicate(b"\n")


def test_after_its_end_nothing_of_it_is_left_but_its_log(started: Started) -> None:
    worker = started("--code", "0")
    worker.folder.scratch.mkdir()
    (worker.folder.scratch / "left").write_text("by a sudden end")
    worker.wait()
    assert sorted(path.name for path in worker.folder.path.iterdir()) == ["worker.log"]


def test_what_cannot_be_started_says_so(home: Home) -> None:
    with pytest.raises(WorkerFailed, match="cannot be started"):
        start(home, 1, command=["/no/such/program"])


def test_the_command_line_is_one_that_the_worker_reads(home: Home) -> None:
    from metaclaw_jlab.engines.train_worker import Options, options

    words = worker_command(home, 7, WorkerJob.TRIALS, resume=True)
    assert options(words[4:]) == Options(home.path, 7, WorkerJob.TRIALS, True)


def test_it_can_be_told_to_stop_beside_its_supervisor(home: Home, started: Started) -> None:
    worker = started("--tell", HELLO)
    heard(worker)
    tell_to_stop(home)
    assert ending_of(worker.wait())[0] is Ending.STOPPED


def test_where_nobody_works_nobody_is_told(home: Home) -> None:
    training_folder(home, 1).worker.write_text(
        json.dumps({"pid": os.getpid(), "start_ticks": 1, "boot_id": "x"})
    )
    tell_to_stop(home)
