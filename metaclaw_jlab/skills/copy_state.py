"""How a working copy compares with the store: what in it was done by hand, and what a writer has to do."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from metaclaw_jlab.core.generation import SkillGeneration
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.library import FILE_NAME, Library, Problem, read_library
from metaclaw_jlab.skills.manifest import Manifest, manifest_of, manifest_signature, read_manifest
from metaclaw_jlab.skills.markdown import canonical
from metaclaw_jlab.store.skills import Skills

STAGING = ".writing"  # inside the copy: files change places within one file system only
_REMEMBERED = 8


@dataclass(frozen=True, slots=True)
class CopyState:
    """The folder beside the current generation and its `members`.

    `edited` and `deleted` (names) were done by hand. `outdated` are skills to write, each with what the folder has
    instead; `surplus` is what it has too much. `manifest` is None where it is not of this store. `known` are names
    that the folder may hold without anybody's doing. `unfinished`: a writer is at work, or was killed; `unreadable`:
    nothing of this could be told.
    """

    signature: tuple[int, ...] | None
    manifest: Manifest | None
    library: Library
    generation: SkillGeneration
    members: tuple[Skill, ...]
    edited: tuple[Skill, ...] = ()
    deleted: tuple[str, ...] = ()
    outdated: tuple[tuple[Skill, Skill | None], ...] = ()
    surplus: tuple[Skill, ...] = ()
    known: frozenset[str] = frozenset()
    unfinished: bool = False
    unreadable: bool = False

    @property
    def by_hand(self) -> bool:
        """Whether somebody edited, added or deleted a skill."""
        return bool(self.edited or self.deleted)

    @property
    def in_step(self) -> bool:
        """Whether the folder is the current generation's, and the manifest says so."""
        return (
            not (self.unreadable or self.unfinished or self.by_hand or self.outdated or self.surplus)
            and self.manifest is not None
            and self.manifest == manifest_of(self.generation)
        )


def look(folder: Path, skills: Skills) -> CopyState:
    """Compare. Raises StoreDamaged, StoreBusy."""
    # The order counts: what stands in the folder now is of the manifest's generation or a later one, and of none
    # later than the current one, however many processes write meanwhile.
    signature = manifest_signature(folder)
    manifest = read_manifest(folder)
    library = read_library(folder)
    current = skills.current_generation()
    members = _members(folder, skills, current)
    if any(not problem.folder for problem in library.problems):
        return CopyState(signature, manifest, library, current, members, unreadable=True)
    manifest, span = span_of(skills, manifest, current)
    versions: dict[str, set[str]] = {}
    for generation in span:
        for name, sha256 in generation.members:
            versions.setdefault(name, set()).add(sha256)
    found = {skill.name: (skill, skill.sha256) for skill in library.skills}
    edited = tuple(
        skill for skill, sha256 in found.values() if not _is_one_of(skill, sha256, versions, skills)
    )
    absent = {skill.name for skill in members if skill.name not in found and not has_file(folder, skill.name)}
    # A name that one generation of the span lacks may be a writer's doing.
    told = manifest.members if manifest else {}
    deleted = absent.intersection(told, *(dict(each.members) for each in span))
    left_alone = deleted.union(skill.name for skill in edited)
    wanted = dict(current.members)
    return CopyState(
        signature,
        manifest,
        library,
        current,
        members,
        edited=edited,
        deleted=tuple(sorted(deleted)),
        outdated=tuple(_outdated(members, found, absent, left_alone, wanted)),
        surplus=tuple(
            skill for skill in library.skills if skill.name not in left_alone and skill.name not in wanted
        ),
        known=frozenset(versions),
        unfinished=(folder / STAGING).exists(),
    )


def _is_one_of(skill: Skill, sha256: str, versions: Mapping[str, set[str]], skills: Skills) -> bool:
    known = versions.get(skill.name, set())
    return sha256 in known or any(_carries(sha256, skills.get_skill(each)) for each in known)


def _carries(sha256: str, stored: Skill) -> bool:
    """Whether a file's hash is that of a skill that was stored with white space around, which no file keeps."""
    return sha256 == canonical(stored).sha256


def _outdated(
    members: tuple[Skill, ...],
    found: Mapping[str, tuple[Skill, str]],
    absent: Set[str],
    left_alone: Set[str],
    wanted: Mapping[str, str],
) -> Iterator[tuple[Skill, Skill | None]]:
    for skill in members:
        if skill.name in left_alone:
            continue
        if skill.name in absent:
            yield skill, None
        elif skill.name in found:
            read, sha256 = found[skill.name]
            if sha256 != wanted[skill.name] and not _carries(sha256, skill):
                yield skill, read


def span_of(
    skills: Skills, manifest: Manifest | None, current: SkillGeneration
) -> tuple[Manifest | None, list[SkillGeneration]]:
    """The generations that the folder may hold parts of, and the manifest, or None where it is not of this store."""
    if manifest is None or not 0 <= manifest.generation <= current.number:
        return None, [current]
    numbers = range(manifest.generation, current.number)
    newest = {each.number: each for each in skills.generations(len(numbers) + 1)} if numbers else {}
    # Others may have committed since `current`: then the oldest are not among the newest.
    span = [*(newest.get(number) or skills.generation(number) for number in numbers), current]
    if not manifest.members.items() <= dict(span[0].members).items():
        return None, [current]
    return manifest, span


def has_file(folder: Path, name: str) -> bool:
    """Whether a skill's SKILL.md is there, of whatever kind; True where that cannot be told."""
    try:
        (folder / name / FILE_NAME).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def problems_of(folder: Path, state: CopyState) -> tuple[Problem, ...]:
    """What is wrong with the folder, and which version is in use instead."""
    number = state.generation.number
    names = {skill.name for skill in state.members}
    told = []
    for problem in state.library.problems:
        if problem.loaded or not problem.folder:
            told.append(problem)
        elif not has_file(folder, problem.folder):
            # A folder that a writer is about to fill or to take away is no problem.
            if problem.folder not in state.known:
                told.append(problem)
        elif problem.folder in names:
            stays = f"{problem.sentence} Until then its version of generation {number} stays in use."
            told.append(Problem(problem.folder, stays))
        else:
            told.append(problem)
    return tuple(told)


_loaded: OrderedDict[str, tuple[SkillGeneration, tuple[Skill, ...]]] = OrderedDict()
_loaded_lock = Lock()


def _members(folder: Path, skills: Skills, generation: SkillGeneration) -> tuple[Skill, ...]:
    """The members of a generation; the same object as long as it is the folder's current one."""
    key = str(folder)
    with _loaded_lock:
        known = _loaded.get(key)
    if known is not None and known[0] == generation:
        return known[1]
    members = skills.members(generation.number)
    with _loaded_lock:
        _loaded[key] = (generation, members)
        _loaded.move_to_end(key)
        while len(_loaded) > _REMEMBERED:
            _loaded.popitem(last=False)
    return members
