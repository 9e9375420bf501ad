import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import LeaseHeld
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.leases import Holder, held_by, holder, lease, renew
from metaclaw_jlab.runtime.processes import host_name

HOLD = (
    "import sys, time; from pathlib import Path; from metaclaw_jlab.runtime.home import Home;"
    "from metaclaw_jlab.runtime.leases import lease\n"
    "with lease(Home(Path(sys.argv[1])), 'work'):\n"
    "    print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def other_process(home: Home) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def leave_note(home: Home, note: Holder) -> None:
    folder = home.runtime / "leases"
    folder.mkdir(exist_ok=True)
    (folder / "work.json").write_text(json.dumps(asdict(note)))


def test_a_lease_is_given_back(home: Home) -> None:
    with lease(home, "work"):
        held = holder(home, "work")
        assert held is not None
        assert held.pid == os.getpid()
    assert holder(home, "work") is None
    with lease(home, "work"):
        pass


def test_a_lease_is_given_back_after_an_exception(home: Home) -> None:
    with pytest.raises(KeyError), lease(home, "work"):
        raise KeyError
    with lease(home, "work"):
        pass


def test_another_process_keeps_it_and_is_named(home: Home) -> None:
    child = other_process(home)
    with pytest.raises(LeaseHeld, match=str(child.pid)), lease(home, "work"):
        pass
    child.communicate(timeout=30)


def test_another_thread_keeps_it(home: Home) -> None:
    refused = []

    def attempt() -> None:
        try:
            with lease(home, "work"):
                pass
        except LeaseHeld as error:
            refused.append(error)

    with lease(home, "work"):
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    assert refused


def test_looking_at_a_lease_does_not_lose_it(home: Home) -> None:
    with lease(home, "work"):
        for _ in range(2):
            with pytest.raises(LeaseHeld), lease(home, "work"):
                pass
        program = HOLD.replace("'held'", "'stolen'")
        thief = subprocess.run(
            [sys.executable, "-c", program, str(home.path)],
            capture_output=True,
            text=True,
            check=False,
            input="",
        )
        assert "LeaseHeld" in thief.stderr


def test_the_lease_of_a_killed_process_is_taken_over(home: Home) -> None:
    child = other_process(home)
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=30)
    assert holder(home, "work") is not None
    with lease(home, "work"):
        pass


def test_a_forked_child_does_not_hold_its_parents_lease(home: Home) -> None:
    context = multiprocessing.get_context("fork")
    stay = context.Event()
    with lease(home, "work"):
        child = context.Process(target=stay.wait)
        child.start()
    with lease(home, "work"):
        pass
    stay.set()
    child.join(timeout=30)


def test_the_lease_of_an_earlier_boot_is_taken_over(home: Home) -> None:
    leave_note(home, Holder(host_name(), "an-earlier-boot", 1, 0.0, float("1e18")))
    with lease(home, "work"):
        pass


def test_the_lease_of_another_host_holds_until_it_runs_out(home: Home) -> None:
    clock = Clock()
    leave_note(home, Holder("another-host", "another-boot", 1, clock.now, clock.now + 60))
    with (
        pytest.raises(LeaseHeld, match="another-host"),
        lease(home, "work", wait_seconds=50, clock=clock, sleep=clock.sleep),
    ):
        pass
    with lease(home, "work", wait_seconds=20, clock=clock, sleep=clock.sleep):
        pass
    assert clock.now == pytest.approx(1060, abs=0.1)


def test_waiting_gets_it_when_it_comes_free(home: Home) -> None:
    child = other_process(home)

    def let_go(_: float) -> None:
        child.communicate(timeout=30)

    with lease(home, "work", wait_seconds=30, sleep=let_go):
        pass


def test_a_broken_note_is_no_holder(home: Home) -> None:
    (home.runtime / "leases").mkdir()
    (home.runtime / "leases" / "work.json").write_text("{")
    with lease(home, "work"):
        pass


def test_whoever_holds_a_lease_is_told_while_they_do(home: Home) -> None:
    assert held_by(home, "work") is None
    child = other_process(home)
    found = held_by(home, "work")
    assert found is not None
    assert found.pid == child.pid
    child.communicate(timeout=30)
    assert held_by(home, "work") is None


def test_this_process_is_told_too_and_keeps_its_lease(home: Home) -> None:
    with lease(home, "work"):
        assert held_by(home, "work") is not None
        found = held_by(home, "work")
        assert found is not None
        assert found.pid == os.getpid()


def test_the_note_of_a_pid_that_is_another_process_now_holds_nothing(home: Home) -> None:
    leave_note(home, Holder(host_name(), "an-earlier-boot", os.getpid(), 0.0, float("1e18")))
    assert held_by(home, "work") is None


def test_another_host_holds_until_its_time_is_over(home: Home) -> None:
    leave_note(home, Holder("another-host", "another-boot", 1, 0.0, 60.0))
    assert held_by(home, "work", clock=lambda: 59.0) is not None
    assert held_by(home, "work", clock=lambda: 61.0) is None


def test_a_renewed_lease_counts_for_longer_on_other_hosts(home: Home) -> None:
    clock = Clock()
    with lease(home, "work", valid_seconds=60, clock=clock):
        clock.sleep(50)
        renew(home, "work", valid_seconds=60, clock=clock)
        noted = holder(home, "work")
    assert noted is not None
    assert (noted.since, noted.until) == (1000.0, 1110.0)


def test_what_is_not_held_cannot_be_renewed(home: Home) -> None:
    with pytest.raises(LeaseHeld):
        renew(home, "work")


def test_a_lease_that_another_process_holds_cannot_be_renewed(home: Home) -> None:
    child = other_process(home)
    try:
        with pytest.raises(LeaseHeld, match=f"Process {child.pid}"):
            renew(home, "work")
    finally:
        child.communicate("")


def test_a_lease_is_lost_with_its_home(home: Home) -> None:
    with lease(home, "work"):
        shutil.rmtree(home.path)
        with pytest.raises(LeaseHeld):
            renew(home, "work")
