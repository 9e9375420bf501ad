"""Arms by name and in a line."""

from __future__ import annotations

import json

import pytest

from metaclaw_jlab.core.arm import Arm, Learning, SkillSource
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.evaluation.ablation.arms import (
    PAPER,
    PRESETS,
    arm_of,
    arm_record,
    describe,
    learners,
    parse_arm,
    parse_arms,
    preset,
)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_json(name: str) -> None:
    assert arm_of(json.loads(json.dumps(arm_record(preset(name))))) == preset(name)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_called_by_its_name_and_says_what_it_is(name: str) -> None:
    assert preset(name).name == name
    assert describe(preset(name))


def test_the_papers_three_arms_add_one_part_each() -> None:
    baseline, skills, full = parse_arms(",".join(PAPER))
    assert (baseline.skills, baseline.adapter, baseline.learns) == (SkillSource.NONE, "base", False)
    assert (skills.skills, skills.adapter) == (SkillSource.LIBRARY, "base")
    assert skills.learning == Learning(skills=True)
    assert (full.skills, full.adapter, full.learning) == (
        SkillSource.LIBRARY,
        "serving",
        Learning(skills=True, weights=True),
    )


def test_an_arm_in_a_line_is_a_preset_with_changes() -> None:
    arm = parse_arm("old=full, generation=12, adapter=v3, temperature=0.3, skills.max_skills=1, wrong=0.1")
    assert arm == Arm(
        "old",
        generation=12,
        adapter="v3",
        temperature=0.3,
        learning=Learning(skills=True, weights=True, wrong=0.1),
        settings={"skills.max_skills": 1},
    )
    assert arm.version == 3


def test_a_window_may_be_open_again() -> None:
    assert parse_arm("whole=window-5,window_minutes=null").learning.window_minutes is None


def test_an_arm_of_ones_own_is_told_by_its_changes() -> None:
    told = describe(parse_arm("few=skills,skills.max_skills=1,temperature=best"))
    assert "skills.max_skills 1" in told
    assert "temperature best" in told


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("few", "is no arm"),
        ("few=", "is no arm"),
        ("few=nothing", "no arm 'nothing'"),
        ("few=skills,loud", "changes nothing"),
        ("few=skills,loud=1", "no part 'loud'"),
        ("few=skills,skills.loud=1", "no part 'skills.loud'"),
        ("few=skills,skills=loud", "takes its skills from"),
        ("few=skills,generation=-1", "generation"),
        ("few=skills,generation=true", "generation"),
        ("few=skills,adapter=3", "adapter"),
        ("few=skills,temperature=9", "temperature"),
        ("few=skills,wrong=2", "wrongly"),
        ("few=skills,wrong=often", "a number"),
        ("few=skills,gated=1", "true or false"),
        ("Few arms=skills,wrong=0", "no name"),
    ],
)
def test_what_is_no_arm_is_told(line: str, said: str) -> None:
    with pytest.raises(UsageMistake) as told:
        parse_arm(line)
    assert said in str(told.value)
    assert told.value.next_step


def test_no_arm_at_all_is_told() -> None:
    with pytest.raises(UsageMistake):
        parse_arms(" , ")


def test_arms_whose_weights_train_are_known() -> None:
    assert learners(parse_arms("baseline,skills,full,adapter")) == ("full", "adapter")
