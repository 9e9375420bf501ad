"""A home with a store, and edits of its working copy."""

from collections.abc import Iterable
from pathlib import Path

from metaclaw_jlab.core.generation import Cause, SkillGeneration
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.skills.library import read_library, write_skill
from metaclaw_jlab.store.skills import Skills


def skill(name: str, body: str = "Do it.") -> Skill:
    return Skill(name, f"Use when {name} matters.", body)


def commit(skills: Skills, *members: Skill, cause: Cause = Cause.EVOLVER) -> SkillGeneration:
    """A generation of exactly these skills."""
    return skills.commit_generation(cause, members)


def evolve(skills: Skills, *changed: Skill, without: Iterable[str] = ()) -> SkillGeneration:
    """A generation with some skills changed, as the evolver makes it."""
    members = {member.name: member for member in skills.members(skills.current_generation().number)}
    members |= {member.name: member for member in changed}
    return commit(skills, *(member for name, member in sorted(members.items()) if name not in without))


def edit(home: Home, name: str, body: str) -> Skill:
    """Write a skill into the copy, as an editor does that replaces the file."""
    return write_skill(home.skills, skill(name, body))


def bodies(skills: Skills) -> dict[str, str]:
    """Name and body of each current member."""
    return {member.name: member.body for member in skills.members(skills.current_generation().number)}


def copied(home: Home) -> dict[str, str]:
    """Name and body of each skill in the folder."""
    return {member.name: member.body for member in read_library(home.skills).skills}


def files(folder: Path) -> set[str]:
    """Everything in a folder, by its relative path."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def causes(skills: Skills) -> list[Cause]:
    """Why each generation was made, the first one's aside, the oldest first."""
    return [generation.cause for generation in reversed(skills.generations(1_000))][1:]
