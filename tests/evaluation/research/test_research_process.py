import os
import select
import signal
import sys
import threading
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import ResearchError
from metaclaw_jlab.evaluation.research.pipeline import run_process, words_of

WITH_CHILD = """\
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
code = "import sys, time; alive = open(sys.argv[1], 'w'); alive.write('x'); alive.flush(); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", code, sys.argv[1]]).wait()
"""
LEAVES_ONE = WITH_CHILD.replace(".wait()", "").replace("import signal", "import signal, os")
LEAVES_ONE += "while not os.path.exists(sys.argv[1] + '.seen'): signal.sigtimedwait([], 0.05)\n"
LONG = 90_000  # milliseconds


@pytest.fixture
def alive(tmp_path):
    """A pipe that a process of a process holds open: when it is read, that one has begun; when it is closed, it has
    ended."""
    os.mkfifo(tmp_path / "alive")
    descriptor = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    yield descriptor
    os.close(descriptor)


def begun(descriptor):
    return bool(events(descriptor, select.POLLIN) and os.read(descriptor, 1))


def ended(descriptor):
    return bool(events(descriptor, 0) & select.POLLHUP)


def events(descriptor, wanted):
    poll = select.poll()
    poll.register(descriptor, wanted)
    return next((event for _, event in poll.poll(LONG)), 0)


def run(tmp_path, *words, seconds=120.0, look=lambda: None):
    return run_process(words, os.environ, tmp_path / "log", seconds=seconds, look=look, look_seconds=0.05)


def test_a_command_line_asks_nobody_at_the_gates():
    words = words_of(("arc",), Path("c.yaml"), Path("out"), resume=True)
    assert words == ("arc", "run", "--config", "c.yaml", "--output", "out", "--auto-approve", "--resume")


def test_a_process_ends_with_its_code_and_its_words_are_kept(tmp_path):
    ended = run(tmp_path, sys.executable, "-c", "print('Stage 01/23'); raise SystemExit(3)")
    assert ended.code == 3
    assert "Stage 01/23" in (tmp_path / "log").read_text()


def test_it_is_looked_at_after_its_end(tmp_path):
    looks = []
    run(tmp_path, sys.executable, "-c", "pass", look=lambda: looks.append(1))
    assert looks


def test_a_process_whose_time_is_over_is_ended_with_all_that_it_began(tmp_path, monkeypatch, alive):
    monkeypatch.setattr("metaclaw_jlab.evaluation.research.pipeline.GRACE_SECONDS", 0.1)
    words = (sys.executable, "-c", WITH_CHILD, str(tmp_path / "alive"))
    seen = []
    found = run(tmp_path, *words, seconds=0.2, look=lambda: seen or seen.append(begun(alive)))
    assert found.code is None
    assert ended(alive)


def test_whoever_leaves_ends_it_too(tmp_path, monkeypatch, alive):
    monkeypatch.setattr("metaclaw_jlab.evaluation.research.pipeline.GRACE_SECONDS", 0.1)

    def leave():
        assert begun(alive)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, sys.executable, "-c", WITH_CHILD, str(tmp_path / "alive"), look=leave)
    assert ended(alive)


def test_what_a_process_leaves_behind_ends_with_it(tmp_path, alive):
    seen = tmp_path / "alive.seen"

    def look():
        if not seen.exists() and begun(alive):
            seen.touch()

    found = run(tmp_path, sys.executable, "-c", LEAVES_ONE, str(tmp_path / "alive"), look=look)
    assert found.code == 0
    assert ended(alive)


def test_a_second_wish_to_leave_ends_it_at_once(tmp_path, alive):
    before = signal.signal(signal.SIGUSR1, signal.default_int_handler)

    def leave():
        assert begun(alive)
        # The second one comes while the process has its time to end.
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        raise KeyboardInterrupt

    try:
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, sys.executable, "-c", WITH_CHILD, str(tmp_path / "alive"), look=leave)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert ended(alive)


def test_a_program_that_cannot_be_started_is_told(tmp_path):
    with pytest.raises(ResearchError, match="cannot be started"):
        run(tmp_path, str(tmp_path / "none"))
