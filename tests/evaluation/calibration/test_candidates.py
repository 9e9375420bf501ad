from dataclasses import replace

import pytest

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.evaluation.calibration.candidates import (
    STAGES,
    START,
    Candidate,
    chosen_stages,
    variant_names,
    without_skills,
)

FORM, SKILLS, THRESHOLD, TEMPERATURE = STAGES


def named(stage, name: str, base: Candidate = START) -> Candidate:
    return next(one for one in stage.candidates(base) if one.name == name)


def test_every_form_is_compared_without_skills():
    forms = FORM.candidates(START)
    assert len({one.key for one in forms}) == len(forms) == 10
    assert all(one.prompting.max_skills == 0 for one in forms)


def test_a_chosen_form_leaves_the_skills_as_they_were():
    base = FORM.after(START, named(FORM, "notebook-said-rows3"))
    assert (base.prompting.instructions, base.prompting.ends, base.prompting.file_rows) == (
        "notebook",
        "said",
        3,
    )
    assert base.prompting.max_skills == START.prompting.max_skills


def test_no_skills_is_asked_as_the_chosen_form_was_so_that_its_attempts_count_again():
    form = named(FORM, "brief-ran-rows3")
    none, *_ = SKILLS.candidates(FORM.after(START, form))
    assert none.key == form.key


def test_the_first_of_each_later_stage_is_what_was_chosen_before():
    base = SKILLS.after(START, named(SKILLS, "task-2"))
    first, *others = THRESHOLD.candidates(base)
    assert first.key == base.key
    assert base.key not in {one.key for one in others}
    assert TEMPERATURE.candidates(base)[0].key == base.key


def test_without_skills_there_is_no_threshold_to_find():
    base = SKILLS.after(START, named(SKILLS, "no-skills"))
    assert THRESHOLD.candidates(base) == ()


def test_only_named_variants_are_compared_beside_the_first_of_their_stage():
    stages = chosen_stages(["notebook-said", "task-1"])
    assert [[one.name for one in stage.candidates(START)] for stage in stages] == [
        ["notebook-said"],
        ["no-skills", "task-1"],
    ]


def test_an_unknown_variant_is_refused_with_those_that_there_are():
    with pytest.raises(UsageMistake, match="task-3"):
        chosen_stages(["task-9"])


def test_names_are_given_once():
    assert len(set(variant_names())) == len(variant_names())


def test_prompts_without_skills_are_one_whatever_was_said_of_skills():
    other = replace(START.prompting, skills_at="system", max_skills=3, threshold=2.0)
    assert without_skills(START.prompting) == without_skills(other)
