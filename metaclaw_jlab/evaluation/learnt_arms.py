"""The arms that split what is lost between given skills and evolved ones: by wording, by retrieval, by the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from metaclaw_jlab.core.config import SkillSettings
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.evaluation.evolved_rules import oracle
from metaclaw_jlab.evaluation.practice_arms import (
    BASELINE,
    GIVEN_SKILLS,
    Household,
    RuleOf,
    SkillsOf,
    no_skills,
    retrieved_skills,
    rule_of_given,
)
from metaclaw_jlab.evaluation.practice_stream import Stream
from metaclaw_jlab.practice import PracticeTask, house_skills

SKILLS = "skills"
SKILLS_ORACLE = "skills_oracle"
GIVEN_ORACLE = "given_oracle"
HELD_OUT_ORACLE = "held_out_oracle"
PLACEBO = "placebo"


@dataclass(frozen=True, slots=True)
class Arm:
    """A way to choose the skills of a prompt; `rule_of` says what a skill states, for the report alone."""

    name: str
    skills_of: SkillsOf
    rule_of: RuleOf = rule_of_given


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a stream has learnt: its library, and the rule of each skill by content hash, where that is known."""

    stream: Stream
    skills: tuple[Skill, ...]
    rules: Mapping[str, str]

    def rule_of(self, skill: Skill) -> str | None:
        """The rule that a skill of this library states."""
        return self.rules.get(skill.sha256)


def learnt_of(stream: Stream) -> Learnt:
    """The library of a stream as it is now."""
    return Learnt(stream, stream.library(), stream.rules())


def draw_arms(learnt: Sequence[Learnt], settings: SkillSettings, seed: int) -> tuple[Arm, ...]:
    """Every arm, for the test tasks of the households that the streams belong to."""
    households = [one.stream.household for one in learnt]
    owner = {task.id: index for index, household in enumerate(households) for task in household.tasks}
    every = {sha256: rule for one in learnt for sha256, rule in one.rules.items()}
    limit = settings.max_skills
    held_out = [_held_out(household, f"{seed}/{index}") for index, household in enumerate(households)]

    def rule_of(skill: Skill) -> str | None:
        return every.get(skill.sha256)

    def own(task: PracticeTask) -> Learnt:
        return learnt[owner[task.id]]

    def retrieved(task: PracticeTask) -> tuple[Match, ...]:
        return own(task).stream.retrieve(task)

    def given_oracle(task: PracticeTask) -> tuple[Match, ...]:
        return oracle(task, households[owner[task.id]].skills, rule_of_given, limit)

    def held_out_oracle(task: PracticeTask) -> tuple[Match, ...]:
        return oracle(task, held_out[owner[task.id]], rule_of_given, limit)

    def evolved_oracle(task: PracticeTask) -> tuple[Match, ...]:
        # Of several skills of a rule the one that retrieval prefers.
        found = [match.skill for match in retrieved(task)]
        return oracle(task, [*found, *own(task).skills], rule_of, limit)

    def swapped(task: PracticeTask) -> tuple[Match, ...]:
        return _swapped(retrieved(task), learnt, owner[task.id])

    return (
        Arm(BASELINE, no_skills),
        Arm(SKILLS, retrieved, rule_of),
        Arm(GIVEN_SKILLS, retrieved_skills(households, settings)),
        Arm(SKILLS_ORACLE, evolved_oracle, rule_of),
        Arm(GIVEN_ORACLE, given_oracle),
        Arm(HELD_OUT_ORACLE, held_out_oracle),
        Arm(PLACEBO, swapped, lambda _: None),
    )


def _held_out(household: Household, key: str) -> tuple[Skill, ...]:
    return house_skills(household.house, Random(f"held-out/{key}"), phrasings="held-out")


def _swapped(matches: Sequence[Match], learnt: Sequence[Learnt], own: int) -> tuple[Match, ...]:
    """As many skills of the next houses: about the same rules, where a house wants something else."""
    others = [learnt[(own + step) % len(learnt)] for step in range(1, len(learnt))]
    taken: list[Match] = []
    for match in matches:
        skill = _stranger(match.skill, learnt[own], others, {one.skill.sha256 for one in taken})
        if skill is not None:
            taken.append(Match(skill, match.relevance))
    return tuple(taken)


def _stranger(skill: Skill, own: Learnt, others: Sequence[Learnt], taken: set[str]) -> Skill | None:
    """The skill of another house in place of this one: never one that says what the own house wants."""
    rule, options = own.rule_of(skill), own.stream.household.house.options
    candidates = [
        (told == rule, one)
        for other in others
        for one in other.skills
        if one.sha256 not in taken
        and (told := other.rule_of(one)) is not None
        and other.stream.household.house.options[told] != options[told]
    ]
    same = [one for is_same, one in candidates if is_same]
    return next(iter([*same, *(one for _, one in candidates)]), None)
