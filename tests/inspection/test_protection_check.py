import shutil
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.executors import bubblewrap, protection
from metaclaw_jlab.executors.protection import Leaks
from metaclaw_jlab.inspection.finding import Level
from metaclaw_jlab.inspection.protection_check import isolation_command, protections
from metaclaw_jlab.settings.configuration import set_value

NOTHING = Leaks((), False, (), False)


def tried(monkeypatch: pytest.MonkeyPatch, found: Leaks | None) -> None:
    monkeypatch.setattr(bubblewrap, "probe", lambda: False)
    monkeypatch.setattr(protection, "leaks", lambda *_, **__: found)


def test_a_room_without_leaks_is_fine(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    tried(monkeypatch, NOTHING)
    assert protections(workspace).level is Level.OK


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Leaks(("eth0",), False, (), False), "the network (eth0)"),
        (Leaks((), True, (), False), "the home folder"),
        (Leaks((), False, ("/usr",), False), "writing to /usr"),
        (Leaks((), False, (), True), "processes of others"),
    ],
)
def test_every_leak_is_a_failure_that_names_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, found: Leaks, said: str
) -> None:
    tried(monkeypatch, found)
    told = protections(workspace)
    assert (told.level, said in told.sentence) == (Level.FAIL, True)


def test_a_trial_that_came_to_nothing_is_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    tried(monkeypatch, None)
    assert protections(workspace).level is Level.WARN


def test_without_isolation_the_limits_are_named(workspace: Workspace) -> None:
    set_value(workspace.home.config, "sandbox.isolation", "none")
    found = protections(workspace)
    assert (found.level, "2,048 MB" in found.sentence) == (Level.WARN, True)


def test_a_switch_of_the_kernel_that_forbids_namespaces_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert isolation_command(tmp_path) == ""
    switch = tmp_path / "kernel" / "apparmor_restrict_unprivileged_userns"
    switch.parent.mkdir()
    switch.write_text("1\n")
    assert isolation_command(tmp_path).endswith("sysctl -w kernel.apparmor_restrict_unprivileged_userns=0")


def test_a_missing_bubblewrap_is_installed_by_what_the_system_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/dnf" if name == "dnf" else None)
    assert isolation_command().endswith("dnf install bubblewrap")
