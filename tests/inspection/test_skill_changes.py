from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import NotFound, SkillInvalid, UsageMistake
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.inspection.skill_changes import (
    adopt_edit,
    editable,
    export_skills,
    import_skills,
    pin,
    remove,
    render_done,
    roll_back,
    roll_back_library,
    switch,
)
from metaclaw_jlab.inspection.skill_library import list_skills, named, render_skills
from metaclaw_jlab.skills.library import read_library, write_skill
from metaclaw_jlab.store.skills import Skills
from tests.inspection.learning_samples import REWORDED, RULE

NAME = RULE.name


def current(workspace: Workspace) -> dict[str, str]:
    return dict(Skills(workspace.database()).current_generation().members)


def in_folder(workspace: Workspace) -> list[str]:
    return [skill.name for skill in read_library(workspace.home.skills).skills]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Two skills outside the home."""
    for skill in (Skill("dates", "How dates look.", "Day first."), REWORDED):
        write_skill(tmp_path / "elsewhere", skill)
    return tmp_path / "elsewhere"


def test_a_pin_is_no_generation_and_can_be_taken_back(learnt: Workspace) -> None:
    done = pin(learnt, NAME, on=True)
    assert (done.made, done.undo) == (done.before, "skills unpin csv-separator")
    assert list_skills(learnt).skills[0].marks == ("pinned",)
    pin(learnt, NAME, on=False)
    assert list_skills(learnt).skills[0].marks == ()


def test_a_disabled_skill_leaves_the_library_and_stays_in_the_list(learnt: Workspace) -> None:
    done = switch(learnt, NAME, on=False)
    assert (done.made, done.undo, current(learnt), in_folder(learnt)) == (
        2,
        "skills enable csv-separator",
        {},
        [],
    )
    assert "disabled" in render_skills(list_skills(learnt))
    assert named(learnt, NAME) == RULE


def test_an_enabled_skill_is_back_as_it_was(learnt: Workspace) -> None:
    switch(learnt, NAME, on=False)
    assert "is in use" in switch(learnt, NAME, on=True).told
    assert (current(learnt), in_folder(learnt)) == ({NAME: RULE.sha256}, [NAME])
    assert list_skills(learnt).skills[0].marks == ()


def test_a_rollback_that_brings_a_disabled_skill_back_enables_it(learnt: Workspace) -> None:
    switch(learnt, NAME, on=False)
    roll_back_library(learnt, 1)
    assert list_skills(learnt).skills[0].marks == ()


def test_a_removed_skill_is_out_of_the_list(learnt: Workspace) -> None:
    done = remove(learnt, NAME)
    assert (done.made, done.undo) == (2, "generations rollback 1")
    assert (list_skills(learnt).skills, in_folder(learnt)) == ((), [])


def test_a_disabled_skill_can_be_removed(learnt: Workspace) -> None:
    switch(learnt, NAME, on=False)
    remove(learnt, NAME)
    assert list_skills(learnt).skills == ()


def test_a_skill_goes_back_alone(learnt: Workspace) -> None:
    dates = Skill("dates", "How dates look.", "Day first.")
    Skills(learnt.database()).commit_generation(Cause.USER, [REWORDED, dates])
    done = roll_back(learnt, NAME, 1)
    assert (done.made, done.changes.changed) == (3, (NAME,))
    assert current(learnt) == {NAME: RULE.sha256, "dates": dates.sha256}


def test_what_is_there_already_is_no_generation(learnt: Workspace) -> None:
    done = roll_back(learnt, NAME, 1)
    assert (done.made, done.undo) == (1, "")
    assert "already" in render_done(done)


def test_a_rollback_of_an_unknown_skill_names_the_nearest(learnt: Workspace) -> None:
    with pytest.raises(NotFound, match="Did you mean csv-separator"):
        roll_back(learnt, "csv-seperator", 1)


@pytest.mark.parametrize("change", [pin, switch])
def test_what_is_not_there_cannot_be_changed(change: object, learnt: Workspace) -> None:
    with pytest.raises(NotFound, match="There is no skill"):
        change(learnt, "none", on=True)  # type: ignore[operator]


def test_an_edit_by_hand_is_kept_by_a_change(learnt: Workspace) -> None:
    learnt.synchronised()
    write_skill(learnt.home.skills, REWORDED)
    done = switch(learnt, NAME, on=False)
    assert (done.before, done.made) == (2, 3)
    assert named(learnt, NAME) == REWORDED


def test_a_folder_of_skills_is_one_generation(workspace: Workspace, elsewhere: Path) -> None:
    done = import_skills(workspace, elsewhere, replace=False)
    assert (done.made, done.changes.added) == (1, (NAME, "dates"))
    assert in_folder(workspace) == [NAME, "dates"]


def test_another_text_of_the_same_name_goes_in_only_on_demand(learnt: Workspace, elsewhere: Path) -> None:
    done = import_skills(learnt, elsewhere, replace=False)
    assert done.changes.added == ("dates",)
    assert current(learnt)[NAME] == RULE.sha256
    assert "--replace" in render_done(done)
    import_skills(learnt, elsewhere, replace=True)
    assert current(learnt)[NAME] == REWORDED.sha256


def test_an_import_of_nothing_usable_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "SKILL.md").write_text("no frontmatter")
    with pytest.raises(UsageMistake, match="frontmatter"):
        import_skills(workspace, tmp_path / "broken", replace=False)


@pytest.mark.parametrize("name", ["library", "library.zip"])
def test_an_export_can_be_imported_elsewhere(name: str, learnt: Workspace, tmp_path: Path) -> None:
    assert "1 skill of generation 1" in export_skills(learnt, tmp_path / name).told
    remove(learnt, NAME)
    import_skills(learnt, tmp_path / name, replace=False)
    assert current(learnt) == {NAME: RULE.sha256}


def test_an_export_writes_over_nothing(learnt: Workspace, elsewhere: Path) -> None:
    with pytest.raises(UsageMistake, match="there already"):
        export_skills(learnt, elsewhere)


def test_an_edited_file_becomes_a_generation(learnt: Workspace) -> None:
    file = editable(learnt, NAME)
    file.path.write_text(file.text.replace("semicolons", "tabs"))
    done = adopt_edit(learnt, file)
    assert (done.made, done.changes.changed, done.undo) == (2, (NAME,), "generations rollback 1")


def test_a_file_that_was_not_changed_makes_nothing(learnt: Workspace) -> None:
    done = adopt_edit(learnt, editable(learnt, NAME))
    assert (done.made, done.told) == (1, "csv-separator is as it was.")


def test_a_broken_edit_is_not_in_use_and_can_be_mended(learnt: Workspace) -> None:
    file = editable(learnt, NAME)
    file.path.write_text("broken")
    with pytest.raises(SkillInvalid, match="not in use"):
        adopt_edit(learnt, file)
    assert current(learnt) == {NAME: RULE.sha256}
    assert editable(learnt, NAME).text == "broken"


@pytest.mark.parametrize("name", ["none", "../skills", ""])
def test_only_a_skill_can_be_edited(name: str, learnt: Workspace) -> None:
    with pytest.raises(NotFound):
        editable(learnt, name)


def test_a_disabled_skill_is_enabled_before_it_is_edited(learnt: Workspace) -> None:
    switch(learnt, NAME, on=False)
    with pytest.raises(NotFound, match="skills enable csv-separator"):
        editable(learnt, NAME)


def test_what_was_done_is_told_with_generation_and_undo(learnt: Workspace) -> None:
    told = render_done(remove(learnt, NAME))
    assert told == (
        "Skill csv-separator is out of the library. Generation 2: -csv-separator. "
        "To undo it: `generations rollback 1`"
    )
