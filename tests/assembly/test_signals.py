import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.assembly.signals import KEPT_SECONDS, kernel_pids, make_signals, own_processes
from metaclaw_jlab.core.signal import Reading, SignalState
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.runtime.policy_server import Endpoint, process, publish
from metaclaw_jlab.runtime.processes import boot_id, start_ticks, this_process
from metaclaw_jlab.runtime.training_process import LEASE
from metaclaw_jlab.settings.configuration import set_value
from metaclaw_jlab.store.activity import Activities

NAMES = [
    "kernels",
    "kernel-processes",
    "desktop",
    "sleep-hours",
    "calendar",
    "quiet-hours",
    "gpu",
    "power",
    "load",
]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    for name in ("METACLAW_HOME", "METACLAW_ADMIN_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    made = open_workspace(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    made = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield made
    made.communicate()


class Told:
    """A signal of the host's."""

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self) -> Reading:
        return Reading(self.name, SignalState.UNKNOWN, "Nobody knows.")


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def readings(workspace: Workspace, clock: Clock) -> dict[str, Reading]:
    made = make_signals(workspace, lab=None, own_kernels=None, pids=dict, clock=clock)
    return {signal.name: signal.read() for signal in made}


def test_the_signals_of_the_host_come_first(workspace: Workspace) -> None:
    made = make_signals(workspace, lab=Told("lab"), own_kernels=Told("own"), pids=dict)
    assert [signal.name for signal in made] == ["lab", "own", *NAMES]


def test_each_says_something_and_a_new_home_opens_nothing(workspace: Workspace) -> None:
    found = readings(workspace, Clock())
    assert [name for name, reading in found.items() if reading.name == name and reading.sentence] == NAMES
    assert not [reading for reading in found.values() if reading.opening]


def test_only_what_knows_that_nobody_works_may_open(workspace: Workspace) -> None:
    opening = {reading.name for reading in readings(workspace, Clock()).values() if reading.opens}
    assert opening == {"kernels", "desktop", "sleep-hours", "calendar"}


def test_only_hours_of_sleep_and_calendars_never_forbid(workspace: Workspace) -> None:
    allowing = {reading.name for reading in readings(workspace, Clock()).values() if not reading.vetoes}
    assert allowing == {"sleep-hours", "calendar"}


def test_what_kernels_write_is_seen(workspace: Workspace) -> None:
    Activities(workspace.database()).touch(this_process(), None, "busy")
    assert readings(workspace, Clock())["kernels"].forbidding


def test_settings_that_change_count_within_seconds(workspace: Workspace) -> None:
    clock = Clock()
    made = {
        signal.name: signal
        for signal in make_signals(workspace, lab=None, own_kernels=None, pids=dict, clock=clock)
    }
    before = made["quiet-hours"].read()
    set_value(workspace.home.config, "scheduler.quiet_hours", "00:00-24:00")
    clock.now += KEPT_SECONDS
    assert (before.forbidding, made["quiet-hours"].read().forbidding) == (False, True)


def test_a_configuration_that_breaks_later_changes_nothing(workspace: Workspace) -> None:
    clock = Clock()
    set_value(workspace.home.config, "scheduler.quiet_hours", "00:00-24:00")
    signals = make_signals(workspace, lab=None, own_kernels=None, pids=dict, clock=clock)
    quiet = next(signal for signal in signals if signal.name == "quiet-hours")
    quiet.read()
    workspace.home.config.write_text("[scheduler\n")
    clock.now += KEPT_SECONDS
    assert quiet.read().forbidding


def test_this_process_is_its_own_without_its_children(
    workspace: Workspace, child: subprocess.Popen[bytes]
) -> None:
    assert own_processes(workspace.home) == {os.getpid()}


def test_a_training_is_its_own_with_its_children(
    workspace: Workspace, child: subprocess.Popen[bytes]
) -> None:
    with lease(workspace.home, LEASE):
        assert {os.getpid(), child.pid} <= own_processes(workspace.home)


def test_the_policy_server_is_its_own(workspace: Workspace, child: subprocess.Popen[bytes]) -> None:
    publish(workspace.home, Endpoint("http://127.0.0.1:1/v1", "token", "model", child.pid))
    assert own_processes(workspace.home) == {os.getpid(), child.pid}


def test_a_policy_server_that_is_gone_is_none(workspace: Workspace) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    publish(workspace.home, Endpoint("http://127.0.0.1:1/v1", "token", "model", ended.pid))
    assert process(workspace.home) is None


def test_kernels_of_other_servers_are_known_by_their_marks(
    workspace: Workspace, child: subprocess.Popen[bytes]
) -> None:
    store = Activities(workspace.database())
    mark = f"{boot_id()}:{child.pid}:{start_ticks(child.pid)}"
    for row in (mark, "another-boot:12:34", "nonsense"):
        store.touch(row, None, "idle")
    assert kernel_pids(store.since) == {mark: child.pid}


def test_nothing_heavy_is_loaded_for_it(workspace: Workspace) -> None:
    code = (
        "import sys; from pathlib import Path; from metaclaw_jlab.assembly import open_workspace;"
        "from metaclaw_jlab.assembly.signals import make_signals;"
        f"opened = open_workspace(Path({str(workspace.home.path)!r}));"
        "made = make_signals(opened, lab=None, own_kernels=None, pids=dict);"
        "[signal.read() for signal in made];"
        "heavy = {'torch', 'icalendar', 'caldav', 'googleapiclient', 'chromadb', 'numpy', 'pandas'};"
        "sys.exit(' '.join(heavy & sys.modules.keys()))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, stderr=subprocess.PIPE).stderr.strip()
        == b""
    )


def test_the_password_of_a_calendar_is_a_secret(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALENDAR_KEY", "password")
    set_value(workspace.home.config, "calendar.key_env", "CALENDAR_KEY")
    assert "password" in workspace.known_secrets()
