"""Solutions of tasks, and demonstrations that are imperfect on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from metaclaw_jlab.practice.families import FAMILIES
from metaclaw_jlab.practice.house import draw_house, draw_option, rule_phrase
from metaclaw_jlab.practice.names import Style
from metaclaw_jlab.practice.rules import RULE_NAMES, RULES
from metaclaw_jlab.practice.sampling import sample_task
from metaclaw_jlab.practice.splits import values
from metaclaw_jlab.practice.task import PracticeTask

PROMPT_SKILLS = 3
_UNTOLD_HABIT_SHARE = 0.85
_UNTOLD_VALUES = 3
_NATURAL_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A task with the skill sentences of its prompt, in order, and the code of each step.

    `used` are the options that the code follows; `dropped` is the rule that was replaced by its habit though its
    skill is in the prompt. `observations` is what each step prints.
    """

    task: PracticeTask
    skills: tuple[str, ...]
    steps: tuple[str, ...]
    observations: tuple[str, ...]
    used: Mapping[str, str]
    given: tuple[str, ...]
    dropped: str | None


def solution(task: PracticeTask, options: Mapping[str, str]) -> tuple[str, ...]:
    """The code of each step under the options of the task's rules."""
    return tuple(FAMILIES[part.family].code(part.params, options).rstrip("\n") for part in task.parts)


def shown(task: PracticeTask, options: Mapping[str, str]) -> tuple[str, ...]:
    """What the code of each step prints under the options."""
    return tuple(FAMILIES[part.family].shown(part.params, task.files, options) for part in task.parts)


def untold(rule: str, rng: Random, split: str = "train") -> str:
    """The option that a demonstration takes when no skill tells: the habit mostly."""
    if rng.random() < _UNTOLD_HABIT_SHARE:
        return RULES[rule].habit
    return rng.choice(values(rule, split)[:_UNTOLD_VALUES])


def demonstrate(
    rng: Random,
    *,
    habit_share: float = 0.65,
    compound_share: float = 0.5,
    split: str = "train",
    missing_share: float = 0.15,
) -> Demonstration:
    """A demonstration with up to three skills: those of its rules (some missing), irrelevant ones, in any order.

    In compounds with two or more told rules, the last of them gives way to its habit in `habit_share` of the cases.
    """
    house, compound = draw_house(rng, split), rng.random() < compound_share
    style: Style = "natural" if rng.random() < _NATURAL_SHARE else "random"
    task = sample_task(rng, split, house, compound=compound, names=style)
    given = [rule for rule in task.rules if rng.random() >= missing_share]
    if rng.random() < 0.08:
        given = []
    if len(given) > PROMPT_SKILLS:
        given = sorted(rng.sample(given, PROMPT_SKILLS), key=RULE_NAMES.index)
    others = [rule for rule in RULE_NAMES if rule not in task.rules]
    count = min(rng.choice((0, 1, 1, 2, 2)), PROMPT_SKILLS - len(given))
    told = [(rule, task.options[rule]) for rule in given]
    told += [(rule, draw_option(rule, rng, split)) for rule in rng.sample(others, count)]
    rng.shuffle(told)
    used = {rule: task.options[rule] if rule in given else untold(rule, rng, split) for rule in task.rules}
    dropped = None
    if task.compound and len(given) > 1 and rng.random() < habit_share:
        dropped = given[-1]
        used[dropped] = RULES[dropped].habit
    skills = tuple(rule_phrase(rule, option, rng, split) for rule, option in told)
    return Demonstration(task, skills, solution(task, used), shown(task, used), used, tuple(given), dropped)
