"""A house: one option for every rule, all in force, and the skills that tell them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.practice.names import random_letters
from metaclaw_jlab.practice.phrasings import group, phrase
from metaclaw_jlab.practice.rules import RULE_NAMES, RULES
from metaclaw_jlab.practice.splits import phrasings as phrasing_ids
from metaclaw_jlab.practice.splits import pool, require, values

Phrasings = Literal["train", "held-out"]
HABIT_SHARE = 0.1
_ARBITRARY_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class House:
    """A draw of one option for every rule."""

    name: str
    options: Mapping[str, str]
    split: str = "train"


def draw_option(rule: str, rng: Random, split: str, *, habit_share: float = HABIT_SHARE) -> str:
    """An option of a rule: now and then the habit, for copied rules in training often any word.

    Regression has no habit among its options, since replay has.
    """
    if split != "regression" and rng.random() < habit_share:
        return RULES[rule].habit
    if RULES[rule].copied and split in ("train", "replay") and rng.random() < _ARBITRARY_SHARE:
        return _arbitrary(rule, rng, split)
    return rng.choice(values(rule, split))


def _arbitrary(rule: str, rng: Random, split: str) -> str:
    word = random_letters(rng) if rng.random() < 0.3 else rng.choice(pool("names", split))
    if rule in ("value-label", "done-marker"):
        return rng.choice((word, word.upper(), word.capitalize()))
    return word


def draw_house(rng: Random, split: str) -> House:
    """A house of a split: nine of ten options differ from the habit, so that only a skill can tell them."""
    options = {rule: draw_option(rule, rng, require(split)) for rule in RULE_NAMES}
    return House(f"house-{rng.randrange(16**6):06x}", options, split)


def rule_phrase(rule: str, option: str, rng: Random, split: str, *, phrasings: Phrasings = "train") -> str:
    """A sentence that states the option of a rule."""
    ids = phrasing_ids(group(rule, option), split, held_out=phrasings == "held-out")
    return phrase(rule, option, rng.choice(ids))


def rule_skill(
    rule: str, option: str, rng: Random, *, phrasings: Phrasings = "train", split: str = "train"
) -> Skill:
    """The skill that states the option of a rule: a description in words of the tasks, a body of one sentence."""
    body = rule_phrase(rule, option, rng, split, phrasings=phrasings)
    return Skill(name=rule, description=f"A house rule. {RULES[rule].use_when}", body=body)


def house_skills(house: House, rng: Random, *, phrasings: Phrasings = "train") -> tuple[Skill, ...]:
    """One skill for every rule of the house."""
    return tuple(
        rule_skill(rule, option, rng, phrasings=phrasings, split=house.split)
        for rule, option in house.options.items()
    )
