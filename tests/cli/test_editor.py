from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.store.skills import Skills

Metaclaw = Callable[..., Any]


@pytest.fixture(autouse=True)
def skill(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library of one skill, and no editor."""
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    workspace = open_workspace(home)
    Skills(workspace.database()).commit_generation(
        Cause.USER, [Skill("dates", "How dates look.", "Day first.")]
    )
    workspace.close()


def test_what_the_editor_writes_is_a_generation(metaclaw: Metaclaw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "sed -i s/Day/Year/")
    ran = metaclaw("skills", "edit", "dates")
    assert (ran.code, ran.out) == (
        0,
        "The edit of dates is in use. Generation 2: ~dates. To undo it: `generations rollback 1`\n",
    )
    assert "Year first." in metaclaw("skills", "show", "dates").out


def test_visual_goes_before_editor(metaclaw: Metaclaw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.setenv("VISUAL", "true")
    assert metaclaw("skills", "edit", "dates", "--json").json["done"]["told"] == "dates is as it was."


def test_without_an_editor_the_file_is_named(metaclaw: Metaclaw, home: Path) -> None:
    ran = metaclaw("skills", "edit", "dates")
    assert ran.code == 2
    assert str(home / "skills" / "dates" / "SKILL.md") in ran.err


@pytest.mark.parametrize(("editor", "code"), [("false", 1), ("/no/such/editor", 2), ("unclosed '", 2)])
def test_an_editor_that_fails_changes_nothing(
    editor: str, code: int, metaclaw: Metaclaw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", editor)
    assert metaclaw("skills", "edit", "dates").code == code
    assert metaclaw("skills", "--json").json["generation"] == 1


def test_a_broken_edit_is_refused_with_the_reason(
    metaclaw: Metaclaw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "sed -i s/name:/nom:/")
    ran = metaclaw("skills", "edit", "dates")
    assert ran.code == 1
    assert "not in use" in ran.err
