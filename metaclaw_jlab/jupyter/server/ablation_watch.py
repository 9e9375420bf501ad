"""Whether the ablations of a home have moved on, told from the times and sizes of their files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metaclaw_jlab.runtime.home import Home

SECONDS = 0.5  # between looks
RUNS, JOBS = "runs", "jobs"

_Seen = tuple[object, ...]


class AblationWatch:
    """Looks twice a second at the folders of runs, and at the attempts of those that are not over. `changes` grows."""

    def __init__(self, home: Home, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._home = home
        self._clock = clock
        self._next = float("-inf")
        self._seen: dict[int, _Seen] | None = None
        self._over: dict[int, object] = {}  # what a folder of a run that is over looked like
        self.changes = 0

    def due(self) -> bool:
        """Whether it is time to look, and there is anything to look at. Cheap."""
        if self._clock() < self._next:
            return False
        self._next = self._clock() + SECONDS
        return (self._home.path / RUNS).is_dir() or bool(self._seen)

    def look(self) -> bool:
        """Whether anything has changed since the last look; the first tells nothing."""
        now = {number: self._run(number, path) for number, path in _folders(self._home.path / RUNS)}
        before, self._seen = self._seen, now
        moved = before is not None and before != now
        self.changes += moved
        return moved

    def _run(self, number: int, path: Path) -> _Seen:
        written = _written(path)
        if self._over.get(number) == written:
            return (written,)
        state = self._state(number)
        if state is None:
            self._over[number] = written
            return (written,)
        return (written, state, _size(path / JOBS))

    def _state(self, number: int) -> str | None:
        """The state of a run; None where nothing of it will change by itself."""
        from metaclaw_jlab.core.errors import MetaclawError
        from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder

        try:
            state = RunFolder(self._home, number).state().state
        except MetaclawError:
            return None
        return None if state.over else state.value


def _folders(runs: Path) -> list[tuple[int, Path]]:
    try:
        names = os.listdir(runs)
    except OSError:
        return []
    return [(int(name), runs / name) for name in names if name.isascii() and name.isdigit()]


def _written(path: Path) -> int:
    """When a file was last put into a folder: the state of a run is replaced, not written over."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _size(jobs: Path) -> int:
    """Bytes of all attempts so far."""
    try:
        with os.scandir(jobs) as found:
            return sum(entry.stat().st_size for entry in found if entry.name.endswith(".jsonl"))
    except OSError:
        return 0
