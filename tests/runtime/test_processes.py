import os
import subprocess
import sys

import pytest

from metaclaw_jlab.runtime import processes
from metaclaw_jlab.runtime.processes import (
    boot_id,
    mark_alive,
    pid_of,
    process_alive,
    start_ticks,
    this_process,
)


def test_this_process_is_alive() -> None:
    assert process_alive(os.getpid())
    assert mark_alive(this_process())


def test_a_dead_process_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not process_alive(child.pid)


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", "print('up')"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()  # returns when the process has closed its end, that is when it dies
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    try:
        assert not process_alive(child.pid)
    finally:
        child.stdout.close()
        child.wait()


def test_a_pid_that_another_process_has_taken_is_not_alive() -> None:
    assert not process_alive(os.getpid(), started=start_ticks(os.getpid()) + 1)


def test_a_mark_of_an_earlier_boot_is_dead() -> None:
    assert not mark_alive(this_process().replace(boot_id(), "an-earlier-boot"))


def test_what_is_no_mark_is_dead() -> None:
    assert not mark_alive("")


def test_without_proc_a_pid_is_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_stat", lambda pid: None)
    assert process_alive(os.getpid(), started=12345)


def test_the_pid_is_in_the_mark() -> None:
    assert pid_of(this_process()) == os.getpid()
    assert pid_of("another-boot:12:34") is None
    assert pid_of("nonsense") is None
