import json
import sys
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail as fail_backend

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.errors import HomeRefused
from metaclaw_jlab.executors import bubblewrap
from metaclaw_jlab.inspection.doctor import (
    diagnose,
    diagnose_without_home,
    healthy,
    render_findings,
    startable,
)
from metaclaw_jlab.inspection.finding import Finding, Level, fail, ok, warn
from metaclaw_jlab.inspection.json_values import as_json
from metaclaw_jlab.settings.configuration import set_value
from metaclaw_jlab.store.migrations import latest
from tests.loopback.server import ScriptedServer

PARTS = [
    "python",
    "extras",
    "versions",
    "server extension",
    "page",
    "home folder",
    "database",
    "skills",
    "configuration",
    "keyring",
    "sandbox",
    "protections",
    "learning",
    "policy",
    "streaming",
    "gpu",
    "training",
    "judge",
    "adapters",
    "signals",
    "calendar",
]


@pytest.fixture(autouse=True)
def no_keyring() -> object:
    before = keyring.get_keyring()
    keyring.set_keyring(fail_backend.Keyring())
    yield
    keyring.set_keyring(before)


def examined(workspace: Workspace) -> dict[str, Finding]:
    return {finding.name: finding for finding in diagnose(workspace)}


def test_every_part_is_looked_at_and_announced(workspace: Workspace) -> None:
    told: list[str] = []
    findings = diagnose(workspace, on_progress=told.append)
    assert [finding.name for finding in findings] == told == PARTS


def test_whatever_is_not_well_says_what_to_do(workspace: Workspace) -> None:
    workspace.home.config.write_text("[policy\n")
    (workspace.home.skills / "broken").mkdir()
    workspace.home.database.write_bytes(b"no database" * 1000)
    bad = [finding for finding in diagnose(workspace) if finding.level is not Level.OK]
    assert {"database", "skills", "configuration", "keyring"} <= {finding.name for finding in bad}
    assert all(finding.next_step for finding in bad)


def test_a_new_database_is_sound(workspace: Workspace) -> None:
    found = examined(workspace)["database"]
    assert (found.level, f"schema {latest()}" in found.sentence) == (Level.OK, True)


def test_a_damaged_database_is_a_failure_and_stays_as_it_is(workspace: Workspace) -> None:
    content = b"no database" * 1000
    workspace.home.database.write_bytes(content)
    assert examined(workspace)["database"].level is Level.FAIL
    assert workspace.home.database.read_bytes() == content


def test_a_database_damaged_inside_is_a_failure(workspace: Workspace) -> None:
    workspace.database()
    workspace.close()
    data = bytearray(workspace.home.database.read_bytes())
    data[8192:40960] = b"\xff" * (40960 - 8192)
    workspace.home.database.write_bytes(data)
    again = open_workspace(workspace.home.path)
    assert examined(again)["database"].level is Level.FAIL
    again.close()


def test_a_broken_skill_is_a_warning_that_names_it(workspace: Workspace) -> None:
    (workspace.home.skills / "broken").mkdir()
    found = examined(workspace)["skills"]
    assert (found.level, "'broken'" in found.sentence) == (Level.WARN, True)


def test_a_setting_out_of_bounds_is_a_failure(workspace: Workspace) -> None:
    workspace.home.config.write_text("[agent]\nsteps = 0\n")
    found = examined(workspace)["configuration"]
    assert (found.level, "agent.steps" in found.sentence) == (Level.FAIL, True)


def test_what_is_set_is_named(workspace: Workspace) -> None:
    set_value(workspace.home.config, "agent.steps", "3")
    assert "agent.steps" in examined(workspace)["configuration"].sentence


def test_required_isolation_that_does_not_work_is_a_failure(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "probe", lambda: None)
    assert examined(workspace)["sandbox"].level is Level.WARN
    set_value(workspace.home.config, "sandbox.isolation", "require")
    assert examined(workspace)["sandbox"].level is Level.FAIL


def test_isolation_that_works_is_fine(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "probe", lambda: False)
    assert examined(workspace)["sandbox"].level is Level.OK


def test_without_isolation_wordings_are_not_tried_until_it_is_accepted(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "probe", lambda: None)
    assert "sandbox.unattended" in examined(workspace)["learning"].next_step
    set_value(workspace.home.config, "sandbox.unattended", "true")
    assert examined(workspace)["learning"].level is Level.OK


def test_learning_that_is_switched_off_is_told(workspace: Workspace) -> None:
    set_value(workspace.home.config, "evolver.kind", "off")
    assert examined(workspace)["learning"].level is Level.WARN


def test_a_home_that_cannot_be_opened_is_a_finding_too(tmp_path: Path) -> None:
    findings = diagnose_without_home(HomeRefused("It is a file.", "Move it."))
    assert [finding for finding in findings if finding.level is Level.FAIL] == [
        fail("home folder", "It is a file.", "Move it.")
    ]


def test_a_folder_that_vanished_is_a_finding(workspace: Workspace) -> None:
    workspace.close()
    for item in sorted(workspace.home.path.rglob("*"), reverse=True):
        item.rmdir() if item.is_dir() else item.unlink()
    workspace.home.path.rmdir()
    assert examined(workspace)["home folder"].level is Level.FAIL


def test_warnings_are_no_failure() -> None:
    assert healthy([ok("a", "x"), warn("b", "y", "z")])
    assert not healthy([ok("a", "x"), fail("b", "y", "z")])


def test_findings_are_told_with_what_to_do() -> None:
    assert render_findings([ok("a", "Fine."), fail("long", "Bad.", "Mend it.")]).splitlines() == [
        "ok    a     Fine.",
        "FAIL  long  Bad.",
        "            → Mend it.",
        "",
        "1 failure, 0 warnings.",
    ]


def test_a_command_is_shown_where_the_next_step_does_not_say_it() -> None:
    told = render_findings(
        [warn("a", "x", "Close it: chmod 700 x", "chmod 700 x"), warn("b", "y", "Mend it.", "mend it")]
    )
    assert told.count("chmod 700 x") == 1
    assert [line.strip() for line in told.splitlines()].count("mend it") == 1


def test_an_endpoint_that_is_down_is_asked_for_no_completion(
    workspace: Workspace, scripted_server: ScriptedServer
) -> None:
    set_value(workspace.home.config, "policy.base_url", scripted_server.base_url)
    scripted_server.close()
    found = examined(workspace)
    assert (found["policy"].level, found["streaming"].level) == (Level.FAIL, Level.OK)
    assert found["policy"].command.startswith("%metaclaw connect")


def test_all_well_is_said() -> None:
    assert render_findings([ok("a", "Fine.")]).endswith("All is well.")


def test_findings_are_json(workspace: Workspace) -> None:
    told = json.loads(json.dumps(as_json(diagnose(workspace))))
    assert set(told[0]) == {"name", "level", "sentence", "next_step", "command"}


def test_a_python_that_the_sandbox_would_hide_is_told(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "probe", lambda: None)
    monkeypatch.setattr(sys, "prefix", "/tmp/somewhere/.venv")
    assert "lies in it" in examined(workspace)["sandbox"].sentence


def test_a_local_policy_that_does_not_run_can_be_started(workspace: Workspace) -> None:
    assert startable(workspace)
    set_value(workspace.home.config, "policy.base_url", "http://127.0.0.1:9/v1")
    assert not startable(workspace)
    workspace.home.config.write_text("[policy\n")
    assert not startable(workspace)


def test_one_cause_is_told_once(workspace: Workspace) -> None:
    workspace.home.config.write_text("[policy\n")
    found = examined(workspace)
    assert found["configuration"].level is Level.FAIL
    assert found["policy"].sentence == "Not looked at: see configuration."
    assert [one.name for one in found.values() if "config.toml" in one.sentence] == ["configuration"]
