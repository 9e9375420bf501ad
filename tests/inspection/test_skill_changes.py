from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import NotFound, SkillChanged, SkillInvalid, SkillRefused, UsageMistake
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.inspection.generations import skill_text
from metaclaw_jlab.inspection.skill_changes import (
    adopt_edit,
    edit,
    editable,
    export_skills,
    import_skills,
    pin,
    quarantine,
    remove,
    render_done,
    roll_back,
    roll_back_library,
    switch,
    write,
)
from metaclaw_jlab.inspection.skill_library import (
    describe_skill,
    list_skills,
    named,
    render_skills,
    text_of_skill,
)
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


def edited(workspace: Workspace, old: str, new: str) -> tuple[str, str]:
    """The text of the rule with something else in it, and the base of the edit."""
    account = describe_skill(workspace, NAME)
    return account.source.replace(old, new), account.base


def test_a_quarantined_skill_stays_in_the_library_and_out_of_prompts(learnt: Workspace) -> None:
    task = Task("Write a csv file")
    assert [match.skill.name for match in learnt.retrieve(task, learnt.synchronised().skills)] == [NAME]
    done = quarantine(learnt, NAME, on=True)
    assert (done.made, done.undo) == (done.before, "skills release csv-separator")
    assert list_skills(learnt).skills[0].marks == ("quarantined",)
    assert current(learnt) == {NAME: RULE.sha256}
    assert learnt.retrieve(task, learnt.synchronised().skills) == ()


def test_a_released_skill_is_in_prompts_again(learnt: Workspace) -> None:
    quarantine(learnt, NAME, on=True)
    assert quarantine(learnt, NAME, on=False).told == "csv-separator is out of quarantine."
    assert list_skills(learnt).skills[0].marks == ()
    assert "not in quarantine" in quarantine(learnt, NAME, on=False).told


def test_a_disabled_skill_that_is_released_stays_disabled(learnt: Workspace) -> None:
    switch(learnt, NAME, on=False)
    quarantine(learnt, NAME, on=True)
    assert "disabled still" in quarantine(learnt, NAME, on=False).told
    assert current(learnt) == {}


def test_an_edited_text_is_a_generation_and_in_the_folder(learnt: Workspace) -> None:
    done = edit(learnt, NAME, *edited(learnt, "semicolons", "tabs"))
    assert (done.made, done.changes.changed, done.undo) == (2, (NAME,), "generations rollback 1")
    assert "tabs" in (learnt.home.skills / NAME / "SKILL.md").read_text()


def test_an_edit_that_changes_nothing_makes_nothing(learnt: Workspace) -> None:
    assert edit(learnt, NAME, *edited(learnt, "", "")).made == 1


def test_of_two_edits_of_one_text_the_second_is_refused(learnt: Workspace) -> None:
    first, second = edited(learnt, "semicolons", "tabs"), edited(learnt, "semicolons", "blanks")
    edit(learnt, NAME, *first)
    with pytest.raises(SkillChanged, match="Nothing was written"):
        edit(learnt, NAME, *second)
    assert "tabs" in describe_skill(learnt, NAME).source


def test_an_edit_by_hand_meanwhile_is_not_written_over(learnt: Workspace) -> None:
    mine = edited(learnt, "semicolons", "tabs")
    write_skill(learnt.home.skills, REWORDED)
    with pytest.raises(SkillChanged):
        edit(learnt, NAME, *mine)
    assert named(learnt, NAME) == REWORDED


@pytest.mark.parametrize("text", ["no frontmatter", "---\nname: other\ndescription: d\n---\n\nDo it.\n"])
def test_a_text_that_is_no_skill_is_refused_and_nothing_is_lost(text: str, learnt: Workspace) -> None:
    base = describe_skill(learnt, NAME).base
    with pytest.raises(SkillInvalid):
        edit(learnt, NAME, text, base)
    assert current(learnt) == {NAME: RULE.sha256}


def test_what_the_format_lacks_is_left_aside_and_told(learnt: Workspace) -> None:
    done = edit(learnt, NAME, *edited(learnt, "\ndescription:", "\nmood: good\ndescription:"))
    assert "no field 'mood'" in "".join(done.notes)


def test_a_pinned_skill_can_be_edited_by_its_user(learnt: Workspace) -> None:
    pin(learnt, NAME, on=True)
    assert edit(learnt, NAME, *edited(learnt, "semicolons", "tabs")).made == 2


def test_a_disabled_skill_is_edited_without_being_in_use(learnt: Workspace) -> None:
    switch(learnt, NAME, on=False)
    done = edit(learnt, NAME, *edited(learnt, "semicolons", "tabs"))
    assert (done.made, current(learnt)) == (done.before, {})
    assert "tabs" in describe_skill(learnt, NAME).source
    switch(learnt, NAME, on=True)
    assert "tabs" in named(learnt, NAME).body


def test_of_two_edits_of_a_disabled_skill_the_second_is_refused(learnt: Workspace) -> None:
    switch(learnt, NAME, on=False)
    first, second = edited(learnt, "semicolons", "tabs"), edited(learnt, "semicolons", "blanks")
    edit(learnt, NAME, *first)
    with pytest.raises(SkillChanged):
        edit(learnt, NAME, *second)
    assert "tabs" in describe_skill(learnt, NAME).source


def test_a_broken_file_is_shown_as_it_stands_and_can_be_mended(learnt: Workspace) -> None:
    learnt.synchronised()
    (learnt.home.skills / NAME / "SKILL.md").write_text("half a thought")
    account = describe_skill(learnt, NAME)
    assert (account.source, account.sha256) == ("half a thought", RULE.sha256)
    assert "no frontmatter" in account.problem
    done = edit(learnt, NAME, skill_text(REWORDED), account.base)
    assert (done.made, describe_skill(learnt, NAME).problem) == (2, "")
    assert current(learnt) == {NAME: REWORDED.sha256}


def test_a_broken_file_that_was_changed_meanwhile_is_not_written_over(learnt: Workspace) -> None:
    learnt.synchronised()
    path = learnt.home.skills / NAME / "SKILL.md"
    path.write_text("half a thought")
    base = describe_skill(learnt, NAME).base
    path.write_text("another thought")
    with pytest.raises(SkillChanged):
        edit(learnt, NAME, skill_text(REWORDED), base)
    assert path.read_text() == "another thought"


def test_a_file_that_never_was_a_skill_can_be_mended(workspace: Workspace) -> None:
    (workspace.home.skills / NAME).mkdir(parents=True)
    (workspace.home.skills / NAME / "SKILL.md").write_text("half a thought")
    found = text_of_skill(workspace, NAME, None)
    assert (found.text, found.sha256) == ("half a thought", None)
    assert edit(workspace, NAME, skill_text(RULE), found.base).changes.added == (NAME,)


def test_a_file_outside_the_library_is_not_shown(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (workspace.home.skills / NAME).mkdir(parents=True)
    (workspace.home.skills / NAME / "SKILL.md").symlink_to(tmp_path / "secret")
    with pytest.raises(NotFound, match="link out of the skill library"):
        text_of_skill(workspace, NAME, None)


def test_an_unknown_skill_cannot_be_edited(learnt: Workspace) -> None:
    with pytest.raises(NotFound, match="Did you mean csv-separator"):
        edit(learnt, "csv-seperator", "x", "y")


def test_a_skill_is_written_under_the_name_that_it_has(workspace: Workspace) -> None:
    done = write(workspace, skill_text(RULE))
    assert (done.made, done.changes.added) == (1, (NAME,))
    assert in_folder(workspace) == [NAME]


@pytest.mark.parametrize("text", ["", "# A heading", "---\ndescription: d\n---\n\nDo it."])
def test_what_is_no_skill_is_not_added(text: str, workspace: Workspace) -> None:
    with pytest.raises(SkillInvalid):
        write(workspace, text)


def test_no_skill_is_written_over_by_a_new_one(learnt: Workspace) -> None:
    with pytest.raises(SkillRefused, match="already"):
        write(learnt, skill_text(REWORDED))
    switch(learnt, NAME, on=False)
    with pytest.raises(SkillRefused, match="not in use"):
        write(learnt, skill_text(REWORDED))


def test_a_broken_file_is_not_written_over_by_a_new_skill(workspace: Workspace) -> None:
    path = workspace.home.skills / NAME / "SKILL.md"
    path.parent.mkdir(parents=True)
    path.write_text("half a thought")
    with pytest.raises(SkillRefused, match="cannot be used"):
        write(workspace, skill_text(RULE))
    assert path.read_text() == "half a thought"


def test_a_text_of_an_earlier_generation_is_shown(learnt: Workspace) -> None:
    edit(learnt, NAME, *edited(learnt, "semicolons", "tabs"))
    found = text_of_skill(learnt, NAME, 1)
    assert (found.generation, found.sha256, found.base) == (1, RULE.sha256, "")
    assert "semicolons" in found.text
    with pytest.raises(NotFound, match="It changed in: g1, g2"):
        text_of_skill(learnt, NAME, 0)
    with pytest.raises(NotFound, match="There are 0 to 2"):
        text_of_skill(learnt, NAME, 9)


def test_a_quarantined_skill_that_a_rollback_took_out_can_be_disabled_or_released(learnt: Workspace) -> None:
    quarantine(learnt, NAME, on=True)
    roll_back_library(learnt, 0)
    assert switch(learnt, NAME, on=False).made == 2
    assert list_skills(learnt).skills[0].marks == ("disabled", "quarantined")
    switch(learnt, NAME, on=True)
    assert current(learnt) == {NAME: RULE.sha256}
    quarantine(learnt, NAME, on=True)
    roll_back_library(learnt, 0)
    assert "a rollback brings it back" in quarantine(learnt, NAME, on=False).told
    assert list_skills(learnt).skills == ()
