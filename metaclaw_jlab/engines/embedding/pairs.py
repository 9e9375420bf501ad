"""Batches of pairs that the shipped embedder learns from. Only the train split of the practice world is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.engines.embedding.documentation import Documentation
from metaclaw_jlab.engines.embedding.synonyms import Synonyms
from metaclaw_jlab.practice import RULE_NAMES, draw_house, rule_skill, sample_task, solution
from metaclaw_jlab.skills.masking import mask

SHARES = {"documentation": 0.5, "synonyms": 0.3, "practice": 0.2}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts of one meaning. What shares a topic with it is no counterexample to it."""

    one: str
    other: str
    topics: frozenset[str]


class Pairs:
    """Draws pairs of all sources, by their shares."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._documentation = Documentation()
        self._synonyms = Synonyms()

    def batch(self, size: int) -> list[Pair]:
        """Pairs in the order in which they are drawn."""
        kinds: Sequence[str] = self._rng.choices(list(SHARES), list(SHARES.values()), k=size)
        return [self._draw(kind) for kind in kinds]

    def _draw(self, kind: str) -> Pair:
        match kind:
            case "documentation":
                return self._documented()
            case "synonyms":
                return self._alike()
            case _:
                return practice_pair(self._rng)

    def _documented(self) -> Pair:
        number, (one, other) = self._documentation.draw(self._rng)
        return Pair(one, other, frozenset({f"item {number}"}))

    def _alike(self) -> Pair:
        numbers, (one, other) = self._synonyms.draw(self._rng)
        return Pair(one, other, frozenset(f"group {number}" for number in numbers))


def practice_pair(rng: Random) -> Pair:
    """A task of the train split, masked or not, and a skill of a rule that bears on it, or another such task."""
    house = draw_house(rng, "train")
    rule = rng.choice(RULE_NAMES)
    task = sample_task(rng, "train", house, compound=False, rule=rule)
    topics = frozenset(f"rule {name}" for name in task.rules)
    text = mask(task.text, "\n".join(solution(task, task.options))) if rng.random() < 0.5 else task.text
    if rng.random() < 0.25:
        another = sample_task(rng, "train", house, compound=False, rule=rule)
        return Pair(text, another.text, topics | {f"rule {name}" for name in another.rules})
    given = rule_skill(rule, house.options[rule], rng)
    skill = given if rng.random() < 0.5 else Skill("skill", "A house rule.", given.body)
    return Pair(text, f"{skill.name}\n{skill.description}\n{skill.body}", topics)
