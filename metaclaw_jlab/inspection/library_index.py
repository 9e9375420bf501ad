"""The library as lists need it: kept in memory, and brought up to date by what later generations changed."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.inspection.whence import Version, history_of, in_force, version_of

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.store.database import Database
    from metaclaw_jlab.store.marks import Mark
    from metaclaw_jlab.store.skills import Skills


@dataclass(frozen=True, slots=True)
class Entry:
    """A skill of the library, or one that is put aside. `since` is the version that it has, None where no generation
    had this content; `learnt` says that it came from a failure, in `notebook` where that is known; `born` is the
    cause of the first generation that had it; `sought` is what is searched, case folded."""

    name: str
    sha256: str
    description: str
    sought: str
    since: Version | None
    born: Cause | None
    learnt: bool
    notebook: str | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The entries by name, those put aside among them, and the marks in words of those that have any."""

    generation: int
    entries: tuple[Entry, ...]
    marks: Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class _Index:
    """What is known of the generations up to `generation`, -1 for none."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    generation: int = -1
    members: dict[str, str] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    made: dict[int, tuple[Cause, float]] = field(default_factory=dict)
    born_in: dict[str, str | None] = field(default_factory=dict)
    texts: dict[str, tuple[str, str]] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()
    aside: tuple[tuple[int, Mapping[str, str]], tuple[Entry, ...]] = ((-1, {}), ())


_indexes: WeakKeyDictionary[Database, _Index] = WeakKeyDictionary()
_indexes_lock = threading.Lock()


def catalogue(workspace: Workspace) -> Catalogue:
    """The library as the store has it now; what is in the folder is not looked at."""
    from metaclaw_jlab.store.marks import Marks

    database = workspace.database()
    found = Marks(database).all()
    with _indexes_lock:
        index = _indexes.setdefault(database, _Index())
    with index.lock:
        _follow(index, database)
        entries = index.entries
        if aside := put_aside(workspace, index.members, found):
            entries = tuple(
                sorted((*entries, *_aside(index, workspace, aside)), key=lambda entry: entry.name)
            )
        marks = {name: in_force(marks, index.members.get(name)) for name, marks in found.items()}
        return Catalogue(index.generation, entries, {name: words for name, words in marks.items() if words})


def current_versions(workspace: Workspace) -> dict[str, Version]:
    """The version of every skill of the current generation, by name."""
    return {entry.name: entry.since for entry in catalogue(workspace).entries if entry.since is not None}


def put_aside(
    workspace: Workspace, members: Mapping[str, str], marks: Mapping[str, Mapping[Mark, str | None]]
) -> dict[str, str]:
    """The content hashes of the disabled and quarantined skills that are no members, as they were when they were
    taken out, by name."""
    from metaclaw_jlab.store.marks import Mark

    aside: dict[str, str] = {}
    for name, found in marks.items():
        if name in members or not {Mark.DISABLED, Mark.QUARANTINED}.intersection(found):
            continue
        known = [sha256 for sha256 in found.values() if sha256 is not None]
        known = known or [step.sha256 for step in reversed(history_of(workspace, name)) if step.sha256]
        aside.update((name, sha256) for sha256 in known[:1])
    return aside


def _follow(index: _Index, database: Database) -> None:
    """Take up the generations that the index does not know."""
    from metaclaw_jlab.store.lineage import Lineage
    from metaclaw_jlab.store.skills import Skills

    skills = Skills(database)
    current = skills.current_number()
    if current == index.generation:
        return
    # Where the store fails half-way the next call takes the same generations up again.
    for step in skills.steps(index.generation + 1, current):
        index.made[step.number] = (step.cause, step.created_at)
        for name in step.before.keys() - step.after.keys():
            index.members.pop(name, None)
            index.since.pop(name, None)
        for name, sha256 in step.after.items():
            index.members[name] = sha256
            index.since[name] = step.number
            index.first.setdefault(name, step.number)
    for name, notebook in Lineage(database).births(index.generation, current):
        index.born_in.setdefault(name, notebook)
    _read(index, skills, index.members.values())
    wanted = set(index.members.values())
    index.texts = {sha256: text for sha256, text in index.texts.items() if sha256 in wanted}
    index.entries = tuple(
        _entry(index, name, sha256, index.since[name]) for name, sha256 in sorted(index.members.items())
    )
    index.generation = current


def _read(index: _Index, skills: Skills, hashes: Iterable[str]) -> None:
    for sha256, name, description, body in skills.contents(set(hashes) - index.texts.keys()):
        index.texts[sha256] = (description, f"{name}\n{description}\n{body}".casefold())


def _entry(index: _Index, name: str, sha256: str, since: int | Version | None) -> Entry:
    if isinstance(since, int):
        cause, at = index.made[since]
        since = Version(sha256, since, cause.value, at)
    first = index.first.get(name)
    born = index.made[first][0] if first is not None else None
    description, sought = index.texts[sha256]
    learnt = name in index.born_in or born is Cause.EVOLVER
    return Entry(name, sha256, description, sought, since, born, learnt, index.born_in.get(name))


def _aside(index: _Index, workspace: Workspace, aside: Mapping[str, str]) -> tuple[Entry, ...]:
    """The entries of the skills that are put aside, worked out again only when there are others."""
    from metaclaw_jlab.store.skills import Skills

    if index.aside[0] != (index.generation, aside):
        _read(index, Skills(workspace.database()), aside.values())
        made = tuple(
            _entry(index, name, sha256, version_of(history_of(workspace, name), sha256))
            for name, sha256 in aside.items()
        )
        index.aside = ((index.generation, dict(aside)), made)
    return index.aside[1]
