"""What a person does to the library: each change a generation of its own, told with how to undo it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import NotFound, SkillInvalid, SkillRefused, UsageMistake
from metaclaw_jlab.core.generation import SkillGeneration
from metaclaw_jlab.inspection.generations import Changes, changes_between, existing, in_words
from metaclaw_jlab.inspection.library_index import put_aside
from metaclaw_jlab.inspection.lines import counted
from metaclaw_jlab.inspection.skill_library import broken_file, member, named
from metaclaw_jlab.inspection.whence import history_of

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.skills.markdown import SkillFile
    from metaclaw_jlab.store.marks import Marks
    from metaclaw_jlab.store.skills import Skills

PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class EditableSkill:
    """The file of a skill in the working copy, its text, and the generation that it is of."""

    name: str
    path: Path
    text: str
    generation: int


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, in a sentence. `before` and `made` are generations, equal where none was made; `undo` is the
    command that takes it back, "" where there is nothing to take back."""

    told: str
    before: int
    made: int
    changes: Changes
    undo: str = ""
    notes: tuple[str, ...] = ()


def editable(workspace: Workspace, name: str) -> EditableSkill:
    """The file to edit a skill in; one that is broken can be edited too. Raises NotFound."""
    from metaclaw_jlab.skills.library import FILE_NAME

    found = workspace.synchronised()
    if all(problem.folder != name for problem in found.problems):
        named(workspace, name)
        if all(skill.name != name for skill in found.skills):
            raise NotFound(f"Skill {name!r} is disabled: it has no file.", f"First: `skills enable {name}`")
    path = workspace.home.skills / name / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.", "See: `doctor`") from None
    return EditableSkill(name, path, text, found.generation.number)


def adopt_edit(workspace: Workspace, file: EditableSkill) -> Done:
    """Make a generation of an edited file. Raises SkillInvalid where it cannot be used; the file stays as it is."""
    found = workspace.synchronised()
    for problem in found.problems:
        if problem.folder == file.name and not problem.loaded:
            raise SkillInvalid(
                f"The edit of {file.name} is not in use.",
                f"{problem.sentence} Again: `skills edit {file.name}`",
            )
    told = (
        f"The edit of {file.name} is in use." if file.name in found.adopted else f"{file.name} is as it was."
    )
    return _done(workspace, told, file.generation, found.generation)


def pin(workspace: Workspace, name: str, *, on: bool) -> Done:
    """Keep evolution from changing a skill, or let it again. Raises NotFound."""
    from metaclaw_jlab.store.marks import Mark, Marks

    named(workspace, name)
    marks = Marks(workspace.database())
    if on:
        marks.mark(name, Mark.PINNED)
        told = f"{name} is pinned: only you change it."
    else:
        marks.unmark(name, Mark.PINNED)
        told = f"{name} is not pinned: evolution may change it."
    current = workspace.synchronised().generation
    return _done(workspace, told, current.number, current, undo=f"skills {'unpin' if on else 'pin'} {name}")


def switch(workspace: Workspace, name: str, *, on: bool) -> Done:
    """Let a skill into prompts, or keep it out of them. Raises NotFound."""
    from metaclaw_jlab.skills.changes import disable, enable

    named(workspace, name)
    skills, marks, before = _before(workspace)
    made = (enable if on else disable)(skills, marks, name)
    told = f"{name} is in use." if on else f"{name} is disabled: it goes into no prompt until it is enabled."
    return _published(workspace, told, before, made, undo=f"skills {'disable' if on else 'enable'} {name}")


def quarantine(workspace: Workspace, name: str, *, on: bool) -> Done:
    """Keep a skill out of prompts until somebody has looked at it, or let it out. It stays in the library, so there is
    no generation. Raises NotFound."""
    from metaclaw_jlab.store.marks import Mark, Marks

    named(workspace, name)
    marks = Marks(workspace.database())
    told = f"{name} is in quarantine: it goes into no prompt until it is released."
    if on:
        marks.mark(name, Mark.QUARANTINED)
    elif not marks.unmark(name, Mark.QUARANTINED):
        told = f"{name} is not in quarantine."
    elif Mark.DISABLED in marks.all().get(name, {}):
        told = f"{name} is out of quarantine, and disabled still."
    elif name in dict(workspace.synchronised().generation.members):
        told = f"{name} is out of quarantine."
    else:
        told = f"{name} is out of quarantine. It is not in the library: a rollback brings it back."
    current = workspace.synchronised().generation
    undo = f"skills {'release' if on else 'quarantine'} {name}"
    return _done(workspace, told, current.number, current, undo=undo)


def write(workspace: Workspace, text: str) -> Done:
    """Add a skill that somebody wrote, under the name in its SKILL.md. Raises SkillInvalid, SkillRefused where there is
    one of this name."""
    from metaclaw_jlab.skills.changes import add
    from metaclaw_jlab.skills.markdown import name_in, parse_file

    name = name_in(text)
    file = parse_file(text, name)
    problems = workspace.synchronised().problems
    skills, marks, before = _before(workspace)
    if any(problem.folder == name and not problem.loaded for problem in problems):
        raise SkillRefused(
            f"There is a folder {name!r} already, with a SKILL.md that cannot be used.",
            "Mend that one, or give yours another name.",
        )
    if name in put_aside(workspace, {}, {name: marks.all().get(name, {})}):
        raise SkillRefused(
            f"There is a skill {name!r} already, which is not in use.", "Edit it, or give yours another name."
        )
    made = add(skills, file.skill)
    return _published(workspace, f"{name} is in use.", before, made, notes=file.notes)


def edit(workspace: Workspace, name: str, text: str, base: str) -> Done:
    """Put an edited text in the place of the one that `base` names, as `describe_skill` gave it. One that is not in use
    stays so; a file that could not be used is mended. Raises SkillInvalid, SkillChanged, NotFound; nothing is written
    then."""
    from metaclaw_jlab.skills.changes import amend, amend_aside, changed_since
    from metaclaw_jlab.skills.markdown import canonical, parse_file

    found = workspace.synchronised()
    broken = broken_file(workspace, name, found.problems)
    current = None if broken else member(workspace, name, found.problems)
    file = parse_file(text, name)
    if broken is not None:
        if base != broken.base:
            raise changed_since(name)
        return _mended(workspace, file, found.generation.number)
    assert current is not None
    skills, marks, before = _before(workspace)
    if canonical(file.skill).sha256 == current.sha256:
        made = skills.generation(before)
        return _done(workspace, f"{name} is as it was.", before, made, notes=file.notes)
    if current.sha256 != base:
        raise changed_since(name)
    if skills.hash_of(name, before) is not None:
        made = amend(skills, file.skill, base)
        return _published(workspace, f"The edit of {name} is in use.", before, made, notes=file.notes)
    amend_aside(skills, marks, file.skill, base)
    told = f"The edit of {name} is kept. The skill is not in use, as before."
    return _done(workspace, told, before, skills.generation(before), notes=file.notes)


def _mended(workspace: Workspace, file: SkillFile, before: int) -> Done:
    """Write a text in the place of a file that cannot be used, and take it in as the edit by hand that it is."""
    from metaclaw_jlab.skills.library import write_skill

    name = file.skill.name
    write_skill(workspace.home.skills, file.skill)
    found = workspace.synchronised()
    for problem in found.problems:
        if problem.folder == name and not problem.loaded:
            raise SkillInvalid(f"The edit of {name} is not in use.", problem.sentence)
    told = f"{name} can be used again."
    return _published(workspace, told, before, found.generation, notes=file.notes)


def remove(workspace: Workspace, name: str) -> Done:
    """Take a skill out of the library; earlier generations keep it. Raises NotFound."""
    from metaclaw_jlab.skills.changes import remove as take_out
    from metaclaw_jlab.store.marks import Mark

    named(workspace, name)
    skills, marks, before = _before(workspace)
    current = skills.current_generation()
    made = take_out(skills, name) if name in dict(current.members) else current
    # Otherwise it would be told as put aside.
    for mark in (Mark.DISABLED, Mark.QUARANTINED):
        marks.unmark(name, mark)
    return _published(workspace, f"Skill {name} is out of the library.", before, made)


def roll_back(workspace: Workspace, name: str, number: int) -> Done:
    """Have a skill as generation `number` had it. Raises NotFound."""
    from metaclaw_jlab.skills.changes import rollback_skill

    if not history_of(workspace, name):
        named(workspace, name)
    skills, _, before = _before(workspace)
    existing(skills, number)
    made = rollback_skill(skills, name, number)
    if made.number == before:
        return _done(workspace, f"{name} is as it was in generation {number} already.", before, made)
    return _published(workspace, f"Skill {name} is as it was in generation {number}.", before, made)


def roll_back_library(workspace: Workspace, number: int) -> Done:
    """Have the skills of generation `number` again. Raises NotFound."""
    from metaclaw_jlab.skills.changes import rollback

    skills, _, before = _before(workspace)
    existing(skills, number)
    made = rollback(skills, number)
    if made.number == before:
        told = f"Nothing changes: generation {before} has the skills of generation {number} already."
        return _done(workspace, told, before, made)
    return _published(workspace, f"The skills of generation {number} are back.", before, made)


def import_skills(workspace: Workspace, path: Path, *, replace: bool) -> Done:
    """Take skills in from a folder, a SKILL.md or a zip file; broken ones are told and the others go in.

    Raises UsageMistake where none can be taken in.
    """
    from metaclaw_jlab.skills.changes import import_folder

    skills, _, before = _before(workspace)
    known = dict(skills.current_generation().members)
    done = import_folder(skills, path.expanduser(), replace=replace)
    problems = [problem.sentence for problem in done.problems]
    left = len(problems) - PROBLEMS
    notes = problems[:PROBLEMS] + ([f"And {counted(left, 'problem')} more."] if left > 0 else [])
    if not replace and any(problem.folder in known and not problem.loaded for problem in done.problems):
        notes.append("With --replace the new ones go in.")
    taken = len(done.added) + len(done.replaced)
    if not taken and not done.same:
        raise UsageMistake("Nothing was imported.", " ".join(notes))
    same = f"; {counted(len(done.same), 'skill')} there already" if done.same else ""
    told = f"{counted(taken, 'skill')} imported{same}."
    return _published(workspace, told, before, done.generation, notes=tuple(notes))


def export_skills(workspace: Workspace, path: Path) -> Done:
    """Write the library to a new folder, or to a zip file by its name. Raises UsageMistake."""
    from metaclaw_jlab.skills.changes import export_library

    skills, _, before = _before(workspace)
    generation = export_library(skills, path.expanduser())
    told = f"{counted(len(generation.members), 'skill')} of generation {generation.number} written to {path}."
    return _done(workspace, told, before, generation)


def render_done(done: Done) -> str:
    """What was done, the generation that it made, and how to undo it."""
    made = f" Generation {done.made}: {in_words(done.changes)}." if done.made != done.before else ""
    undo = f" To undo it: `{done.undo}`" if done.undo else ""
    return "\n".join([f"{done.told}{made}{undo}", *done.notes])


def _before(workspace: Workspace) -> tuple[Skills, Marks, int]:
    """The stores, and the generation before a change: edits by hand come first, so that none is lost."""
    from metaclaw_jlab.store.marks import Marks
    from metaclaw_jlab.store.skills import Skills

    number = workspace.synchronised().generation.number
    database = workspace.database()
    return Skills(database), Marks(database), number


def _published(
    workspace: Workspace,
    told: str,
    before: int,
    made: SkillGeneration,
    *,
    undo: str = "",
    notes: tuple[str, ...] = (),
) -> Done:
    """Write the working copy, and take the mark from disabled skills that are in use again."""
    from metaclaw_jlab.skills.working_copy import publish
    from metaclaw_jlab.store.marks import Mark, Marks
    from metaclaw_jlab.store.skills import Skills

    skills, marks = Skills(workspace.database()), Marks(workspace.database())
    members = dict(made.members)
    for name, found in marks.all().items():
        if Mark.DISABLED in found and name in members:
            marks.unmark(name, Mark.DISABLED)
    problems = tuple(problem.sentence for problem in publish(workspace.home, skills))
    return _done(workspace, told, before, made, undo=undo, notes=(*notes, *problems))


def _done(
    workspace: Workspace,
    told: str,
    before: int,
    made: SkillGeneration,
    *,
    undo: str = "",
    notes: tuple[str, ...] = (),
) -> Done:
    from metaclaw_jlab.store.skills import Skills

    old = Skills(workspace.database()).generation(before)
    changes = changes_between(dict(old.members), dict(made.members))
    back = undo or (f"generations rollback {before}" if made.number != before else "")
    return Done(told, before, made.number, changes, back, notes)
