import argparse
import json

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Observation, Step
from metaclaw_jlab.inspection.json_values import as_json
from metaclaw_jlab.inspection.why import Account, SkillState
from metaclaw_jlab.inspection.why_command import add_why_arguments, run_why
from metaclaw_jlab.inspection.why_text import render_account
from metaclaw_jlab.store.index_texts import IndexTexts
from metaclaw_jlab.store.skills import Skills
from tests.inspection.learning_samples import REWORDED, RULE, SAID, asked, injected


def account(workspace: Workspace, *words: str) -> Account:
    parser = argparse.ArgumentParser()
    add_why_arguments(parser)
    return run_why(workspace, parser.parse_args(words))


def text(workspace: Workspace, *words: str) -> str:
    return render_account(account(workspace, *words))


def test_a_skill_says_from_which_failure_it_came(learnt: Workspace) -> None:
    told = text(learnt)
    assert "version of g1, learnt from failures" in told
    assert f'in a.ipynb, cell c1, task bad: "{SAID}"' in told


def test_a_skill_says_how_it_fared(learnt: Workspace) -> None:
    assert "used 1 time: 1 passed" in text(learnt)
    assert "(used: in the prompts of so many tasks;" in text(learnt)


def test_the_generation_is_told_with_its_cause(learnt: Workspace) -> None:
    assert "generation 1 (learnt from failures: +csv-separator)\n" in text(learnt)
    assert "generation 0; now it is 1" in text(learnt, "bad")


def test_another_current_version_is_told_with_where_to_see_it(learnt: Workspace) -> None:
    Skills(learnt.database()).commit_generation(Cause.USER, [REWORDED])
    assert account(learnt).chosen[0].state is SkillState.EDITED
    assert "g2 has another: `skills diff csv-separator 1 2`" in text(learnt)


def test_a_skill_taken_out_since_is_told_with_the_generation(learnt: Workspace) -> None:
    Skills(learnt.database()).commit_generation(Cause.USER, [])
    assert "removed since" in text(learnt)
    assert "taken out by g2" in text(learnt)


def test_a_skill_that_came_back_is_current(learnt: Workspace) -> None:
    skills = Skills(learnt.database())
    skills.commit_generation(Cause.USER, [])
    skills.commit_generation(Cause.ROLLBACK, skills.members(1))
    assert account(learnt).chosen[0].state is SkillState.CURRENT


def test_a_skill_of_no_failure_was_written(workspace: Workspace) -> None:
    Skills(workspace.database()).commit_generation(Cause.USER, [REWORDED])
    workspace.trajectories().record(asked("good", injected(REWORDED), generation=1))
    assert "came from no failure: somebody wrote it" in text(workspace)


def test_an_edited_step_shows_what_ran_instead(learnt: Workspace) -> None:
    step = Step(0, (), "reply", "save(rows)", Observation(), ran="save(rows, sep=';')")
    learnt.trajectories().record(asked("edited", injected(), generation=1, steps=(step,)))
    told = text(learnt)
    assert "you ran it otherwise:" in told
    assert "  -save(rows)\n  +save(rows, sep=';')" in told
    assert "you ran" not in text(learnt, "--no-code")


def test_what_became_of_a_failure_is_told(learnt: Workspace) -> None:
    assert "learnt  it evolved into skill generation 1" in text(learnt, "bad")
    assert "role    support" in text(learnt, "bad")


def test_a_remembered_task_is_read_again(learnt: Workspace) -> None:
    parser = argparse.ArgumentParser()
    add_why_arguments(parser)
    stale = asked("bad")
    assert run_why(learnt, parser.parse_args([]), stale).role == "support"


def test_without_a_task_that_is_said(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match="%%metaclaw"):
        account(workspace)


def test_the_account_with_its_lineage_is_json(learnt: Workspace) -> None:
    told = json.loads(json.dumps(as_json(account(learnt))))
    assert told["chosen"][0]["whence"]["failures"][0]["said"] == SAID
    assert told["chosen"][0]["whence"]["use"]["passed"] == 1
    assert told["aftermath"]["decision"] is None


def test_the_task_by_which_the_index_finds_a_skill_is_told(learnt: Workspace) -> None:
    assert 'found by a task like it: "save the rows as csv"' in text(learnt)


def test_a_task_does_not_find_a_skill_by_its_own_text(learnt: Workspace) -> None:
    IndexTexts(learnt.database()).remove(RULE.name, "save the rows as csv")
    IndexTexts(learnt.database()).add(RULE.name, "save the rows as csv", "good")
    assert account(learnt).chosen[0].like is None


def test_the_nearest_skills_are_found_by_the_texts_of_their_tasks_too(learnt: Workspace) -> None:
    IndexTexts(learnt.database()).add(RULE.name, "bake the almond cakes", "good")
    learnt.trajectories().record(asked("cakes", generation=1, task=Task("Bake the almond cakes")))
    assert [other.name for other in account(learnt).others] == [RULE.name]
