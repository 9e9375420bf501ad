"""Processes with all that they started, and how long they have computed."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from metaclaw_jlab.runtime.processes import start_ticks

Computed = Mapping[tuple[int, int], float]


def tree(roots: Iterable[int], without: Collection[int] = ()) -> set[int]:
    """The processes `roots` and all their descendants, but for those in `without` and theirs."""
    found: set[int] = set()
    waiting = [pid for pid in roots if pid > 0]
    while waiting:
        pid = waiting.pop()
        if pid not in found and pid not in without:
            found.add(pid)
            waiting.extend(children(pid))
    return found


def children(pid: int) -> list[int]:
    """The processes that a process started and that still run; none where it is gone."""
    if sys.platform == "linux":
        try:
            # Reading every process's parent, as psutil does, costs a hundred times as much.
            return [
                int(child)
                for task in Path(f"/proc/{pid}/task").iterdir()
                for child in (task / "children").read_text(encoding="ascii").split()
            ]
        except (OSError, ValueError):
            if Path("/proc/self/task").exists() and not Path(f"/proc/{pid}").exists():
                return []
    import psutil

    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.Error:
        return []


def computed(pids: Iterable[int]) -> dict[tuple[int, int], float]:
    """The CPU seconds of each process so far, by its pid and start (pids repeat); those that are gone are left out.

    What its ended children have used is not its own: a training that a kernel started and that has ended is none of it.
    """
    import psutil

    found: dict[tuple[int, int], float] = {}
    for pid in pids:
        try:
            times = psutil.Process(pid).cpu_times()
        except psutil.Error:
            continue
        # Not psutil's time of creation, which moves when the clock is set.
        found[pid, start_ticks(pid)] = times.user + times.system
    return found


def computed_since(before: Computed, now: Computed) -> float:
    """The CPU seconds between two looks; a process that was not there before counts whole."""
    return sum(max(0.0, seconds - before.get(key, 0.0)) for key, seconds in now.items())
