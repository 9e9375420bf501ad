from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.store.skills import Skills

Metaclaw = Callable[..., Any]
TEXT = (
    "---\nname: csv-separator\ndescription: Use for csv files.\n---\n\nWrite new csv files with semicolons\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A skill somewhere else."""
    made = tmp_path / "elsewhere" / "csv-separator"
    made.mkdir(parents=True)
    (made / "SKILL.md").write_text(TEXT)
    return made


def causes(home: Path) -> list[Cause]:
    workspace = open_workspace(home)
    found = [generation.cause for generation in Skills(workspace.database()).generations(10)]
    workspace.close()
    return found


def test_an_empty_library_says_how_to_begin(metaclaw: Metaclaw, home: Path) -> None:
    assert f"{home}/skills/<name>/SKILL.md" in metaclaw("skills").out


def test_a_skill_is_taken_in_as_a_generation(metaclaw: Metaclaw, folder: Path, home: Path) -> None:
    told = metaclaw("skills", "import", folder, "--json").json["done"]
    assert (told["changes"]["added"], told["made"]) == (["csv-separator"], 1)
    assert causes(home)[0] is Cause.IMPORT
    assert "csv-separator  g1  Use for csv files." in metaclaw("skills", "list").out


def test_the_file_itself_can_be_named(metaclaw: Metaclaw, folder: Path) -> None:
    assert metaclaw("skills", "add", folder / "SKILL.md").code == 0


def test_a_skill_is_shown_whole(metaclaw: Metaclaw, folder: Path) -> None:
    metaclaw("skills", "add", folder)
    assert metaclaw("skills", "show", "csv-separator").out.startswith(TEXT)
    assert metaclaw("skills", "show", "csv-separator", "--json").json["skill"]["name"] == "csv-separator"


def test_a_skill_is_taken_out_as_a_generation(metaclaw: Metaclaw, folder: Path, home: Path) -> None:
    metaclaw("skills", "add", folder)
    assert metaclaw("skills", "remove", "csv-separator", "--json").json["done"]["made"] == 2
    assert causes(home)[0] is Cause.USER
    assert metaclaw("skills", "--json").json["skills"] == []


def test_a_skill_of_the_same_name_is_not_overwritten_by_accident(metaclaw: Metaclaw, folder: Path) -> None:
    metaclaw("skills", "add", folder)
    (folder / "SKILL.md").write_text(TEXT.replace("semicolons", "tabs"))
    assert metaclaw("skills", "add", folder).code == 2
    assert "semicolons" in metaclaw("skills", "show", "csv-separator").out
    assert metaclaw("skills", "add", folder, "--replace").code == 0
    assert "tabs" in metaclaw("skills", "show", "csv-separator").out


def test_files_that_stay_behind_are_named(metaclaw: Metaclaw, folder: Path) -> None:
    (folder / "notes.txt").write_text("")
    assert "notes.txt" in metaclaw("skills", "add", folder).out


@pytest.mark.parametrize(
    "content",
    [
        b"no frontmatter",
        b"---\nname: other\ndescription: x\n---\nx\n",
        b"\xff\xfe",
        TEXT.encode() + b"x" * 10**6,
    ],
)
def test_a_broken_skill_is_refused_and_nothing_is_written(
    content: bytes, metaclaw: Metaclaw, folder: Path, home: Path
) -> None:
    (folder / "SKILL.md").write_bytes(content)
    ran = metaclaw("skills", "add", folder)
    assert ran.code != 0
    assert ran.err.startswith("metaclaw: ")
    assert not [item for item in (home / "skills").iterdir() if not item.name.startswith(".")]
    assert metaclaw("skills", "--json").json["generation"] == 0


@pytest.mark.parametrize("name", ["../skills", "none", "A b"])
def test_what_is_no_skill_cannot_be_removed(name: str, metaclaw: Metaclaw) -> None:
    assert metaclaw("skills", "remove", name).code == 1


def test_a_skill_that_cannot_be_used_says_why(metaclaw: Metaclaw, home: Path) -> None:
    metaclaw("skills")
    (home / "skills" / "broken").mkdir()
    assert "has no SKILL.md" in metaclaw("skills", "show", "broken").err
    assert "problem: " in metaclaw("skills").out


def test_a_skill_goes_into_quarantine_and_out_of_it(metaclaw: Metaclaw, folder: Path, home: Path) -> None:
    metaclaw("skills", "add", folder)
    assert "`skills release csv-separator`" in metaclaw("skills", "quarantine", "csv-separator").out
    assert "quarantined" in metaclaw("skills").out
    assert "out of quarantine" in metaclaw("skills", "release", "csv-separator").out
    assert "quarantined" not in metaclaw("skills").out
    assert len(causes(home)) == 2
