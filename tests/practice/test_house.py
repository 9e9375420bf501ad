"""A house has an option for every rule, and a valid skill that says it."""

from __future__ import annotations

from random import Random

import pytest

from metaclaw_jlab.practice import RULE_NAMES, RULES, draw_house, house_skills, rule_skill
from metaclaw_jlab.practice.phrasings import TEMPLATES, phrase
from metaclaw_jlab.practice.splits import phrasings, values


def test_nine_of_ten_options_differ_from_the_habit() -> None:
    houses = [draw_house(Random(seed), "test") for seed in range(300)]
    habits = [house.options[rule] == RULES[rule].habit for house in houses for rule in RULE_NAMES]
    assert 0.08 < sum(habits) / len(habits) < 0.12


def test_a_test_house_has_test_values() -> None:
    house = draw_house(Random(3), "test")
    for rule, option in house.options.items():
        assert option in (RULES[rule].habit, *values(rule, "test"))


def test_there_is_a_skill_for_every_rule() -> None:
    house = draw_house(Random(3), "test")
    skills = house_skills(house, Random(4))
    assert tuple(skill.name for skill in skills) == RULE_NAMES
    assert all("Use when" in skill.description for skill in skills)


@pytest.mark.parametrize("rule", [rule for rule in RULE_NAMES if RULES[rule].copied])
def test_the_skill_of_a_copied_rule_holds_its_value(rule: str) -> None:
    assert "zanzibar" in rule_skill(rule, "zanzibar", Random(1), phrasings="held-out").body


def test_held_out_phrasings_are_used_when_asked_for() -> None:
    trained = {phrase("rounding", "2", index) for index in phrasings("rounding", "test", held_out=False)}
    bodies = {rule_skill("rounding", "2", Random(s), phrasings="held-out").body for s in range(30)}
    assert len(bodies) > 1
    assert not bodies & trained


@pytest.mark.parametrize("rule", RULE_NAMES)
def test_options_of_a_rule_are_said_differently(rule: str) -> None:
    options = (RULES[rule].habit, *values(rule, "train"))
    said = [{rule_skill(rule, option, Random(seed)).body for seed in range(60)} for option in options]
    assert len(set().union(*said)) == sum(map(len, said))


def test_most_options_have_ten_phrasings() -> None:
    assert sum(len(texts) >= 10 for texts in TEMPLATES.values()) >= len(RULE_NAMES)
    assert min(map(len, TEMPLATES.values())) >= 8
