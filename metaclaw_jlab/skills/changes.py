"""What is done to the library: each change is one generation, worked out on the current one.

Nothing here touches the working copy: `synchronise` before a change, so that edits by hand come first, and `publish`
after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from metaclaw_jlab.core.errors import GenerationMoved, NotFound, SkillChanged, SkillRefused
from metaclaw_jlab.core.generation import Cause, SkillGeneration
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.archive import read_archive, write_archive
from metaclaw_jlab.skills.library import Library, Problem
from metaclaw_jlab.skills.markdown import canonical, render
from metaclaw_jlab.skills.screening import screen_imported
from metaclaw_jlab.store.marks import Mark, Marks
from metaclaw_jlab.store.skills import Skills

_ATTEMPTS = 50  # a change is worked out again as often as somebody else was faster
_OUT_OF_USE = (Mark.DISABLED, Mark.QUARANTINED)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, by names. `same` were in the library already; `problems` say what was left, or left aside."""

    generation: SkillGeneration
    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def rollback(skills: Skills, number: int) -> SkillGeneration:
    """A new generation with the members of generation `number`; the current one where it has them already.

    Raises NotFound.
    """
    members = skills.members(_existing(skills, number).number)
    return _advance(skills, Cause.ROLLBACK, lambda _: {skill.name: skill for skill in members})


def rollback_skill(skills: Skills, name: str, number: int) -> SkillGeneration:
    """A new generation in which one skill is as it was in generation `number`. Raises NotFound."""
    sha256 = dict(_existing(skills, number).members).get(name)
    if sha256 is None:
        raise NotFound(f"Generation {number} has no skill {name!r}.", "Name a generation that has it.")
    skill = skills.get_skill(sha256)
    return _advance(skills, Cause.ROLLBACK, lambda members: {**members, name: skill})


def put(skills: Skills, skill: Skill, cause: Cause) -> SkillGeneration:
    """Add a skill, or replace the one of its name. Raises SkillInvalid where no SKILL.md can carry it."""
    render(skill)
    kept = canonical(skill)
    return _advance(skills, cause, lambda members: {**members, kept.name: kept})


def add(skills: Skills, skill: Skill) -> SkillGeneration:
    """Add a skill that somebody wrote. Raises SkillInvalid, SkillRefused where one of its name is there."""
    render(skill)
    kept = canonical(skill)

    def change(members: Mapping[str, Skill]) -> Mapping[str, Skill]:
        if kept.name in members:
            raise SkillRefused(
                f"There is a skill {kept.name!r} already.", "Edit that one, or give yours another name."
            )
        return {**members, kept.name: kept}

    return _advance(skills, Cause.USER, change)


def amend(skills: Skills, skill: Skill, base: str) -> SkillGeneration:
    """Put an edited skill in the place of its version `base`. Raises SkillInvalid, SkillChanged, NotFound."""
    render(skill)
    kept = canonical(skill)

    def change(members: Mapping[str, Skill]) -> Mapping[str, Skill]:
        if _member(members, kept.name).sha256 != base:
            raise changed_since(kept.name)
        return {**members, kept.name: kept}

    return _advance(skills, Cause.USER, change)


def amend_aside(skills: Skills, marks: Marks, skill: Skill, base: str) -> None:
    """The same for a skill that is put aside and stays so: it comes back as edited. Raises SkillInvalid,
    SkillChanged."""
    render(skill)
    kept = canonical(skill)
    put_aside = [mark for mark in _OUT_OF_USE if mark in marks.all().get(kept.name, {})]
    skills.keep(kept)
    for mark in put_aside:
        was = marks.all()[kept.name].get(mark)
        if was not in {None, base} or not marks.renew(kept.name, mark, was, kept.sha256):
            raise changed_since(kept.name)


def changed_since(name: str) -> SkillChanged:
    """What tells an editor that somebody else was faster."""
    return SkillChanged(
        f"Skill {name!r} has changed since you began to edit it.",
        "Nothing was written. Look at how it is now, and make your change there.",
    )


def remove(skills: Skills, name: str, cause: Cause = Cause.USER) -> SkillGeneration:
    """Take a skill out; earlier generations keep it. Raises NotFound."""

    def change(members: Mapping[str, Skill]) -> Mapping[str, Skill]:
        _member(members, name)
        return {each: skill for each, skill in members.items() if each != name}

    return _advance(skills, cause, change)


def disable(skills: Skills, marks: Marks, name: str) -> SkillGeneration:
    """Take a skill out, and remember in which version it is to come back. Raises NotFound."""
    current = skills.current_generation()
    sha256 = dict(current.members).get(name)
    found = marks.all().get(name, {})
    if sha256 is None and any(mark in found for mark in _OUT_OF_USE):
        marks.mark(name, Mark.DISABLED, next(iter(found[mark] for mark in _OUT_OF_USE if mark in found)))
        return current
    if sha256 is None:
        raise _unknown(name, current)
    # The mark first: a skill that is marked and still there can be disabled again, one that is gone without a mark
    # would be forgotten.
    marks.mark(name, Mark.DISABLED, sha256)
    return remove(skills, name)


def enable(skills: Skills, marks: Marks, name: str) -> SkillGeneration:
    """Take a disabled or quarantined skill in again; where one of its name is in, that stays. Raises NotFound."""
    current = skills.current_generation()
    found = marks.all().get(name, {})
    put_aside = [mark for mark in _OUT_OF_USE if mark in found]
    known = dict(current.members)
    if name not in known and not put_aside:
        raise _unknown(name, current)
    if name not in known:
        skill = skills.get_skill(found[put_aside[0]] or _last_version(skills, name))
        current = _advance(skills, Cause.USER, lambda members: {name: skill, **members})
    for mark in put_aside:
        marks.unmark(name, mark)
    return current


def import_folder(skills: Skills, path: Path, *, replace: bool = False) -> Imported:
    """Take in the skills of a folder, a SKILL.md or a zip file, all in one generation with cause `import`.

    Broken ones are told and the others go in. Where there is a skill of the same name with another text it is left,
    unless `replace`. Raises UsageMistake where there is nothing to import.
    """
    found = _screened(read_archive(path))
    told: list[Imported] = []

    def change(members: Mapping[str, Skill]) -> Mapping[str, Skill]:
        told.append(_imported(skills.current_generation(), found, members, replace=replace))
        names = {*told[-1].added, *told[-1].replaced}
        return {**members, **{skill.name: skill for skill in found.skills if skill.name in names}}

    generation = _advance(skills, Cause.IMPORT, change)
    last = told[-1]
    return Imported(generation, last.added, last.replaced, last.same, last.problems)


def export_library(skills: Skills, path: Path, number: int | None = None) -> SkillGeneration:
    """Write a generation (the current one) to a new folder, or zip file by its name; the same bytes each time.

    Raises NotFound, UsageMistake.
    """
    generation = skills.current_generation() if number is None else _existing(skills, number)
    write_archive(path, skills.members(generation.number))
    return generation


def _screened(found: Library) -> Library:
    """What may come in of a library; the rest are problems (invariant 7)."""
    allowed, problems = [], list(found.problems)
    for skill in found.skills:
        try:
            screen_imported(skill)
            allowed.append(skill)
        except SkillRefused as refusal:
            problems.append(Problem(skill.name, str(refusal)))
    return Library(tuple(allowed), tuple(problems))


def _imported(
    generation: SkillGeneration, found: Library, members: Mapping[str, Skill], *, replace: bool
) -> Imported:
    added, others, same = [], [], []
    for skill in found.skills:
        before = members.get(skill.name)
        if before is None:
            added.append(skill.name)
        elif canonical(before).sha256 == skill.sha256:
            same.append(skill.name)
        else:
            others.append(skill.name)
    refused = () if replace else others
    problems = [
        Problem(
            name, f"There is a skill {name!r} already. Import it with --replace to have this one instead."
        )
        for name in refused
    ]
    return Imported(
        generation,
        tuple(added),
        tuple(others) if replace else (),
        tuple(same),
        (*found.problems, *problems),
    )


def _advance(
    skills: Skills, cause: Cause, change: Callable[[Mapping[str, Skill]], Mapping[str, Skill]]
) -> SkillGeneration:
    """Commit what `change` makes of the current members; the current generation where nothing differs."""
    for attempt in range(1, _ATTEMPTS + 1):
        current = skills.current_generation()
        members = change({skill.name: skill for skill in skills.members(current.number)})
        wanted = [members[name] for name in sorted(members)]
        try:
            return skills.commit_generation(cause, wanted, parent=current.number)
        except GenerationMoved:
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _existing(skills: Skills, number: int) -> SkillGeneration:
    try:
        return skills.generation(number)
    except NotFound as error:
        last = skills.current_generation().number
        raise NotFound(error.cause, f"There are the generations 0 to {last}.") from None


def _member(members: Mapping[str, Skill], name: str) -> Skill:
    if name not in members:
        names = ", ".join(sorted(members)[:10])
        raise NotFound(f"There is no skill {name!r} in the library.", f"There are: {names}." if names else "")
    return members[name]


def _unknown(name: str, current: SkillGeneration) -> NotFound:
    names = ", ".join(sorted(each for each, _ in current.members)[:10])
    known = f"There are: {names}." if names else "The library is empty."
    return NotFound(f"There is no skill {name!r} in the library.", known)


def _last_version(skills: Skills, name: str) -> str:
    for generation in skills.generations(skills.current_generation().number + 1):
        for member, sha256 in generation.members:
            if member == name:
                return sha256
    raise NotFound(f"No generation has a skill {name!r}.", "Import it, or write it into the skill folder.")
