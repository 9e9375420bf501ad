"""The skills and their generations, as they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from metaclaw_jlab.inspection.generations import (
    GenerationAccount,
    GenerationDiff,
    compare_generations,
    describe_generation,
    list_generations,
)
from metaclaw_jlab.inspection.glance import glance
from metaclaw_jlab.inspection.library_pages import (
    By,
    LibraryGroups,
    LibraryRows,
    library_groups,
    library_rows,
)
from metaclaw_jlab.inspection.skill_library import (
    SkillAccount,
    SkillList,
    SkillText,
    describe_skill,
    list_skills,
    text_of_skill,
)
from metaclaw_jlab.inspection.whence import LearntFrom, evidence_of
from metaclaw_jlab.jupyter.server.operation import FROM_TEXT, Arguments, Operation, Whole
from metaclaw_jlab.jupyter.server.operations.numbered import number_in

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.server.host import Host

LIMIT = 20
MOST = 200
ROWS = 100
SEARCH_CHARS = 1000
KEY_CHARS = 4200
TEXTS = 50  # of a comparison
LARGEST = 2**53  # the largest integer that JavaScript knows exactly


class GenerationPage(Arguments):
    """Which generations."""

    limit: Whole = Field(LIMIT, ge=1, le=MOST, description="How many, the newest first.")
    before: Annotated[int, Field(ge=1, le=LARGEST), FROM_TEXT] | None = Field(
        None, description="Those with numbers under this one; `next` of the page before."
    )


class Against(Arguments):
    """What a generation is compared with."""

    against: Annotated[int, Field(ge=0, le=LARGEST), FROM_TEXT] | None = Field(
        None,
        description="The number of the other; the current one where left out: what a rollback would change.",
    )


class AsOf(Arguments):
    """Which version of a skill."""

    generation: Annotated[int, Field(ge=0, le=LARGEST), FROM_TEXT] | None = Field(
        None, description="As this generation has it; as it is to be edited where left out."
    )


class Groups(Arguments):
    """How the library is grouped."""

    by: Literal["source", "generation", "mark"] = Field(
        "source",
        description="By the notebook where it was learnt, the generation since which it is as it is, or mark.",
    )
    search: str = Field(
        "", max_length=SEARCH_CHARS, description="Words that name, description and body have, all of them."
    )


class Rows(Groups):
    """Which rows of the library."""

    group: str | None = Field(
        None, max_length=KEY_CHARS, description="The key of a group; all where left out."
    )
    offset: Whole = Field(0, ge=0, le=LARGEST, description="How many rows are left out before the first.")
    limit: Whole = Field(ROWS, ge=1, le=MOST, description="How many, by name.")


@dataclass(frozen=True, slots=True)
class GenerationList:
    """Skill generations, the newest first; `current` is the newest of all. `next` is what `before` has to be for those
    after them, None where there are none."""

    generations: tuple[GenerationAccount, ...]
    current: int
    next: int | None


@dataclass(frozen=True, slots=True)
class Member:
    """A skill of a generation, and its content hash."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class GenerationDetail:
    """A generation, its first members by name, and the failures that it took up."""

    generation: GenerationAccount
    members: tuple[Member, ...]
    failures: tuple[LearntFrom, ...]


def generations(host: Host, *, limit: int, before: int | None) -> GenerationList:
    """The generations of the skill library."""
    from metaclaw_jlab.store.skills import Skills

    skills = Skills(host.workspace.database())
    found = list_generations(skills, limit, before)
    after = found[-1].number if found and found[-1].number > 0 else None
    return GenerationList(found, skills.current_number(), after)


def generation(host: Host, *, number: str) -> GenerationDetail:
    """One generation. Raises NotFound."""
    from metaclaw_jlab.store.skills import Skills

    skills = Skills(host.workspace.database())
    found = describe_generation(skills, generation_in(number))
    members = tuple(Member(*pair) for pair in skills.first_members(found.number, MOST))
    return GenerationDetail(found, members, evidence_of(host.workspace, found.number, found.evidence))


def difference(host: Host, *, number: str, against: int | None) -> GenerationDiff:
    """What a generation has otherwise than another. Raises NotFound."""
    from metaclaw_jlab.store.skills import Skills

    skills = Skills(host.workspace.database())
    before = skills.current_number() if against is None else against
    return compare_generations(skills, before, generation_in(number), TEXTS)


def groups(host: Host, *, by: By, search: str) -> LibraryGroups:
    """The library in groups."""
    return library_groups(host.workspace, by, search)


def rows(host: Host, *, by: By, group: str | None, search: str, offset: int, limit: int) -> LibraryRows:
    """Some rows of the library."""
    return library_rows(host.workspace, by=by, group=group, search=search, offset=offset, limit=limit)


def skills(host: Host) -> SkillList:
    """The library as the next prompt sees it."""
    return list_skills(host.workspace)


def skill(host: Host, *, name: str) -> SkillAccount:
    """One skill, whole. Raises NotFound."""
    return describe_skill(host.workspace, name, glance(host.workspace))


def skill_text(host: Host, *, name: str, generation: int | None) -> SkillText:
    """The text of a skill. Raises NotFound."""
    problems = glance(host.workspace) if generation is None else ()
    return text_of_skill(host.workspace, name, generation, problems)


def generation_in(text: str) -> int:
    """The number of a generation in a path. Raises NotFound where it is none."""
    return 0 if text == "0" else number_in(text, "skill generation")


OPERATIONS = (
    Operation(
        method="GET",
        path="/generations",
        name="generations",
        about="The generations of the skill library, the newest first, and what each changed.",
        call=generations,
        answer=GenerationList,
        arguments=GenerationPage,
        secret=True,
        counts=False,
    ),
    Operation(
        method="GET",
        path="/generations/{number}",
        name="generation",
        about="One generation: what it changed, its first skills, and the failures behind it.",
        call=generation,
        answer=GenerationDetail,
        secret=True,
        counts=False,
        errors=(404,),
    ),
    Operation(
        method="GET",
        path="/generations/{number}/difference",
        name="generation_difference",
        about="What a generation has otherwise than another; against the current one, what a rollback would change.",
        call=difference,
        answer=GenerationDiff,
        arguments=Against,
        secret=True,
        counts=False,
        errors=(404,),
    ),
    Operation(
        method="GET",
        path="/library/groups",
        name="library_groups",
        about="The library in groups, and what is wrong in its folder; edits by hand are taken in, in time.",
        call=groups,
        answer=LibraryGroups,
        arguments=Groups,
        secret=True,
        counts=False,
    ),
    Operation(
        method="GET",
        path="/library/rows",
        name="library_rows",
        about="The skills of a group or a search by name, a page at a time.",
        call=rows,
        answer=LibraryRows,
        arguments=Rows,
        secret=True,
        counts=False,
    ),
    Operation(
        method="GET",
        path="/skills",
        name="skills",
        about="All skills of the current generation, and those put aside; edits by hand are taken in first.",
        call=skills,
        answer=SkillList,
        secret=True,
        counts=False,
    ),
    Operation(
        method="GET",
        path="/skills/{name}",
        name="skill",
        about="One skill: its text, where it came from, its versions, how it fared, what it is worth.",
        call=skill,
        answer=SkillAccount,
        secret=True,
        counts=False,
        errors=(404,),
    ),
    Operation(
        method="GET",
        path="/skills/{name}/text",
        name="skill_text",
        about="The SKILL.md of a skill, as a generation has it or as it is to be edited; of one that is broken, too.",
        call=skill_text,
        answer=SkillText,
        arguments=AsOf,
        secret=True,
        counts=False,
        errors=(404,),
    ),
)
