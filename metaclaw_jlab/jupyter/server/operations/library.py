"""The skills, and their generations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from metaclaw_jlab.inspection.generations import GenerationAccount, list_generations
from metaclaw_jlab.inspection.skill_library import SkillAccount, SkillList, describe_skill, list_skills
from metaclaw_jlab.jupyter.server.operation import Arguments, Operation, Whole

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.server.host import Host

LIMIT = 20
MOST = 200


class Newest(Arguments):
    """How many of a list."""

    limit: Whole = Field(LIMIT, ge=1, le=MOST, description="How many, the newest first.")


@dataclass(frozen=True, slots=True)
class GenerationList:
    """Skill generations, the newest first; `current` is the newest of all."""

    generations: tuple[GenerationAccount, ...]
    current: int


def generations(host: Host, *, limit: int) -> GenerationList:
    """The generations of the skill library."""
    from metaclaw_jlab.store.skills import Skills

    skills = Skills(host.workspace.database())
    return GenerationList(list_generations(skills, limit), skills.current_generation().number)


def skills(host: Host) -> SkillList:
    """The library as the next prompt sees it."""
    return list_skills(host.workspace)


def skill(host: Host, *, name: str) -> SkillAccount:
    """One skill, whole. Raises NotFound."""
    return describe_skill(host.workspace, name)


OPERATIONS = (
    Operation(
        method="GET",
        path="/generations",
        name="generations",
        about="The generations of the skill library, the newest first, and what each changed.",
        call=generations,
        answer=GenerationList,
        arguments=Newest,
        secret=True,
        counts=False,
    ),
    Operation(
        method="GET",
        path="/skills",
        name="skills",
        about="The skills of the current generation, and those put aside; edits by hand are taken in first.",
        call=skills,
        answer=SkillList,
        secret=True,
        counts=False,
    ),
    Operation(
        method="GET",
        path="/skills/{name}",
        name="skill",
        about="One skill: its text, where it came from, its versions, how it fared.",
        call=skill,
        answer=SkillAccount,
        secret=True,
        counts=False,
        errors=(404,),
    ),
)
