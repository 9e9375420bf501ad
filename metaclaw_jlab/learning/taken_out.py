"""Skills that the user took out, by rollback, deletion or switch: they are not learned again behind their back."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from metaclaw_jlab.core.evolution import Draft
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.learning.wording import worded
from metaclaw_jlab.skills.similarity import duplicated
from metaclaw_jlab.store.skills import Skills

_GENERATIONS = 200  # so far back is looked
_BY_HAND = frozenset({Cause.USER, Cause.ROLLBACK})


@dataclass(frozen=True, slots=True)
class TakenOut:
    """A skill that is not in the library any more, and the generation that the user made without it."""

    skill: Skill
    generation: int


def taken_out(skills: Skills) -> tuple[TakenOut, ...]:
    """What the user removed from the library and nobody brought back."""
    current = dict(skills.current_generation().members)
    found: dict[str, TakenOut] = {}
    newest_first = skills.generations(_GENERATIONS)
    for after, before in pairwise(newest_first):
        if after.cause not in _BY_HAND:
            continue
        left = dict(after.members)
        for name, sha256 in before.members:
            if name not in left and name not in current and name not in found:
                found[name] = TakenOut(skills.get_skill(sha256), after.number)
    return tuple(found.values())


def taken_out_before(draft: Draft, gone: tuple[TakenOut, ...]) -> TakenOut | None:
    """The skill that this draft would bring back, if there is one."""
    drafted = worded(Skill(draft.name, draft.description, draft.wordings[0]), draft.wordings)
    for entry in gone:
        if entry.skill.name == draft.name or any(duplicated(skill, (entry.skill,)) for skill in drafted):
            return entry
    return None
