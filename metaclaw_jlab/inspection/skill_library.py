"""The skills of the current generation: which there are, one of them whole, how its text changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.inspection.generations import SkillDiff, existing, skill_diff, skill_text
from metaclaw_jlab.inspection.library_index import catalogue, put_aside
from metaclaw_jlab.inspection.lines import counted, did_you_mean, one_line, table
from metaclaw_jlab.inspection.whence import (
    USE_MEANS,
    Version,
    Whence,
    failure_lines,
    history_of,
    use_in_words,
    version_in_words,
    whence,
)
from metaclaw_jlab.inspection.worth import Worth, worth_of

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.skills.library import Problem
    from metaclaw_jlab.skills.working_copy import Synchronised
    from metaclaw_jlab.store.uses import SkillUse

COLUMNS = 70
FAILURES = 5
VERSIONS = 10
LARGEST = 1 << 20  # bytes of a file that is shown though it cannot be used
EMPTY = (
    'No skills yet. They come by themselves from tasks that fail (a check, an exception, %metaclaw bad "why"); by hand '
    "as {folder}/<name>/SKILL.md; or with `skills import PATH`."
)


@dataclass(frozen=True, slots=True)
class SkillRow:
    """A skill in the list. `since` is the version that it has now; `use` counts all its versions."""

    name: str
    description: str
    sha256: str
    since: Version | None
    use: SkillUse | None
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SkillList:
    """The library: its skills by name, and what is wrong in its folder. `adopted` are edits by hand taken in now."""

    skills: tuple[SkillRow, ...]
    problems: tuple[Problem, ...]
    folder: Path
    generation: int
    adopted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SkillAccount:
    """A skill whole. `index_texts` counts the masked tasks by which it is found besides its own words. `source` is its
    SKILL.md, and `base` what says which one an edit of it began with. Where the file in the folder cannot be used,
    `problem` says why, and `source` is the file as it stands: that is what is to be mended."""

    skill: Skill
    sha256: str
    generation: int
    whence: Whence
    index_texts: int
    source: str
    base: str
    problem: str
    worth: Worth


@dataclass(frozen=True, slots=True)
class SkillText:
    """The text of a skill's SKILL.md. `sha256` is the content hash, None where the file cannot be used: `problem` says
    why. `base` is what an edit of it is sent with; "" where an earlier text is shown."""

    name: str
    generation: int
    sha256: str | None
    text: str
    base: str = ""
    problem: str = ""


def list_skills(workspace: Workspace) -> SkillList:
    """The library as the next prompt sees it, and what is disabled: edits by hand are adopted first."""
    from metaclaw_jlab.store.uses import Uses

    found = workspace.synchronised()
    entries = catalogue(workspace)
    since = {entry.name: entry.since for entry in entries.entries}
    uses = Uses(workspace.database()).all()
    rows = tuple(
        SkillRow(
            name=skill.name,
            description=skill.description,
            sha256=skill.sha256,
            since=since.get(skill.name),
            use=uses.get(skill.name),
            marks=entries.marks.get(skill.name, ()),
        )
        for skill in sorted((*found.skills, *_put_aside(workspace, found)), key=lambda skill: skill.name)
    )
    return SkillList(rows, found.problems, workspace.home.skills, found.generation.number, found.adopted)


def named(workspace: Workspace, name: str) -> Skill:
    """The skill of this name, in use or put aside; edits by hand are adopted first. Raises NotFound, with the nearest
    name."""
    return member(workspace, name, workspace.synchronised().problems)


def member(workspace: Workspace, name: str, problems: Sequence[Problem]) -> Skill:
    """The same as the store has it now; `problems` are those of the folder."""
    from metaclaw_jlab.store.marks import Marks
    from metaclaw_jlab.store.skills import Skills

    skills = Skills(workspace.database())
    sha256 = skills.hash_of(name, skills.current_number())
    if sha256 is None:
        marks = {name: Marks(workspace.database()).all().get(name, {})}
        sha256 = put_aside(workspace, {}, marks).get(name)
    if sha256 is not None:
        return skills.get_skill(sha256)
    for problem in problems:
        if problem.folder == name:
            raise NotFound(f"Skill {name!r} cannot be used.", problem.sentence)
    known = [entry.name for entry in catalogue(workspace).entries]
    raise NotFound(f"There is no skill {name!r}.", did_you_mean(name, known, "See: `skills`"))


def _put_aside(workspace: Workspace, found: Synchronised) -> tuple[Skill, ...]:
    """The disabled and quarantined skills, as they were when they were taken out."""
    from metaclaw_jlab.store.marks import Marks
    from metaclaw_jlab.store.skills import Skills

    skills, marks = Skills(workspace.database()), Marks(workspace.database()).all()
    aside = put_aside(workspace, dict(found.generation.members), marks)
    return tuple(skills.get_skill(sha256) for sha256 in aside.values())


def describe_skill(
    workspace: Workspace, name: str, problems: Sequence[Problem] | None = None
) -> SkillAccount:
    """A skill whole. Edits by hand are adopted first, unless the `problems` of the folder are given. Raises
    NotFound."""
    from metaclaw_jlab.store.index_texts import IndexTexts
    from metaclaw_jlab.store.skills import Skills

    known = workspace.synchronised().problems if problems is None else problems
    skill = member(workspace, name, known)
    broken = broken_file(workspace, name, known)
    came = whence(workspace, name)
    return SkillAccount(
        skill=skill,
        sha256=skill.sha256,
        generation=Skills(workspace.database()).current_number(),
        whence=came,
        index_texts=IndexTexts(workspace.database()).count(name),
        source=broken.text if broken else skill_text(skill),
        base=broken.base if broken else skill.sha256,
        problem=broken.problem if broken else "",
        worth=worth_of(workspace, name, came.history[0].generation if came.history else None),
    )


def text_of_skill(
    workspace: Workspace, name: str, number: int | None, problems: Sequence[Problem] | None = None
) -> SkillText:
    """The SKILL.md of a skill in a generation; as it is to be edited where none is named. Raises NotFound."""
    from metaclaw_jlab.store.skills import Skills

    skills = Skills(workspace.database())
    if number is not None:
        existing(skills, number)
        sha256 = skills.hash_of(name, number)
        if sha256 is None:
            spans = ", ".join(f"g{step.generation}" for step in history_of(workspace, name))
            raise NotFound(
                f"Generation {number} has no skill {name!r}.",
                f"It changed in: {spans}." if spans else "See: `skills`",
            )
        return SkillText(name, number, sha256, skill_text(skills.get_skill(sha256)))
    known = workspace.synchronised().problems if problems is None else problems
    if broken := broken_file(workspace, name, known):
        return broken
    skill = member(workspace, name, known)
    return SkillText(name, skills.current_number(), skill.sha256, skill_text(skill), skill.sha256)


def broken_file(workspace: Workspace, name: str, problems: Sequence[Problem]) -> SkillText | None:
    """The file of a skill that cannot be used as it stands; None where it can, or cannot be shown."""
    from metaclaw_jlab.skills.library import raw_text
    from metaclaw_jlab.store.skills import Skills

    found = next((each for each in problems if each.folder == name and not each.loaded), None)
    if found is None:
        return None
    text = raw_text(workspace.home.skills, name, LARGEST)
    if text is None:
        return None
    number = Skills(workspace.database()).current_number()
    told = text.decode("utf-8", "replace")
    return SkillText(name, number, None, told, hashlib.sha256(text).hexdigest(), found.sentence)


def compare_skill(workspace: Workspace, name: str, before: int | None, after: int | None) -> SkillDiff:
    """How a skill's text differs between two generations: the current one and the one before its last change where
    they are not named. Raises NotFound."""
    from metaclaw_jlab.store.skills import Skills

    skills = Skills(workspace.database())
    new = workspace.synchronised().generation.number if after is None else after
    history = history_of(workspace, name)
    if not history:
        named(workspace, name)
    old = max(0, history[-1].generation - 1) if before is None else before
    content, later = (dict(existing(skills, number).members).get(name) for number in (old, new))
    if content is None and later is None:
        spans = ", ".join(f"g{step.generation}" for step in history)
        raise NotFound(
            f"Skill {name!r} is in neither generation {old} nor {new}.", f"It changed in: {spans}."
        )
    return SkillDiff(name, skill_diff(skills, content, later, old, new))


def render_skills(found: SkillList) -> str:
    """The skills, one a line, and what is wrong in the folder."""
    lines = [f"adopted the edit by hand of {name}" for name in found.adopted]
    lines += table(_row(row) for row in found.skills)
    if not found.skills:
        lines.append(EMPTY.format(folder=found.folder))
    elif any(row.use and row.use.uses for row in found.skills):
        lines.append(f"({USE_MEANS})")
    return "\n".join([*lines, *(f"problem: {problem.sentence}" for problem in found.problems)])


def render_skill(account: SkillAccount) -> str:
    """Its SKILL.md, then where it came from, its versions, how it fared."""
    known = account.whence
    marks = f" ({', '.join(known.marks)})" if known.marks else ""
    parts = [skill_text(account.skill).rstrip("\n").split("\n")]
    came = failure_lines(known, FAILURES) or ["no failure: somebody wrote it"]
    parts.append([f"Skill {account.skill.name}{marks} came from", *(f"  {line}" for line in came)])
    parts.append(["Versions, the newest first", *(f"  {line}" for line in _versions(known))])
    used = [use_in_words(known.use)] if known.use else []
    found = (
        f"found by its own words and by {counted(account.index_texts, 'task')} like those that it helped"
        if account.index_texts
        else "found by its own words alone"
    )
    means = [f"({USE_MEANS})"] if known.use and known.use.uses else []
    parts.append(["Use", *(f"  {line}" for line in [*used, found, *means])])
    parts.append(["Worth", f"  {account.worth.sentence}"])
    return "\n\n".join("\n".join(part) for part in parts)


def _row(row: SkillRow) -> tuple[str, ...]:
    use = row.use
    used = f"{use.uses} used" if use and use.uses else ""
    worth = f"{use.helped} helped, {use.hurt} hurt" if use and (use.helped or use.hurt) else ""
    since = f"g{row.since.generation}" if row.since else ""
    return (row.name, since, used, worth, ", ".join(row.marks), one_line(row.description, COLUMNS))


def _versions(known: Whence) -> list[str]:
    lines = [
        version_in_words(version) + (": taken out" if version.sha256 is None else f": {version.sha256[:12]}")
        for version in reversed(known.history)
    ]
    left = len(lines) - VERSIONS
    return [*lines[:VERSIONS], f"and {counted(left, 'older one')}"] if left > 0 else lines
