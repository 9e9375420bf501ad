"""The task sets that can be chosen, as a form offers them."""

from __future__ import annotations

from dataclasses import dataclass

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.store.learnt_from import learnt_texts
from metaclaw_jlab.store.logged_tasks import replayable


@dataclass(frozen=True, slots=True)
class TaskSetOption:
    """A task set. `count` is None where there are as many tasks as are asked for, or nobody knows before the file is
    named; `why_not` says why it cannot be chosen as it is."""

    spec: str
    title: str
    about: str
    count: int | None = None
    why_not: str | None = None


def describe_task_sets(workspace: Workspace) -> tuple[TaskSetOption, ...]:
    """What there is to measure on, for this home."""
    database = workspace.database()
    logged = replayable(database, learnt_texts(database))
    count = len(logged.ids)
    others = logged.learnt_from + logged.without_checks + logged.without_start
    none = f"None of {others} logged tasks has checks and a kept start, and was never learnt from."
    return (
        TaskSetOption(
            "practice:held-out",
            "Practice, held out",
            "tasks of a practice house in words that no training has seen; with days it learns from a stream first",
        ),
        TaskSetOption(
            "practice:validation",
            "Practice, validation",
            "tasks of a practice house for trying things out: leave the held-out ones for the last word",
        ),
        TaskSetOption(
            "log",
            "Your logged tasks",
            "what you asked before, from where it started, checked as it was then; log:last-200 takes the newest",
            count,
            None if count else none,
        ),
        TaskSetOption(
            "FILE.jsonl",
            "A JSONL file",
            'an object a line: {"task": "...", "checks": ["total == 12"]}',
            why_not="Name the file: tasks.jsonl.",
        ),
        TaskSetOption(
            "NOTEBOOK.ipynb",
            "Cells of a notebook",
            "cells tagged metaclaw-task with their checks, begun by those tagged metaclaw-setup",
            why_not="Name the notebook: tasks.ipynb.",
        ),
        TaskSetOption(
            "metaclaw-bench:DIR",
            "MetaClaw-Bench",
            "the days of the public benchmark",
            why_not="Run it with: metaclaw bench metaclaw-bench --data DIR --arms baseline,skills,full",
        ),
    )
