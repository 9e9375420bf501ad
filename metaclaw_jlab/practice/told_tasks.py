"""Tasks that each come with the skills of their prompt, every one in a house of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.practice.demonstrations import PROMPT_SKILLS
from metaclaw_jlab.practice.house import House, draw_house, rule_skill
from metaclaw_jlab.practice.names import Style
from metaclaw_jlab.practice.rules import RULE_NAMES
from metaclaw_jlab.practice.sampling import sample_task
from metaclaw_jlab.practice.task import PracticeTask, to_dict

_IRRELEVANT = (0, 1, 1, 2, 2)


@dataclass(frozen=True, slots=True)
class ToldTask:
    """A task and the skills of its prompt: one for each applying rule, and irrelevant ones of the same house."""

    task: PracticeTask
    skills: tuple[Skill, ...]

    @property
    def bodies(self) -> tuple[str, ...]:
        """The texts of the skills, in the order of the prompt."""
        return tuple(skill.body for skill in self.skills)


def told_tasks(
    split: str, seed: int, n: int, *, names: Style = "random", most_skills: int = PROMPT_SKILLS
) -> tuple[ToldTask, ...]:
    """n tasks with at most so many skills in any order, every second one a compound; equal for equal arguments.

    No two have the same text. A longer set begins with the shorter one. `names` are those of columns and files. With
    one skill there are no compounds: their rules are more.
    """
    found: dict[str, ToldTask] = {}
    attempt = 0
    while len(found) < n:
        rng = Random(f"told/{split}/{seed}/{attempt}")
        house, attempt = draw_house(rng, split), attempt + 1
        task = sample_task(rng, split, house, compound=len(found) % 2 == 1 and most_skills > 1, names=names)
        if len(task.rules) > most_skills or task.text in found:
            continue
        named = replace(task, id=f"{split}-{seed}-{len(found):05d}")
        found[task.text] = ToldTask(named, _skills(named, house, rng, most_skills))
    return tuple(found.values())


def told_sha256(tasks: Iterable[ToldTask]) -> str:
    """SHA-256 of tasks and prompts."""
    content = [[to_dict(told.task), [[skill.name, skill.body] for skill in told.skills]] for told in tasks]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _skills(task: PracticeTask, house: House, rng: Random, most: int) -> tuple[Skill, ...]:
    others = [rule for rule in RULE_NAMES if rule not in task.rules]
    count = min(rng.choice(_IRRELEVANT), most - len(task.rules))
    rules = [*task.rules, *rng.sample(others, count)]
    rng.shuffle(rules)
    return tuple(rule_skill(rule, house.options[rule], rng, split=task.split) for rule in rules)
