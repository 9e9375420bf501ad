"""The user's own tasks, replayed: those with checks, from what they started from, that nothing was learnt from."""

from __future__ import annotations

from collections.abc import Collection

from metaclaw_jlab.core.errors import TaskSetInvalid
from metaclaw_jlab.core.task_set import TaskSet, TrialTask
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.logged_tasks import LOOKED, Replayable, replayable, tasks_of
from metaclaw_jlab.store.start_states import StartStates

MOST_BYTES = 256_000_000  # of all that the tasks start from, since it is all in memory


def last_of(spec: str) -> int:
    """How many trajectories `log` or `log:last-200` look at. Raises TaskSetInvalid."""
    words = spec.removeprefix("log").removeprefix(":")
    number = words.removeprefix("last-")
    if not words:
        return LOOKED
    if words == number or not number.isdecimal() or int(number) < 1:
        raise TaskSetInvalid(f"{spec!r} names no tasks of the log.", "Use log, or log:last-200.")
    return int(number)


def load_logged(spec: str, n: int, database: Database, learnt: Collection[str]) -> TaskSet:
    """The newest n tasks that can be done again, the oldest first. `learnt` are texts that were learnt from, by hash.

    Raises TaskSetInvalid where nothing is left, with what was left out.
    """
    last = last_of(spec)
    found = replayable(database, learnt, last)
    if not found.ids:
        raise TaskSetInvalid(
            f"None of the last {last} trajectories can be replayed{_why(found)}.",
            "Give tasks checks (%%metaclaw --check), let their starts be kept (%metaclaw learn starts on), and try "
            "again when more were done.",
        )
    notes = [f"Of the logged tasks {part}." for part in _left_out(found)]
    if len(found.ids) > n:
        notes.append(f"The newest {n} of {len(found.ids)} logged tasks are used.")
    tasks, starts = tasks_of(database, found.ids[:n]), StartStates(database)
    trials: list[TrialTask] = []
    size = 0
    for id_ in found.ids[:n]:
        start = starts.get(id_)
        if start is None or id_ not in tasks:
            continue  # forgotten meanwhile
        size += start.size
        if size > MOST_BYTES and trials:
            notes.append(
                f"The newest {len(trials)} are used: with more their files are over {MOST_BYTES / 1e6:g} MB."
            )
            break
        task = tasks[id_]
        trials.append(TrialTask(id_, task, start, group=task.origin.notebook or ""))
    return TaskSet(spec, tuple(reversed(trials)), notes=tuple(notes))


def _left_out(found: Replayable) -> list[str]:
    counts = (
        (found.learnt_from, "was left out: it was learnt from", "were left out: they were learnt from"),
        (found.without_checks, "was left out: it has no checks", "were left out: they have no checks"),
        (
            found.without_start,
            "was left out: what it started from was not kept",
            "were left out: what they started from was not kept",
        ),
    )
    return [f"{count} {one if count == 1 else many}" for count, one, many in counts if count]


def _why(found: Replayable) -> str:
    parts = [part.replace(" left out:", " of no use:") for part in _left_out(found)]
    return f": {'; '.join(parts)}" if parts else ": there are none that have ended"
