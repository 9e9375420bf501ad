import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Metaclaw = Callable[..., Any]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def furnished(metaclaw: Metaclaw, home: Path) -> Path:
    metaclaw("config", "set", "agent.mode", "auto")
    metaclaw("status")
    return home


def test_what_will_be_deleted_is_said_and_asked(
    metaclaw: Metaclaw, furnished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    ran = metaclaw("uninstall")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith("Nothing was deleted.\n")
    assert str(furnished) in ran.err
    for name in ("metaclaw.db", "skills", "config.toml", "runtime"):
        assert f"  {name}" in ran.err
    assert (furnished / "metaclaw.db").exists()


def test_a_yes_deletes_the_home(metaclaw: Metaclaw, furnished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert metaclaw("uninstall").code == 0
    assert not furnished.exists()


def test_with_yes_nobody_is_asked(metaclaw: Metaclaw, furnished: Path) -> None:
    told = metaclaw("uninstall", "--yes", "--json").json
    assert "metaclaw.db" in told["deleted"]
    assert not furnished.exists()


def test_without_a_terminal_nothing_is_deleted(
    metaclaw: Metaclaw, furnished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert metaclaw("uninstall").code == 2
    assert (furnished / "metaclaw.db").exists()


def test_what_is_not_ours_stays(metaclaw: Metaclaw, furnished: Path) -> None:
    (furnished / "diary.txt").write_text("mine")
    assert metaclaw("uninstall", "--yes", "--json").json["kept"] == ["diary.txt"]
    assert [item.name for item in furnished.iterdir()] == ["diary.txt"]


def test_a_link_is_deleted_and_not_what_it_leads_to(
    metaclaw: Metaclaw, furnished: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "keep").write_text("mine")
    shutil.rmtree(furnished / "skills")
    (furnished / "skills").symlink_to(elsewhere)
    assert metaclaw("uninstall", "--yes").code == 0
    assert (elsewhere / "keep").exists()


def test_a_folder_that_is_no_home_is_left_alone(metaclaw: Metaclaw, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "skills").mkdir()
    assert metaclaw("uninstall", "--yes", "--home", tmp_path / "other").code == 1
    assert (tmp_path / "other" / "skills").is_dir()


def test_where_there_is_no_home_none_is_made(metaclaw: Metaclaw, home: Path) -> None:
    assert metaclaw("uninstall", "--yes").code == 1
    assert not home.exists()


def test_namespaces_are_told_and_deleted_too(
    metaclaw: Metaclaw, furnished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METACLAW_AGENT_NAMESPACE", "papers")
    metaclaw("status")
    assert (furnished / "namespaces" / "papers" / "metaclaw.db").exists()
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert "  namespaces: " in metaclaw("uninstall").err
    assert not furnished.exists()


def test_a_namespace_can_go_alone(
    metaclaw: Metaclaw, furnished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("papers", "lab"):
        monkeypatch.setenv("METACLAW_AGENT_NAMESPACE", name)
        metaclaw("status")
    assert metaclaw("uninstall", "--yes", "--home", furnished / "namespaces" / "papers").code == 0
    assert [item.name for item in (furnished / "namespaces").iterdir()] == ["lab"]
    assert (furnished / "metaclaw.db").exists()
    assert (furnished / "config.toml").exists()
