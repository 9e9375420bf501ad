"""The arms: what skills do, what weights do, both, and those that tell where the difference comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from metaclaw_jlab.core.config import SkillSettings
from metaclaw_jlab.core.prompting import DEFAULT_PROMPTING, Prompting
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.evaluation.evolved_rules import oracle
from metaclaw_jlab.evaluation.practice_arms import (
    BASELINE,
    GIVEN_SKILLS,
    RuleOf,
    SkillsOf,
    no_skills,
    retrieved_skills,
    rule_of_given,
)
from metaclaw_jlab.evaluation.practice_stream import Stream
from metaclaw_jlab.practice import House, PracticeTask, draw_house, house_skills

SKILLS = "skills"
FULL = "full"
ADAPTER = "adapter"
SKILLS_ORACLE = "skills_oracle"
GIVEN_ORACLE = "given_oracle"
HELD_OUT_ORACLE = "held_out_oracle"
PLACEBO = "placebo"


@dataclass(frozen=True, slots=True)
class Arm:
    """A way to choose the skills of a prompt, and whether the adapter that serves answers it or the base alone.

    `rule_of` says what a skill states, for the report alone. `unadapted` is the arm that does the same without the
    adapter: where none serves, its attempts are this arm's too.
    """

    name: str
    skills_of: SkillsOf
    rule_of: RuleOf = rule_of_given
    unadapted: str | None = None


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a stream has learnt: its library, and the rule of each skill by content hash, where that is known."""

    stream: Stream
    skills: tuple[Skill, ...]
    rules: Mapping[str, str]

    @property
    def house(self) -> House:
        """The house that it has learnt about."""
        return self.stream.household.house

    def rule_of(self, skill: Skill) -> str | None:
        """The rule that a skill of this library states."""
        return self.rules.get(skill.sha256)


def learnt_of(stream: Stream) -> Learnt:
    """The library of a stream as it is now."""
    return Learnt(stream, stream.library(), stream.rules())


def draw_arms(
    learnt: Learnt, settings: SkillSettings, seed: int, prompting: Prompting = DEFAULT_PROMPTING
) -> tuple[Arm, ...]:
    """Every arm, for test tasks of the house that was learnt about."""
    household, retrieved = learnt.stream.household, learnt.stream.retrieve
    held_out = house_skills(household.house, Random(f"held-out/{seed}/0"), phrasings="held-out")
    stranger = _other_house(household.house, seed)

    def oracle_of(library: Sequence[Skill]) -> SkillsOf:
        return lambda task: oracle(task, library, rule_of_given, settings.max_skills)

    def evolved_oracle(task: PracticeTask) -> tuple[Match, ...]:
        # Of several skills of a rule the one that retrieval prefers.
        found = [match.skill for match in retrieved(task)]
        return oracle(task, [*found, *learnt.skills], learnt.rule_of, settings.max_skills)

    def swapped(task: PracticeTask) -> tuple[Match, ...]:
        return _swapped(retrieved(task), learnt, stranger)

    return (
        Arm(BASELINE, no_skills),
        Arm(SKILLS, retrieved, learnt.rule_of),
        Arm(FULL, retrieved, learnt.rule_of, unadapted=SKILLS),
        Arm(ADAPTER, no_skills, unadapted=BASELINE),
        Arm(GIVEN_SKILLS, retrieved_skills([household], settings, prompting)),
        Arm(SKILLS_ORACLE, evolved_oracle, learnt.rule_of),
        Arm(GIVEN_ORACLE, oracle_of(household.skills)),
        Arm(HELD_OUT_ORACLE, oracle_of(held_out)),
        Arm(PLACEBO, swapped),
    )


def _other_house(house: House, seed: int) -> tuple[Skill, ...]:
    """The given skills of another house, but for those that say what this house wants too."""
    rng = Random(f"placebo/{seed}")
    other = draw_house(rng, house.split)
    skills = house_skills(other, rng)
    return tuple(skill for skill in skills if other.options[skill.name] != house.options[skill.name])


def _swapped(matches: Sequence[Match], learnt: Learnt, strangers: Sequence[Skill]) -> tuple[Match, ...]:
    """As many skills of the other house: about the same rules, where it wants something else."""
    taken: list[Match] = []
    for match in matches:
        left = [skill for skill in strangers if skill not in [one.skill for one in taken]]
        same = [skill for skill in left if skill.name == learnt.rule_of(match.skill)]
        taken += [Match(skill, match.relevance) for skill in [*same, *left][:1]]
    return tuple(taken)
