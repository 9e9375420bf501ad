"""Whether a configuration that was read still holds."""

from pathlib import Path

import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.settings.configuration import set_value
from metaclaw_jlab.settings.freshness import signature

LATER = 60_000_000_000


def seen(path: Path, environment: dict[str, str] | None = None) -> object:
    """The signature a minute after the files were written."""
    written = path.stat().st_mtime_ns if path.exists() else 0
    return signature(path, environment=environment or {}, clock=lambda: written + LATER)


def test_what_does_not_change_looks_the_same(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[agent]\nsteps = 4\n")
    assert seen(path) == seen(path)


def test_a_file_that_was_written_anew_looks_different(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    set_value(path, "agent.steps", "4", environment={})
    before = seen(path)
    set_value(path, "agent.steps", "5", environment={})
    assert seen(path) != before


def test_a_file_that_comes_or_goes_looks_different(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    before = seen(path)
    path.write_text("")
    assert seen(path) != before


def test_a_variable_of_ours_counts_and_others_do_not(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert seen(path, {"METACLAW_AGENT_STEPS": "3"}) != seen(path)
    assert seen(path, {"HOME": "elsewhere"}) == seen(path)


def test_a_file_that_was_just_written_is_to_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("")
    written = path.stat().st_mtime_ns
    assert signature(path, environment={}, clock=lambda: written + 1) is None


def test_a_workspace_follows_file_variables_and_overrides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = open_workspace(tmp_path / "home")
    found = [workspace.settings().agent.steps]
    set_value(workspace.home.config, "agent.steps", "7")
    found.append(workspace.settings().agent.steps)
    monkeypatch.setenv("METACLAW_AGENT_STEPS", "8")
    found.append(workspace.settings().agent.steps)
    workspace.overrides["agent.steps"] = 9
    found.append(workspace.settings().agent.steps)
    assert found == [6, 7, 8, 9]


def test_a_workspace_does_not_read_an_unchanged_file_again(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "home")
    assert workspace.configuration() is workspace.configuration()
