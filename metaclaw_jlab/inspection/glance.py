"""What is wrong in the folder of a large library, looked at beside the questions that are asked about it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from metaclaw_jlab.core.errors import MetaclawError

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.skills.library import Problem
    from metaclaw_jlab.store.database import Database

AT_ONCE = 500  # skills in whose files is looked before the answer
REST = 20.0  # a look that took a second is not repeated for twenty
LEAST_REST = 2.0  # seconds
LATER = 1.0  # seconds: a page that opens asks for more than one thing, and comes first
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Glance:
    """The last look at a folder; `due` is when the next may begin."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    problems: tuple[Problem, ...] = ()
    due: float = float("-inf")
    thread: threading.Thread | None = None


_glances: WeakKeyDictionary[Database, _Glance] = WeakKeyDictionary()
_glances_lock = threading.Lock()


def glance(
    workspace: Workspace,
    *,
    at_once: int = AT_ONCE,
    later: float = LATER,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Problem, ...]:
    """What is wrong in the folder. Edits by hand are adopted: at once where the library is small; else soon after, and
    what is told is what was found last. Raises StoreError."""
    from metaclaw_jlab.store.skills import Skills

    database = workspace.database()
    with _glances_lock:
        state = _glances.setdefault(database, _Glance())
    if Skills(database).size() <= at_once:
        problems = workspace.synchronised().problems
        state.problems = problems
        return problems
    with state.lock:
        if (state.thread is None or not state.thread.is_alive()) and clock() >= state.due:
            state.thread = threading.Timer(later, _look, (workspace, state, clock))
            state.thread.name, state.thread.daemon = "metaclaw-glance", True
            state.thread.start()
        return state.problems


def settle(workspace: Workspace) -> None:
    """Wait for the look that is under way, if one is."""
    with _glances_lock:
        state = _glances.get(workspace.database())
    if state is not None and state.thread is not None:
        state.thread.join()


def _look(workspace: Workspace, state: _Glance, clock: Callable[[], float]) -> None:
    from metaclaw_jlab.inspection.library_index import catalogue

    begun = clock()
    try:
        # The first list of a large library takes long: whoever looks at the home may soon look for a skill.
        catalogue(workspace)
        state.problems = workspace.synchronised().problems
    except MetaclawError as error:
        _log.warning("The skill folder could not be looked at: %s", error)
    except Exception:  # noqa: BLE001 - the thread's boundary
        _log.exception("The skill folder could not be looked at.")
    state.due = clock() + max(LEAST_REST, REST * (clock() - begun))
