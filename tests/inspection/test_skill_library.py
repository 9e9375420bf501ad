import json

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.inspection.json_values import as_json
from metaclaw_jlab.inspection.skill_library import (
    compare_skill,
    describe_skill,
    list_skills,
    named,
    render_skill,
    render_skills,
)
from metaclaw_jlab.skills.library import write_skill
from metaclaw_jlab.store.marks import Mark, Marks
from metaclaw_jlab.store.skills import Skills
from tests.inspection.learning_samples import REWORDED, RULE, SAID


def commit(workspace: Workspace, *skills: object) -> None:
    Skills(workspace.database()).commit_generation(Cause.USER, skills)  # type: ignore[arg-type]


def test_an_empty_library_says_what_fills_it(workspace: Workspace) -> None:
    told = render_skills(list_skills(workspace))
    assert "%metaclaw bad" in told
    assert f"{workspace.home.skills}/<name>/SKILL.md" in told
    assert "skills import" in told


def test_a_skill_is_listed_with_its_version_uses_and_marks(learnt: Workspace) -> None:
    Marks(learnt.database()).mark(RULE.name, Mark.PINNED)
    (line, _) = render_skills(list_skills(learnt)).splitlines()
    assert line.split("  ") == ["csv-separator", "g1", "1 used", "pinned", RULE.description]


def test_an_edit_by_hand_is_listed_as_taken_in(learnt: Workspace) -> None:
    list_skills(learnt)
    write_skill(learnt.home.skills, REWORDED)
    found = list_skills(learnt)
    assert (found.generation, found.adopted) == (2, (RULE.name,))
    assert "adopted the edit by hand of csv-separator" in render_skills(found)


def test_what_is_wrong_in_the_folder_is_listed(learnt: Workspace) -> None:
    (learnt.home.skills / "broken").mkdir()
    assert "problem: Folder 'broken'" in render_skills(list_skills(learnt))


def test_a_skill_is_shown_with_text_lineage_versions_and_uses(learnt: Workspace) -> None:
    commit(learnt, REWORDED)
    told = render_skill(describe_skill(learnt, RULE.name))
    assert told.startswith("---\nname: csv-separator\n")
    assert REWORDED.body in told
    assert f'task bad: "{SAID}"' in told
    assert told.index("g2, by hand") < told.index("g1, learnt from failures")
    assert "used 1 time: 1 passed" in told
    assert "and by 1 task like those" in told


def test_a_skill_that_somebody_wrote_says_so(workspace: Workspace) -> None:
    commit(workspace, REWORDED)
    told = render_skill(describe_skill(workspace, RULE.name))
    assert "no failure: somebody wrote it" in told
    assert "found by its own words alone" in told


def test_an_unknown_skill_names_the_nearest(learnt: Workspace) -> None:
    with pytest.raises(NotFound, match="Did you mean csv-separator"):
        named(learnt, "csv-seperator")


def test_a_broken_skill_says_what_is_wrong(workspace: Workspace) -> None:
    (workspace.home.skills / "broken").mkdir()
    with pytest.raises(NotFound, match=r"no SKILL\.md"):
        named(workspace, "broken")


def test_the_last_change_is_the_diff_where_none_is_named(learnt: Workspace) -> None:
    commit(learnt, REWORDED)
    commit(learnt, REWORDED, RULE.__class__("dates", "d", "b"))
    lines = compare_skill(learnt, RULE.name, None, None).lines
    assert lines[:2] == ("--- generation 1", "+++ generation 3")
    assert "+Separate values in csv files by semicolons." in lines


def test_a_diff_against_a_generation_without_the_skill_is_its_whole_text(learnt: Workspace) -> None:
    lines = compare_skill(learnt, RULE.name, 0, 1).lines
    assert "+name: csv-separator" in lines


def test_a_diff_of_a_skill_that_was_taken_out_can_be_seen(learnt: Workspace) -> None:
    commit(learnt)
    assert "-name: csv-separator" in compare_skill(learnt, RULE.name, None, None).lines


def test_a_diff_where_the_skill_never_was_says_where_it_changed(learnt: Workspace) -> None:
    commit(learnt)
    with pytest.raises(NotFound, match="It changed in: g1, g2"):
        compare_skill(learnt, RULE.name, 0, 2)


def test_the_list_and_the_account_are_json(learnt: Workspace) -> None:
    listed = json.loads(json.dumps(as_json(list_skills(learnt))))
    assert listed["skills"][0]["since"]["cause"] == "evolver"
    shown = json.loads(json.dumps(as_json(describe_skill(learnt, RULE.name))))
    assert shown["skill"]["body"] == RULE.body
