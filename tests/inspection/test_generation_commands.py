import argparse
from typing import Any

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.inspection.generation_commands import (
    add_generation_arguments,
    render_generation_result,
    run_generations,
)
from metaclaw_jlab.skills.library import read_library, write_skill
from metaclaw_jlab.store.skills import Skills
from tests.inspection.learning_samples import REWORDED, RULE, SAID


def run(workspace: Workspace, *words: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_generation_arguments(parser)
    return run_generations(workspace, parser.parse_args(words))


def text(workspace: Workspace, *words: str) -> str:
    return render_generation_result(run(workspace, *words))


@pytest.fixture
def reworded(learnt: Workspace) -> Workspace:
    """The rule learnt (generation 1) and reworded by hand (2)."""
    Skills(learnt.database()).commit_generation(Cause.USER, [REWORDED])
    return learnt


def test_all_are_listed_where_no_action_is_named(reworded: Workspace) -> None:
    assert [generation.number for generation in run(reworded)["generations"]] == [2, 1, 0]


@pytest.mark.parametrize("words", [("--limit", "1"), ("list", "--limit", "1"), ("--limit", "1", "list")])
def test_the_limit_stands_before_or_after_the_action(words: tuple[str, ...], reworded: Workspace) -> None:
    assert len(run(reworded, *words)["generations"]) == 1


def test_one_is_shown_with_its_skills_and_the_failures_behind_it(reworded: Workspace) -> None:
    told = text(reworded, "show", "1")
    assert "Skill generation 1" in told
    assert "learnt from failures" in told
    assert f"~ csv-separator  {RULE.sha256[:12]}" in told
    assert SAID in told


def test_a_number_may_be_written_as_it_is_shown(reworded: Workspace) -> None:
    assert run(reworded, "show", "g1")["generation"].number == 1


def test_the_current_one_is_marked(reworded: Workspace) -> None:
    assert "generation 2 (the current one)" in text(reworded, "show", "2")


def test_a_diff_is_to_the_current_one_where_none_is_named(reworded: Workspace) -> None:
    assert run(reworded, "diff", "0")["diff"].after == 2
    assert run(reworded, "diff", "0", "1")["diff"].after == 1


def test_a_dry_run_says_what_would_change_and_changes_nothing(reworded: Workspace) -> None:
    told = text(reworded, "rollback", "1", "--dry-run")
    assert "nothing is changed yet" in told
    assert "+Write csv files with semicolons." in told
    assert Skills(reworded.database()).current_generation().number == 2


def test_a_rollback_is_a_new_generation_and_says_how_to_undo_it(reworded: Workspace) -> None:
    told = text(reworded, "rollback", "1")
    assert "The skills of generation 1 are back. Generation 3: ~csv-separator." in told
    assert "`generations rollback 2`" in told
    current = Skills(reworded.database()).current_generation()
    assert (current.number, current.cause, dict(current.members)) == (
        3,
        Cause.ROLLBACK,
        {RULE.name: RULE.sha256},
    )


def test_a_rollback_writes_the_working_copy(reworded: Workspace) -> None:
    run(reworded, "rollback", "1")
    assert [skill.body for skill in read_library(reworded.home.skills).skills] == [RULE.body]


def test_a_rollback_to_equal_skills_changes_nothing(reworded: Workspace) -> None:
    assert "Nothing changes" in text(reworded, "rollback", "2")
    assert Skills(reworded.database()).current_generation().number == 2


def test_an_edit_by_hand_is_taken_in_before_a_rollback(reworded: Workspace) -> None:
    reworded.synchronised()
    edited = RULE.__class__(RULE.name, RULE.description, "By hand.")
    write_skill(reworded.home.skills, edited)
    assert run(reworded, "rollback", "1")["done"].before == 3
    assert [skill.body for skill in Skills(reworded.database()).members(3)] == ["By hand."]


def test_a_rollback_to_nowhere_says_which_there_are(reworded: Workspace) -> None:
    with pytest.raises(NotFound, match="There are 0 to 2"):
        run(reworded, "rollback", "9")


@pytest.mark.parametrize("words", [("show", "x"), ("show", "-1"), ("list", "--limit", "0"), ("diff",)])
def test_what_is_no_number_is_a_usage_error(words: tuple[str, ...], workspace: Workspace) -> None:
    with pytest.raises((argparse.ArgumentError, SystemExit)):
        run(workspace, *words)


def test_the_way_back_and_forth_needs_no_number(reworded: Workspace) -> None:
    skills = Skills(reworded.database())
    before = skills.current_generation().members
    run(reworded, "rollback", "previous")
    assert skills.current_generation().members == skills.generation(1).members
    run(reworded, "rollback", "previous")
    assert skills.current_generation().members == before
