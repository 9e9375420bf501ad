"""The skills of the current generation: which there are, one of them whole, how its text changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.inspection.generations import SkillDiff, existing, skill_diff, skill_text
from metaclaw_jlab.inspection.lines import counted, did_you_mean, one_line, table
from metaclaw_jlab.inspection.whence import (
    USE_MEANS,
    Version,
    Whence,
    current_versions,
    failure_lines,
    history_of,
    marks_of,
    use_in_words,
    version_in_words,
    version_of,
    whence,
)

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.skills.library import Problem
    from metaclaw_jlab.skills.working_copy import Synchronised
    from metaclaw_jlab.store.uses import SkillUse

COLUMNS = 70
FAILURES = 5
VERSIONS = 10
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
    """A skill whole. `index_texts` counts the masked tasks by which it is found besides its own words."""

    skill: Skill
    sha256: str
    generation: int
    whence: Whence
    index_texts: int


def list_skills(workspace: Workspace) -> SkillList:
    """The library as the next prompt sees it, and what is disabled: edits by hand are adopted first."""
    from metaclaw_jlab.store.skills import Skills
    from metaclaw_jlab.store.uses import Uses

    found = workspace.synchronised()
    since = current_versions(Skills(workspace.database()))
    uses, marks = Uses(workspace.database()).all(), marks_of(workspace)
    rows = tuple(
        SkillRow(
            name=skill.name,
            description=skill.description,
            sha256=skill.sha256,
            since=since.get(skill.name) or version_of(history_of(workspace, skill.name), skill.sha256),
            use=uses.get(skill.name),
            marks=marks.get(skill.name, ()),
        )
        for skill in sorted((*found.skills, *_put_aside(workspace, found)), key=lambda skill: skill.name)
    )
    return SkillList(rows, found.problems, workspace.home.skills, found.generation.number, found.adopted)


def named(workspace: Workspace, name: str) -> Skill:
    """The skill of this name, in use or disabled. Raises NotFound, with the nearest name."""
    found = workspace.synchronised()
    skills = {skill.name: skill for skill in (*_put_aside(workspace, found), *found.skills)}
    if name in skills:
        return skills[name]
    for problem in found.problems:
        if problem.folder == name:
            raise NotFound(f"Skill {name!r} cannot be used.", problem.sentence)
    raise NotFound(f"There is no skill {name!r}.", did_you_mean(name, skills, "See: `skills`"))


def _put_aside(workspace: Workspace, found: Synchronised) -> tuple[Skill, ...]:
    """The disabled and quarantined skills, as they were when they were taken out."""
    from metaclaw_jlab.store.marks import Mark, Marks
    from metaclaw_jlab.store.skills import Skills

    skills = Skills(workspace.database())
    members = dict(found.generation.members)
    aside = []
    for name, marks in Marks(workspace.database()).all().items():
        if name in members or not {Mark.DISABLED, Mark.QUARANTINED}.intersection(marks):
            continue
        contents = [sha256 for sha256 in marks.values() if sha256 is not None]
        contents += [step.sha256 for step in reversed(history_of(workspace, name)) if step.sha256]
        aside += [skills.get_skill(sha256) for sha256 in contents[:1]]
    return tuple(aside)


def describe_skill(workspace: Workspace, name: str) -> SkillAccount:
    """A skill whole. Raises NotFound."""
    from metaclaw_jlab.store.index_texts import IndexTexts

    skill = named(workspace, name)
    texts = IndexTexts(workspace.database()).of_all().get(name, ())
    return SkillAccount(
        skill=skill,
        sha256=skill.sha256,
        generation=workspace.synchronised().generation.number,
        whence=whence(workspace, name),
        index_texts=len(texts),
    )


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
