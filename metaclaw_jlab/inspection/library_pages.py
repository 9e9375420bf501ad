"""The library by the page: its groups, and the rows of one of them or of a search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.inspection.generations import CAUSES
from metaclaw_jlab.inspection.glance import glance
from metaclaw_jlab.inspection.library_index import Catalogue, Entry, catalogue
from metaclaw_jlab.inspection.lines import notebook_name, one_line

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.skills.library import Problem

By: TypeAlias = Literal["source", "generation", "mark"]
DESCRIPTION = 160
NOTEBOOK = "notebook:"  # begins the key of a notebook's group
_UNKNOWN, _HAND, _IMPORT = "learnt", "hand", "import"
_ORIGINS = {_UNKNOWN: notebook_name(None), _HAND: "by hand", _IMPORT: "import"}
_MARKS = {"pinned": "pinned", "disabled": "disabled", "quarantined": "quarantined", "none": "without a mark"}


@dataclass(frozen=True, slots=True)
class LibraryGroup:
    """Skills that have something in common. `key` is what the rows are asked for by; `label` is for people."""

    key: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class LibraryGroups:
    """The library in groups: by the notebook that a skill was learnt in, by the generation since which it is as it is,
    or by mark, where a skill is in the group of each of its marks. `total` counts the skills that the search leaves."""

    by: str
    generation: int
    total: int
    groups: tuple[LibraryGroup, ...]
    problems: tuple[Problem, ...]
    folder: Path


@dataclass(frozen=True, slots=True)
class LibraryRow:
    """A skill in a list. `generation`, `cause` and `at` are of the version that it has; what is None is not known."""

    name: str
    description: str
    sha256: str
    generation: int | None
    cause: str | None
    at: float | None
    uses: int
    helped: int
    hurt: int
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LibraryRows:
    """Rows by name, from `offset`; `total` are there."""

    rows: tuple[LibraryRow, ...]
    total: int
    offset: int


def library_groups(workspace: Workspace, by: By, search: str = "") -> LibraryGroups:
    """The groups of the skills that have all words of a search."""
    problems = glance(workspace)
    found = catalogue(workspace)
    entries = tuple(_matching(found.entries, search))
    counts: Counter[str] = Counter(key for entry in entries for key in _keys(found, entry, by))
    return LibraryGroups(
        by=by,
        generation=found.generation,
        total=len(entries),
        groups=_IN_ORDER[by](counts, entries),
        problems=problems,
        folder=workspace.home.skills,
    )


def library_rows(
    workspace: Workspace,
    *,
    by: By = "source",
    group: str | None = None,
    search: str = "",
    offset: int = 0,
    limit: int = 100,
) -> LibraryRows:
    """The skills that have all words of a search, of one group where its key is given."""
    from metaclaw_jlab.store.uses import SkillUse, Uses

    found = catalogue(workspace)
    entries = [
        entry
        for entry in _matching(found.entries, search)
        if group is None or group in _keys(found, entry, by)
    ]
    page = entries[offset : offset + limit]
    uses = Uses(workspace.database()).of_each([entry.name for entry in page])
    rows = []
    for entry in page:
        use = uses.get(entry.name, SkillUse())
        rows.append(
            LibraryRow(
                name=entry.name,
                description=one_line(entry.description, DESCRIPTION),
                sha256=entry.sha256,
                generation=entry.since.generation if entry.since else None,
                cause=entry.since.cause if entry.since else None,
                at=entry.since.at if entry.since else None,
                uses=use.uses,
                helped=use.helped,
                hurt=use.hurt,
                marks=found.marks.get(entry.name, ()),
            )
        )
    return LibraryRows(tuple(rows), len(entries), offset)


def _matching(entries: Iterable[Entry], search: str) -> Iterable[Entry]:
    words = search.casefold().split()
    return (entry for entry in entries if all(word in entry.sought for word in words))


def _keys(found: Catalogue, entry: Entry, by: By) -> Sequence[str]:
    """The keys of the groups that an entry is in."""
    if by == "mark":
        return found.marks.get(entry.name) or ("none",)
    if by == "generation":
        return (str(entry.since.generation) if entry.since else "",)
    if entry.notebook is not None:
        return (NOTEBOOK + entry.notebook,)
    if entry.learnt:
        return (_UNKNOWN,)
    return (_IMPORT if entry.born is Cause.IMPORT else _HAND,)


def _by_source(counts: Counter[str], _entries: Sequence[Entry]) -> tuple[LibraryGroup, ...]:
    """Notebooks by name, then what came from none. A name that two of them have is told with its folder."""
    paths = {key: key.removeprefix(NOTEBOOK) for key in counts if key.startswith(NOTEBOOK)}
    names = Counter(notebook_name(path) for path in paths.values())
    labels = {
        key: notebook_name(path) if names[notebook_name(path)] == 1 else path for key, path in paths.items()
    }
    ordered = sorted(labels.items(), key=lambda pair: (pair[1].casefold(), pair[0]))
    return tuple(
        LibraryGroup(key, label, counts[key]) for key, label in [*ordered, *_ORIGINS.items()] if counts[key]
    )


def _by_generation(counts: Counter[str], entries: Sequence[Entry]) -> tuple[LibraryGroup, ...]:
    """The newest first."""
    causes = {str(entry.since.generation): entry.since.cause for entry in entries if entry.since}
    labels = {key: f"g{key}, {CAUSES[Cause(cause)]}" for key, cause in causes.items()}
    ordered = sorted(labels, key=int, reverse=True)
    groups = [LibraryGroup(key, labels[key], counts[key]) for key in ordered]
    return tuple([*groups, LibraryGroup("", "in no generation", counts[""])] if counts[""] else groups)


def _by_mark(counts: Counter[str], _entries: Sequence[Entry]) -> tuple[LibraryGroup, ...]:
    return tuple(LibraryGroup(key, label, counts[key]) for key, label in _MARKS.items() if counts[key])


_IN_ORDER: dict[By, Callable[[Counter[str], Sequence[Entry]], tuple[LibraryGroup, ...]]] = {
    "source": _by_source,
    "generation": _by_generation,
    "mark": _by_mark,
}
