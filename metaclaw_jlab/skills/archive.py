"""Skills as they travel: a folder of folders, one skill's folder, a SKILL.md, or any of these in a zip file."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from metaclaw_jlab.core.errors import SkillInvalid, StoreError, UsageMistake
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.library import FILE_NAME, Library, Problem, write_skill
from metaclaw_jlab.skills.markdown import BYTE_LIMIT, SkillFile, parse_file, render

MOST_FILES = 20_000
_NAMED = 5  # files that a note about what was left names


@dataclass(frozen=True, slots=True)
class _Place:
    """A SKILL.md: where it lies, the name of its folder, what lies beside it, its bytes or why there are none."""

    where: str
    folder: str
    beside: tuple[str, ...]
    content: bytes | SkillInvalid


def read_archive(path: Path) -> Library:
    """The skills below a folder or in a zip file, at any depth; what is broken is a problem, and the others load.

    Nothing is unpacked, and no link followed. Raises UsageMistake where there is no skill at all.
    """
    skills: dict[str, Skill] = {}
    problems = []
    none = True
    for place in _places(path):
        none = False
        try:
            file = _parsed(place)
        except SkillInvalid as error:
            problems.append(Problem(place.where, str(error)))
            continue
        if file.skill.name in skills:
            twice = f"There are two skills {file.skill.name!r}; the one in {place.where!r} was left."
            problems.append(Problem(place.where, f"{twice} Give it another name."))
            continue
        skills[file.skill.name] = file.skill
        problems += [Problem(place.where, note, loaded=True) for note in file.notes]
        if place.beside:
            named = ", ".join(place.beside[:_NAMED]) + (", …" if place.beside[_NAMED:] else "")
            note = f"Of {place.where!r} only {FILE_NAME} was taken; left where it was: {named}."
            problems.append(Problem(place.where, note, loaded=True))
    if none:
        raise UsageMistake(
            f"There is no {FILE_NAME} in {path}.", f"Give a folder or a zip file with a <name>/{FILE_NAME}."
        )
    return Library(tuple(skills[name] for name in sorted(skills)), tuple(problems))


def write_archive(path: Path, skills: Sequence[Skill]) -> None:
    """Write skills to a new folder, or to a new zip file where the name ends in .zip; the same skills, the same bytes.

    Raises UsageMistake where something is there already or it cannot be written.
    """
    texts = {skill.name: render(skill) for skill in sorted(skills, key=lambda skill: skill.name)}
    try:
        if path.suffix.lower() == ".zip":
            _write_zip(path, texts)
        else:
            _write_folder(path, skills)
    except FileExistsError:
        raise UsageMistake(f"{path} is there already.", "Name a new place.") from None
    except OSError as error:
        reason = error.cause if isinstance(error, StoreError) else f"{error.strerror or error}."
        raise UsageMistake(f"{path} cannot be written: {reason}", "Name another place.") from error


def _parsed(place: _Place) -> SkillFile:
    if isinstance(place.content, SkillInvalid):
        raise place.content
    if len(place.content) > BYTE_LIMIT:
        raise SkillInvalid(
            f"{FILE_NAME} of {place.where!r} is larger than {BYTE_LIMIT // 1024} KB.", "Shorten it."
        )
    try:
        text = place.content.decode("utf-8")
    except UnicodeDecodeError:
        raise SkillInvalid(
            f"{FILE_NAME} of {place.where!r} is not UTF-8 text.", "Save it as UTF-8."
        ) from None
    return parse_file(text, place.folder)


def _places(path: Path) -> Iterator[_Place]:
    if path.is_dir():
        return _places_below(path)
    if path.name == FILE_NAME and path.is_file():
        return iter([_place(path, path.parent.resolve().name, path.parent.name, ())])
    if not path.exists():
        raise UsageMistake(f"There is no {path}.", "Give a folder with skills, or a zip file of one.")
    return _places_in_zip(path)


def _places_below(root: Path) -> Iterator[_Place]:
    seen = 0
    for name, folders, files in os.walk(root):
        folder = Path(name)
        seen += 1 + len(files)
        if seen > MOST_FILES:
            raise UsageMistake(
                f"There are more than {MOST_FILES} files in {root}.", "Name the skills' folder."
            )
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        if FILE_NAME in files or FILE_NAME in folders:
            beside = tuple(sorted({*files, *folders} - {FILE_NAME}))
            where = str(folder.relative_to(root)) if folder != root else root.name
            yield _place(folder / FILE_NAME, folder.resolve().name, where, beside)
            folders.clear()


def _place(file: Path, folder: str, where: str, beside: tuple[str, ...]) -> _Place:
    content: bytes | SkillInvalid
    try:
        if not stat.S_ISREG(file.lstat().st_mode):
            content = SkillInvalid(f"{FILE_NAME} of {where!r} is a link or no file.", "Copy its text there.")
        else:
            with file.open("rb") as stream:
                content = stream.read(BYTE_LIMIT + 1)
    except OSError as error:
        content = SkillInvalid(
            f"{FILE_NAME} of {where!r} cannot be read: {error.strerror}.", "See its rights."
        )
    return _Place(where, folder, beside, content)


def _places_in_zip(path: Path) -> Iterator[_Place]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if not name.endswith("/"))
            if len(names) > MOST_FILES:
                raise UsageMistake(
                    f"There are more than {MOST_FILES} files in {path}.", "Pack the skills alone."
                )
            taken: list[str] = []
            for name in sorted(names, key=lambda name: (name.count("/"), name)):
                inner = PurePosixPath(name)
                parent = "" if inner.parent == PurePosixPath(".") else f"{inner.parent}/"
                hidden = any(part.startswith((".", "__MACOSX")) for part in inner.parts)
                if inner.name != FILE_NAME or hidden or any(name.startswith(above) for above in taken):
                    continue
                taken.append(parent)
                beside = tuple(
                    each.removeprefix(parent) for each in names if each.startswith(parent) and each != name
                )
                folder = inner.parent.name or path.stem
                yield _Place(
                    str(inner.parent) if parent else path.name, folder, beside, _unpacked(archive, name)
                )
    except zipfile.BadZipFile:
        raise UsageMistake(f"{path} is no zip file.", "Give a folder with skills, or a zip file.") from None
    except OSError as error:
        raise UsageMistake(f"{path} cannot be read: {error.strerror}.", "Look at its rights.") from error


def _unpacked(archive: zipfile.ZipFile, name: str) -> bytes | SkillInvalid:
    """At most one byte more than is allowed, however much it would unpack to."""
    try:
        with archive.open(name) as stream:
            return stream.read(BYTE_LIMIT + 1)
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        return SkillInvalid(f"{name!r} in the zip file cannot be unpacked: {error}.", "Pack it again.")


def _write_zip(path: Path, texts: dict[str, str]) -> None:
    with path.open("xb") as file:
        try:
            with zipfile.ZipFile(file, "w") as archive:
                for name, text in texts.items():
                    # No clock, no user, and no compressor, whose versions differ.
                    entry = zipfile.ZipInfo(f"{name}/{FILE_NAME}", (1980, 1, 1, 0, 0, 0))
                    entry.create_system, entry.external_attr = 3, 0o644 << 16
                    archive.writestr(entry, text.encode())
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _write_folder(path: Path, skills: Sequence[Skill]) -> None:
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        for skill in skills:
            write_skill(draft, skill)
        if path.exists():
            path.rmdir()
        draft.rename(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
