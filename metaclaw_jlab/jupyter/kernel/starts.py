"""Starts of tasks on their way into the store. Where the code shows that one is of no use it is not kept."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.jupyter.kernel.code_names import Surroundings, leans_on

if TYPE_CHECKING:
    from metaclaw_jlab.core.trajectory import Trajectory
    from metaclaw_jlab.jupyter.kernel.start_state import Captured
    from metaclaw_jlab.store.database import Database

logger = logging.getLogger(__name__)

REMEMBERED = 64  # tasks whose surroundings are remembered
_NOTHING_RAN = frozenset(("SyntaxError", "IndentationError", "TabError", "ReplyCutOff"))


class Starts:
    """What the tasks of one kernel started from. Any thread may tell of a task; one at a time stores."""

    def __init__(self) -> None:
        self._captured: OrderedDict[str, Captured] = OrderedDict()
        self._around: OrderedDict[str, Surroundings] = OrderedDict()
        self._seen: deque[Trajectory] = deque()
        self._lock = threading.Lock()

    def begun(self, trajectory_id: str, captured: Captured) -> None:
        """A task has begun from this."""
        with self._lock:
            self._captured[trajectory_id] = captured
            _bound(self._captured)

    def went_on(self, trajectory: Trajectory) -> bool:
        """A step of a task was proposed, or it has ended; whether there is something to be stored for it."""
        with self._lock:
            waits = trajectory.id in self._captured or trajectory.id in self._around
            if waits:
                self._seen.append(trajectory)
            return waits

    def store(self, database: Database) -> None:
        """Keep the starts of the tasks that went on, or say why they are not kept."""
        while self._seen:
            trajectory = self._seen.popleft()
            try:
                self._store(trajectory, database)
            except MetaclawError as error:
                logger.warning("What task %s started from could not be kept: %s", trajectory.id, error)

    def _store(self, trajectory: Trajectory, database: Database) -> None:
        from metaclaw_jlab.store.start_states import StartStates
        from metaclaw_jlab.store.trajectories import Trajectories

        with self._lock:
            captured = self._captured.pop(trajectory.id, None)
            around = self._around.pop(trajectory.id, None)
        if captured is not None and captured.start is None:
            Trajectories(database).set_role_reason(trajectory.id, captured.reason)
            return
        around = around if captured is None else captured.around
        if around is None:
            return
        if leaning := leans_on(_codes(trajectory), around):
            reason = f"What it started from cannot be made again: {leaning}."
            Trajectories(database).set_role_reason(trajectory.id, reason)
            return
        if captured is not None and captured.start is not None:
            StartStates(database).keep(trajectory.id, captured.start)
        if trajectory.stop is None:
            with self._lock:
                self._around[trajectory.id] = around
                _bound(self._around)


def _codes(trajectory: Trajectory) -> list[str]:
    """The code of a task that ran, or may run next."""
    found = []
    for step in trajectory.steps:
        error = step.observation.error if step.observation is not None else None
        if error is None or error.name not in _NOTHING_RAN:
            found.append(step.action if step.ran is None else step.ran)
    return found


def _bound(
    known: OrderedDict[str, object] | OrderedDict[str, Captured] | OrderedDict[str, Surroundings],
) -> None:
    while len(known) > REMEMBERED:
        known.popitem(last=False)
