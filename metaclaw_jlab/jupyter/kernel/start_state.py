"""What a task starts from in a session: the objects and files that it names, copied before anything runs.

Only what the task refers to with @, what its checks use, and files of the working folder that its text or its checks
name. What cannot be copied is said; then the start is not kept, for half of one would be another one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import CheckKind, Task
from metaclaw_jlab.jupyter.kernel.code_names import Surroundings, constants_in, names_loaded
from metaclaw_jlab.jupyter.kernel.copies import Copier, NotCopied, is_at_hand
from metaclaw_jlab.jupyter.kernel.named_files import NamedFiles, words_of

if TYPE_CHECKING:
    from metaclaw_jlab.core.config import TrainingSettings

_BY_NAME = (ModuleType, type, FunctionType, BuiltinFunctionType)
NO_LEAVE = "nobody has said yet that it may be kept (%metaclaw learn starts on)"
SWITCHED_OFF = "keeping it is switched off (%metaclaw learn starts on)"


@dataclass(frozen=True, slots=True)
class View:
    """A session as far as a start is concerned. `lookup` resolves the names of references (`In[3]`)."""

    namespace: Mapping[str, Any]
    hidden: frozenset[str]
    lookup: Callable[[str], object | None]
    folder: Path


@dataclass(frozen=True, slots=True)
class Captured:
    """The start of a task, or a sentence on why there is none. `named` is what it would have to hold; `asks` whether
    its user has not been asked for leave. `around` is what else was there."""

    start: StartState | None
    around: Surroundings
    reason: str = ""
    named: tuple[str, ...] = ()
    asks: bool = False


@dataclass(slots=True)
class _Named:
    """What a task names: objects by name, files by path, and what is in the way of keeping them."""

    objects: dict[str, object] = field(default_factory=dict)
    files: NamedFiles = field(default_factory=NamedFiles)
    problem: str = ""

    def names(self) -> tuple[str, ...]:
        return (*self.objects, *self.files.paths)


def capture(task: Task, view: View, settings: TrainingSettings) -> Captured:
    """What a task starts from, where its user lets it be kept; a task that names nothing starts from nothing."""
    named = _named(task, view)
    around = Surroundings(_users_names(view), view.folder, time.time())
    if not named.names() and not named.problem and not settings.keep_starts:
        return Captured(StartState(), around)
    if not settings.keep_starts:
        why = NO_LEAVE if settings.keep_starts is None else SWITCHED_OFF
        asks = settings.keep_starts is None and not named.problem
        return Captured(None, around, _not_kept(why), named.names(), asks)
    if named.problem:
        return Captured(None, around, _not_kept(named.problem), named.names())
    try:
        start = _copied(named, view, int(settings.start_mb * 1e6))
    except NotCopied as refusal:
        return Captured(None, around, _not_kept(str(refusal)), named.names())
    kept = Surroundings(
        around.names.difference(start.objects), view.folder, around.started_at, frozenset(start.files)
    )
    return Captured(start, kept, named=named.names())


def _named(task: Task, view: View) -> _Named:
    named = _Named()
    for reference in task.references:
        name = reference.name.removeprefix("@")
        if (
            name != "Err" and (value := view.lookup(name)) is not None
        ):  # all that is known of Err is in the prompt
            named.objects[name] = value
    words: list[str] = []
    for check in task.checks:
        match check.kind:
            case CheckKind.EXPRESSION | CheckKind.SCRIPT:
                _name_objects(named, names_loaded(check.source), view)
                words += constants_in(check.source)
            case CheckKind.COMMAND:
                words += words_of(check.source)
            case CheckKind.FILE:
                words.append(check.source.strip())
    named.files.find(view.folder, words_of(task.text), quoted=words)
    named.problem = named.problem or named.files.problem
    return named


def _name_objects(named: _Named, names: Iterable[str], view: View) -> None:
    for name in names:
        if name not in view.namespace:
            continue
        if name.startswith("_") or name in view.hidden:
            named.problem = named.problem or f"{name}, which a check uses, belongs to this session alone"
        else:
            named.objects[name] = view.namespace[name]


def _copied(named: _Named, view: View, cap: int) -> StartState:
    """Raises NotCopied, with the name of what it was."""
    copier = Copier(cap)
    files = named.files.read(view.folder, copier)
    objects = {}
    for name, value in named.objects.items():
        try:
            objects[name] = copier.copy(value)
        except NotCopied as refusal:
            raise NotCopied(f"{name} {refusal}") from None
    for name, value in view.namespace.items():
        # Code may lean on what the session has imported: it is kept by its name.
        if (
            name not in objects
            and _is_users(name, view)
            and isinstance(value, _BY_NAME)
            and is_at_hand(value)
        ):
            try:
                objects[name] = copier.copy(value)
            except NotCopied:
                continue
    return StartState(files, objects)


def _users_names(view: View) -> frozenset[str]:
    return frozenset(name for name in view.namespace if _is_users(name, view))


def _is_users(name: str, view: View) -> bool:
    return not name.startswith("_") and name not in view.hidden


def _not_kept(why: str) -> str:
    return f"What it started from was not kept: {why}."
