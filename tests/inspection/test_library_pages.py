from dataclasses import replace

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.evolution import Source
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Origin
from metaclaw_jlab.inspection.library_pages import library_groups, library_rows
from metaclaw_jlab.inspection.skill_changes import pin, quarantine, remove, switch
from metaclaw_jlab.skills.library import write_skill
from metaclaw_jlab.store.skills import Lesson, Skills
from tests.inspection.learning_samples import REWORDED, RULE, failed

DATES = Skill("dates", "How dates look.", "Write dates as day/month/year.")
NAMES = Skill("names", "How things are called.", "Snake case. <script>alert(1)</script>")


@pytest.fixture
def library(learnt: Workspace) -> Workspace:
    """One skill learnt in a.ipynb, one imported, one by hand; the learnt one reworded last."""
    skills = Skills(learnt.database())
    skills.commit_generation(Cause.IMPORT, [RULE, DATES])
    skills.commit_generation(Cause.USER, [RULE, DATES, NAMES])
    skills.commit_generation(Cause.EVOLVER, [REWORDED, DATES, NAMES])
    return learnt


def groups(workspace: Workspace, by: str, search: str = "") -> list[tuple[str, str, int]]:
    found = library_groups(workspace, by, search)  # type: ignore[arg-type]
    return [(group.key, group.label, group.count) for group in found.groups]


def names(workspace: Workspace, **how: object) -> list[str]:
    return [row.name for row in library_rows(workspace, **how).rows]  # type: ignore[arg-type]


def test_skills_are_grouped_by_the_notebook_that_taught_them(library: Workspace) -> None:
    assert groups(library, "source") == [
        ("notebook:a.ipynb", "a.ipynb", 1),
        ("hand", "by hand", 1),
        ("import", "import", 1),
    ]


def test_notebooks_of_one_name_are_told_with_their_folders(library: Workspace) -> None:
    other = failed("other")
    library.trajectories().record(replace(other, task=replace(other.task, origin=Origin("b/a.ipynb", "c9"))))
    Skills(library.database()).commit_generation(
        Cause.EVOLVER,
        [REWORDED, DATES, NAMES, replace(RULE, name="other")],
        ["other"],
        lessons=[Lesson("other", Source("other", "No."))],
    )
    assert [label for _, label, _ in groups(library, "source")][:2] == ["a.ipynb", "b/a.ipynb"]


def test_skills_are_grouped_by_the_generation_that_they_are_of(library: Workspace) -> None:
    assert groups(library, "generation") == [
        ("4", "g4, learnt from failures", 1),
        ("3", "g3, by hand", 1),
        ("2", "g2, import", 1),
    ]


def test_skills_are_grouped_by_their_marks(library: Workspace) -> None:
    pin(library, "dates", on=True)
    quarantine(library, "dates", on=True)
    switch(library, "names", on=False)
    assert [(key, count) for key, _, count in groups(library, "mark")] == [
        ("pinned", 1),
        ("disabled", 1),
        ("quarantined", 1),
        ("none", 1),
    ]


def test_the_groups_say_how_many_and_where(library: Workspace) -> None:
    found = library_groups(library, "source")
    assert (found.generation, found.total, found.folder) == (4, 3, library.home.skills)


def test_an_empty_library_has_no_group(workspace: Workspace) -> None:
    found = library_groups(workspace, "source")
    assert (found.total, found.groups, found.problems) == (0, (), ())


def test_an_edit_by_hand_is_in_the_groups(library: Workspace) -> None:
    library_groups(library, "source")
    write_skill(library.home.skills, replace(DATES, name="mine"))
    assert library_groups(library, "source").total == 4
    assert names(library, group="hand") == ["mine", "names"]


def test_what_is_wrong_in_the_folder_is_told(library: Workspace) -> None:
    (library.home.skills / "broken").mkdir(parents=True)
    assert [problem.folder for problem in library_groups(library, "source").problems] == ["broken"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", ["csv-separator", "dates", "names"]),
        ("DATES", ["dates"]),
        ("how write", ["csv-separator", "dates"]),
        ("<script>", ["names"]),
        ("nothing like it", []),
    ],
)
def test_a_search_finds_what_has_all_its_words(search: str, found: list[str], learnt: Workspace) -> None:
    Skills(learnt.database()).commit_generation(Cause.IMPORT, [RULE, DATES, NAMES])
    assert names(learnt, search=search) == found
    assert library_groups(learnt, "source", search).total == len(found)


def test_the_rows_of_a_group_are_those_of_its_count(library: Workspace) -> None:
    for by in ("source", "generation", "mark"):
        for key, _, count in groups(library, by):
            assert len(names(library, by=by, group=key)) == count


def test_no_row_is_in_a_group_that_is_none(library: Workspace) -> None:
    assert library_rows(library, by="mark", group="loved").total == 0


def test_rows_come_by_the_page(library: Workspace) -> None:
    found = library_rows(library, offset=1, limit=1)
    assert ([row.name for row in found.rows], found.total, found.offset) == (["dates"], 3, 1)
    assert library_rows(library, offset=9).rows == ()


def test_a_row_says_since_when_and_how_it_fared(library: Workspace) -> None:
    (row,) = library_rows(library, group="notebook:a.ipynb").rows
    assert (row.name, row.sha256, row.generation, row.cause) == (RULE.name, REWORDED.sha256, 4, "evolver")
    assert (row.uses, row.helped, row.hurt, row.marks) == (1, 0, 0, ())


def test_a_long_description_is_cut(learnt: Workspace) -> None:
    long = replace(DATES, description="word " * 200)
    Skills(learnt.database()).commit_generation(Cause.USER, [long])
    (row,) = library_rows(learnt).rows
    assert (len(row.description), row.description[-1]) == (160, "…")


def test_a_disabled_skill_keeps_the_version_that_it_had(library: Workspace) -> None:
    switch(library, "dates", on=False)
    (row,) = library_rows(library, by="mark", group="disabled").rows
    assert (row.name, row.generation, row.marks) == ("dates", 2, ("disabled",))


def test_a_skill_that_went_and_came_back_is_of_its_last_coming(library: Workspace) -> None:
    remove(library, "dates")
    assert "dates" not in names(library)
    Skills(library.database()).commit_generation(Cause.USER, [REWORDED, NAMES, DATES])
    (row,) = library_rows(library, search="dates").rows
    assert row.generation == 6
    assert names(library, group="import") == ["dates"]
