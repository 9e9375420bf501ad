import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.inspection.generations import (
    CAUSES,
    NAMED,
    Changes,
    LeftOut,
    SkillDiff,
    changes_between,
    compare_generations,
    describe_generation,
    diff_lines,
    in_words,
    list_generations,
    render_diff,
    render_generations,
)
from metaclaw_jlab.store.skills import Skills
from tests.inspection.learning_samples import REWORDED, RULE

DATES = Skill("dates", "How dates look.", "Write dates as day/month/year.")


@pytest.fixture
def skills(learnt: Workspace) -> Skills:
    """Four generations: nothing, the rule learnt, the rule reworded and another added, the rule removed."""
    made = Skills(learnt.database())
    made.commit_generation(Cause.USER, [REWORDED, DATES])
    made.commit_generation(Cause.IMPORT, [DATES])
    return made


def test_the_newest_comes_first_with_what_it_changed(skills: Skills) -> None:
    found = list_generations(skills, 10)
    assert [(generation.number, in_words(generation.changes)) for generation in found] == [
        (3, "-csv-separator"),
        (2, "+dates, ~csv-separator"),
        (1, "+csv-separator"),
        (0, "no change"),
    ]
    assert [generation.current for generation in found] == [True, False, False, False]


def test_the_limit_keeps_the_newest_and_their_changes(skills: Skills) -> None:
    (only,) = list_generations(skills, 1)
    assert (only.number, in_words(only.changes)) == (3, "-csv-separator")
    assert "3 older ones" in render_generations((only,))


def test_older_generations_come_by_the_page(skills: Skills) -> None:
    assert [found.number for found in list_generations(skills, 2, 3)] == [2, 1]
    assert [found.number for found in list_generations(skills, 9, 1)] == [0]
    assert list_generations(skills, 9, 0) == ()


def test_of_a_large_difference_the_first_texts_are_told(skills: Skills) -> None:
    found = compare_generations(skills, 1, 2, 1)
    assert ([text.name for text in found.texts], found.more) == (["csv-separator"], 1)
    assert found.changes == compare_generations(skills, 1, 2).changes


def test_a_list_tells_cause_and_evidence(skills: Skills) -> None:
    lines = render_generations(list_generations(skills, 10)).splitlines()
    assert lines[0].startswith(">  g3")
    assert "import" in lines[0]
    assert "learnt from failures" in lines[2]
    assert lines[2].endswith("1 failure")


def test_a_new_home_says_what_makes_a_generation(workspace: Workspace) -> None:
    told = render_generations(list_generations(Skills(workspace.database()), 10))
    assert "%metaclaw bad" in told


def test_one_generation_is_described(skills: Skills) -> None:
    found = describe_generation(skills, 2)
    assert (found.cause, found.skills, found.parent, found.current) == ("user", 2, 1, False)


@pytest.mark.parametrize("number", [4, 99])
def test_an_unknown_generation_says_which_there_are(skills: Skills, number: int) -> None:
    with pytest.raises(NotFound, match="There are 0 to 3"):
        describe_generation(skills, number)


def test_a_diff_has_the_texts_of_what_changed(skills: Skills) -> None:
    found = compare_generations(skills, 1, 2)
    assert found.changes == Changes(added=("dates",), changed=("csv-separator",))
    told = render_diff(found)
    assert "-Write csv files with semicolons." in told
    assert "+Separate values in csv files by semicolons." in told
    assert "+Write dates as day/month/year." in told


def test_a_diff_goes_both_ways(skills: Skills) -> None:
    assert compare_generations(skills, 3, 1).changes == Changes(added=("csv-separator",), removed=("dates",))


def test_generations_with_equal_skills_have_no_diff(skills: Skills) -> None:
    assert not compare_generations(skills, 2, 2).changes.any


def test_a_long_diff_is_cut() -> None:
    lines = diff_lines(SkillDiff("a", tuple(f"+{number}" for number in range(500))), most=10)
    assert (len(lines), lines[-1]) == (12, "… 490 lines more")


def test_of_very_many_names_the_first_of_each_kind_are_told_and_the_rest_counted() -> None:
    names = [f"rule-{number}" for number in range(9)]
    before, after = dict.fromkeys(names[:7], "x"), dict.fromkeys(names[4:], "y")
    assert changes_between(before, after, 2) == Changes(
        ("rule-7", "rule-8"), ("rule-0", "rule-1"), ("rule-4", "rule-5"), LeftOut(0, 2, 1)
    )


def test_names_that_are_left_out_count_in_words() -> None:
    changes = changes_between({}, dict.fromkeys(map(str, range(9)), "x"), 3)
    assert in_words(changes) == "+0, +1, +2 and 6 more"
    assert in_words(changes, 2) == "+0, +1 and 7 more"


def test_a_large_import_is_counted_whole(workspace: Workspace) -> None:
    skills = Skills(workspace.database())
    many = [Skill(f"rule-{number:04d}", "A rule.", "Keep it.") for number in range(NAMED + 50)]
    skills.commit_generation(Cause.IMPORT, many)
    (made, _) = list_generations(skills, 10)
    assert (len(made.changes.added), made.changes.left_out) == (NAMED, LeftOut(added=50))
    diff = compare_generations(skills, 0, 1, 3)
    assert (diff.changes, len(diff.texts), diff.more) == (made.changes, 3, NAMED + 47)


def test_many_names_are_cut() -> None:
    changes = changes_between({}, dict.fromkeys(map(str, range(9)), "x"))
    assert in_words(changes).endswith("and 5 more")


def test_every_cause_has_words() -> None:
    assert set(CAUSES) == set(Cause)


def test_a_skill_that_is_the_same_is_no_change() -> None:
    assert not changes_between({RULE.name: RULE.sha256}, {RULE.name: RULE.sha256}).any
