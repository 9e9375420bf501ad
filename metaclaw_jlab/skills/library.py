"""A library of skills: a folder of folders, each with a SKILL.md. What is broken is said, and the others load."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TypeAlias

from metaclaw_jlab.core.errors import NotFound, SkillInvalid, StoreError, StoreFull, StoreReadOnly
from metaclaw_jlab.core.skill import NAME_LIMIT, NAME_PATTERN, Skill
from metaclaw_jlab.skills.markdown import BYTE_LIMIT, canonical, parse_file, render

FILE_NAME = "SKILL.md"
_REMEMBERED_LIBRARIES = 8

_Signature: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a skill's folder. Where `loaded`, the skill is in use all the same."""

    folder: str
    sentence: str
    loaded: bool = False


@dataclass(frozen=True, slots=True)
class Library:
    """The skills of a folder by name, and what was wrong with others."""

    skills: tuple[Skill, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    signature: _Signature | None
    skill: Skill | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    entries: dict[str, _Entry]
    library: Library


_snapshots: OrderedDict[str, _Snapshot] = OrderedDict()
_snapshots_lock = Lock()


def read_library(folder: Path) -> Library:
    """The library in `folder`; empty where there is none. Never raises for a broken skill.

    Files that did not change since the last call (inode, size, times) are not read again, and a library in which
    nothing changed is the same object.
    """
    key = os.path.abspath(folder)
    with _snapshots_lock:
        before = _snapshots.get(key)
    entries: dict[str, _Entry] = {}
    try:
        names = sorted(item.name for item in os.scandir(folder) if _may_be_skill(item))
    except FileNotFoundError:
        names = []
    except OSError as error:
        sentence = f"The skill library cannot be read: {error.strerror}. Check the rights of its folder."
        return Library(problems=(Problem("", sentence),))
    for name in names:
        entries[name] = _read_entry(key, name, before.entries.get(name) if before else None)
    if before is not None and _same(before.entries, entries):
        return before.library
    library = Library(
        tuple(entry.skill for entry in entries.values() if entry.skill is not None),
        tuple(problem for entry in entries.values() for problem in entry.problems),
    )
    with _snapshots_lock:
        _snapshots[key] = _Snapshot(entries, library)
        _snapshots.move_to_end(key)
        while len(_snapshots) > _REMEMBERED_LIBRARIES:
            _snapshots.popitem(last=False)
    return library


def raw_text(folder: Path, name: str, most: int) -> bytes | None:
    """The SKILL.md of a skill as it stands, whether it can be used or not; None where it is no file of the library's
    own, cannot be read, or has more than `most` bytes."""
    path = folder / name / FILE_NAME
    try:
        status = path.stat()
        if _leads_outside(folder, path) or not stat.S_ISREG(status.st_mode) or status.st_size > most:
            return None
        return path.read_bytes()
    except OSError:
        return None


def write_skill(folder: Path, skill: Skill) -> Skill:
    """Write `<folder>/<name>/SKILL.md` in one rename (mode 0600); gives the skill as it will be read back.

    Raises SkillInvalid, StoreFull, StoreReadOnly.
    """
    _checked_name(skill.name)
    text = render(skill)
    target = folder / skill.name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _leads_outside(folder, target):
            raise SkillInvalid(
                f"The folder of skill {skill.name!r} is a link out of the library.", "Delete the link."
            )
        target.mkdir(mode=0o700, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".SKILL.", dir=target)  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target / FILE_NAME)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _store_error(error, f"Skill {skill.name!r} was not written") from error
    return canonical(skill)


def remove_skill(folder: Path, name: str) -> None:
    """Delete a skill's SKILL.md, and its folder unless it holds other files. Raises SkillInvalid, NotFound."""
    target = folder / _checked_name(name)
    try:
        if _leads_outside(folder, target):
            raise SkillInvalid(
                f"The folder of skill {name!r} is a link out of the library.", "Delete the link."
            )
        (target / FILE_NAME).unlink()
        if not any(target.iterdir()):
            target.rmdir()
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"There is no skill {name!r}.", "List the ones there are.") from None
    except OSError as error:
        raise _store_error(error, f"Skill {name!r} was not removed") from error


def _may_be_skill(item: os.DirEntry[str]) -> bool:
    return not item.name.startswith(".") and (item.is_symlink() or item.is_dir())


def _same(before: dict[str, _Entry], after: dict[str, _Entry]) -> bool:
    return before.keys() == after.keys() and all(before[name] is entry for name, entry in after.items())


def _read_entry(folder: str, name: str, before: _Entry | None) -> _Entry:
    path = os.path.join(folder, name, FILE_NAME)
    signature: _Signature | None = None
    try:
        status = os.stat(path)
        signature = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if before is not None and before.signature == signature:
            return before
        text = _text(Path(folder), Path(path), status)
        file = parse_file(text, name)
    except SkillInvalid as error:
        return _unloaded(signature, name, str(error), before)
    except FileNotFoundError:
        sentence = f"Folder {name!r} of the library has no {FILE_NAME}. Write one, or move the folder away."
        return _unloaded(None, name, sentence, before)
    except UnicodeDecodeError:
        sentence = f"{FILE_NAME} of {name!r} is not UTF-8 text. Save it as UTF-8."
        return _unloaded(signature, name, sentence, before)
    except OSError as error:
        sentence = f"{FILE_NAME} of {name!r} cannot be read: {error.strerror}. Check its rights."
        return _unloaded(signature, name, sentence, before)
    notes = tuple(Problem(name, note, loaded=True) for note in file.notes)
    return _Entry(signature, file.skill, notes)


def _unloaded(signature: _Signature | None, name: str, sentence: str, before: _Entry | None) -> _Entry:
    entry = _Entry(signature, None, (Problem(name, sentence),))
    return before if before == entry else entry


def _text(folder: Path, path: Path, status: os.stat_result) -> str:
    if _leads_outside(folder, path):
        raise SkillInvalid(
            f"{path.parent.name!r} is a link out of the skill library.", "Copy the skill into it instead."
        )
    if not stat.S_ISREG(status.st_mode):
        raise SkillInvalid(f"{FILE_NAME} of {path.parent.name!r} is no file.", "Replace it by a text file.")
    if status.st_size > BYTE_LIMIT:
        raise SkillInvalid(
            f"{FILE_NAME} of {path.parent.name!r} is larger than {BYTE_LIMIT // 1024} KB.",
            "Move its long parts to files beside it.",
        )
    return path.read_bytes().decode("utf-8")


def _leads_outside(folder: Path, path: Path) -> bool:
    home = os.path.realpath(folder)
    return os.path.commonpath([home, os.path.realpath(path)]) != home


def _checked_name(name: str) -> str:
    if len(name) > NAME_LIMIT or not NAME_PATTERN.match(name):
        raise SkillInvalid(
            f"{name!r} is no skill name.",
            f"Use 1 to {NAME_LIMIT} lower-case letters, digits and single hyphens.",
        )
    return name


def _store_error(error: OSError, what: str) -> StoreError:
    cause = f"{what}: {error.strerror or error}."
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StoreFull(cause, "Free some space on the disk of the home folder.")
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return StoreReadOnly(cause, "Make the home folder writable.")
    return StoreError(cause, "Look at the skill library's folder.")
