"""The working copy: the folder `skills/` of a home, kept in step with the store. Edits by hand go into the store.

The manifest is written last and names the generation that the folder held whole; what no generation from that one on
has is an edit by hand. So a copy cut off half-way is told from an edit, and is written again.
"""

from __future__ import annotations

import os
import shutil
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from metaclaw_jlab.core.errors import (
    GenerationMoved,
    LeaseHeld,
    MetaclawError,
    SkillInvalid,
    StoreFull,
    StoreReadOnly,
)
from metaclaw_jlab.core.generation import Cause, SkillGeneration
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.runtime.home import NO_LINKS, Home, home_error
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.skills.copy_state import STAGING, CopyState, look, problems_of, span_of
from metaclaw_jlab.skills.exchange import exchange
from metaclaw_jlab.skills.library import FILE_NAME, Library, Problem, read_library, write_skill
from metaclaw_jlab.skills.manifest import (
    Manifest,
    manifest_of,
    manifest_signature,
    read_manifest,
    write_manifest,
)
from metaclaw_jlab.skills.markdown import BYTE_LIMIT, canonical, parse
from metaclaw_jlab.store.skills import Skills

LEASE = "skills-folder"
_ROUNDS = 50  # each one follows from what somebody else did meanwhile
_REMEMBERED = 8


@dataclass(frozen=True, slots=True)
class Synchronised:
    """The current generation and its skills, as the store has them; what is wrong with the folder; and the names of the
    skills whose edits by hand this call took in."""

    generation: SkillGeneration
    skills: tuple[Skill, ...]
    problems: tuple[Problem, ...] = ()
    adopted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _InStep:
    signature: tuple[int, ...] | None
    library: Library
    result: Synchronised


_in_step: OrderedDict[str, _InStep] = OrderedDict()
_in_step_lock = Lock()


def synchronise(home: Home, skills: Skills) -> Synchronised:
    """Take edits by hand into the store, as a generation with cause `user`; then bring the folder up to date.

    Where a skill was changed in the store and by hand, the text written by hand wins. A SKILL.md that cannot be read is
    a problem and changes nothing. What keeps the folder from being written is a problem too. Where nothing changed it
    costs a look at each file, and gives the same object. Raises StoreDamaged, StoreBusy.
    """
    with _in_step_lock:
        before = _in_step.get(str(home.path))
    if (
        before is not None
        and before.signature == manifest_signature(home.skills)
        and before.library is read_library(home.skills)
        and before.result.generation == skills.current_generation()
    ):
        return before.result
    adopted: dict[str, None] = {}
    trouble: tuple[Problem, ...] = ()
    state = look(home.skills, skills)
    for _ in range(_ROUNDS):
        if state.in_step or state.unreadable or trouble:
            break
        try:
            if state.by_hand:
                adopted |= dict.fromkeys(_adopt(home, skills, state))
            else:
                trouble = _bring_up_to_date(home, skills)
        except GenerationMoved:
            pass
        except LeaseHeld:
            break
        except MetaclawError as error:
            trouble = (_untaken(state, error) if state.by_hand else _behind(error),)
        state = look(home.skills, skills)
    return _remember(home, state, trouble, tuple(adopted))


def publish(home: Home, skills: Skills) -> tuple[Problem, ...]:
    """Write the current generation into the folder, after a commit; what kept it from that, if anything did.

    Edits by hand are left to `synchronise`. Where another process is writing, it returns at once.
    """
    try:
        return _bring_up_to_date(home, skills)
    except LeaseHeld:
        return ()
    except MetaclawError as error:
        return (_behind(error),)


def _remember(
    home: Home, state: CopyState, trouble: tuple[Problem, ...], adopted: tuple[str, ...]
) -> Synchronised:
    problems = (*problems_of(home.skills, state), *trouble)
    result = Synchronised(state.generation, state.members, problems)
    if state.in_step and not trouble:
        with _in_step_lock:
            _in_step[str(home.path)] = _InStep(state.signature, state.library, result)
            _in_step.move_to_end(str(home.path))
            while len(_in_step) > _REMEMBERED:
                _in_step.popitem(last=False)
    return replace(result, adopted=adopted) if adopted else result


def _adopt(home: Home, skills: Skills, state: CopyState) -> list[str]:
    """Commit the edits by hand onto the current generation; their names. Raises GenerationMoved and others."""
    if state.manifest is None:
        _begin(home, skills, state)
    wanted = {skill.name: skill for skill in (*state.members, *state.edited)}
    members = [wanted[name] for name in sorted(wanted) if name not in state.deleted]
    skills.commit_generation(Cause.USER, members, parent=state.generation.number)
    return sorted([*(skill.name for skill in state.edited), *state.deleted])


def _begin(home: Home, skills: Skills, state: CopyState) -> None:
    """A first manifest, of the files that are the current generation's.

    Without it, were this process killed right after it took an edit in and another then changed the same skill, that
    edit would be taken in once more.
    """
    files = {(skill.name, skill.sha256) for skill in state.library.skills}
    members = dict(pair for pair in state.generation.members if pair in files)
    with suppress(MetaclawError, OSError), lease(home, LEASE), _staging(home) as staging:
        if span_of(skills, read_manifest(home.skills), skills.current_generation())[0] is None:
            write_manifest(home.skills, Manifest(state.generation.number, members), staging / "manifest")


def _bring_up_to_date(home: Home, skills: Skills) -> tuple[Problem, ...]:
    """Write what the folder lacks, then the manifest; gives what is wrong with single skills.

    Raises LeaseHeld where another process does it, StoreReadOnly, StoreFull, HomeRefused.
    """
    try:
        with lease(home, LEASE):
            state = look(home.skills, skills)
            if state.unreadable:
                return ()
            with _staging(home) as staging:
                problems = _write(home, staging, state)
                # Edits by hand don't hold it up: told from this generation they are edits all the same. A file that
                # could not be written would look like one.
                if not problems:
                    write_manifest(home.skills, manifest_of(state.generation), staging / "manifest")
            return problems
    except OSError as error:
        if isinstance(error, MetaclawError):
            raise
        raise home_error(home.skills, error) from error


def _write(home: Home, staging: Path, state: CopyState) -> tuple[Problem, ...]:
    """Write what is outdated and take out what is too much; gives what is wrong with skills that cannot be written."""
    problems = []
    for skill, instead in state.outdated:
        try:
            _put(home, staging, skill, instead)
        except (StoreFull, StoreReadOnly):
            raise
        except MetaclawError as error:
            problems.append(_behind(error, skill.name))
    for skill in state.surplus:
        _take_out(home, staging, skill)
    for name in state.known - {skill.name for skill in state.members}:
        with suppress(OSError):
            (home.skills / name).rmdir()  # it fails where other files are left in it
    return tuple(problems)


@contextmanager
def _staging(home: Home) -> Iterator[Path]:
    """A folder for drafts; what a killed process left in it goes."""
    staging = home.skills / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    home.skills.mkdir(mode=0o700, parents=True, exist_ok=True)
    staging.mkdir(mode=0o700)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _put(home: Home, staging: Path, skill: Skill, instead: Skill | None) -> None:
    """Write a SKILL.md in the place of what was read there; what somebody made of that since stands."""
    folder = home.skills / skill.name
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise SkillInvalid(f"{folder} is a link or a file, not the folder of a skill.", "Move it away.")
    draft, target = staging / skill.name / FILE_NAME, folder / FILE_NAME
    write_skill(staging, skill)
    folder.mkdir(mode=0o700, exist_ok=True)
    if instead is None:
        _place(draft, target)
        return
    with suppress(FileNotFoundError):  # somebody deleted it
        exchange(draft, target)
        if _holds(draft, instead):
            return
        exchange(draft, target)
        if not _holds(draft, canonical(skill)):
            exchange(draft, target)  # edited once more: the newest text stands


def _take_out(home: Home, staging: Path, skill: Skill) -> None:
    """Delete a SKILL.md that was read; what somebody made of it since stands."""
    aside, target = staging / skill.name / FILE_NAME, home.skills / skill.name / FILE_NAME
    aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        os.replace(target, aside)
        if not _holds(aside, skill):
            _place(aside, target)


def _place(draft: Path, target: Path) -> None:
    """Move a file to where none is; one that is there stands."""
    try:
        os.link(draft, target)
    except FileExistsError:
        pass
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        if not target.exists():
            os.replace(draft, target)


def _holds(path: Path, skill: Skill) -> bool:
    try:
        with path.open("rb") as file:
            text = file.read(BYTE_LIMIT + 1).decode("utf-8")
        return parse(text, skill.name).sha256 == skill.sha256
    except (SkillInvalid, UnicodeDecodeError, OSError):
        return False


def _behind(error: MetaclawError, name: str = "") -> Problem:
    what = f"Skill {name!r} in the skill folder" if name else "The skill folder"
    return Problem(name, f"{what} is behind the library, which is in use all the same. {error}", loaded=True)


def _untaken(state: CopyState, error: MetaclawError) -> Problem:
    names = ", ".join(sorted([*(skill.name for skill in state.edited), *state.deleted]))
    return Problem("", f"Edits in the skill folder are not in use ({names}). {error}")
