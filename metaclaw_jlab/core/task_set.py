"""What the tasks of an ablation are: each with its checks, and with what it starts from."""

from __future__ import annotations

from dataclasses import dataclass, field

from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Task


@dataclass(frozen=True, slots=True)
class TrialTask:
    """A task that any arm can be tried on. `setup` is code that runs before the agent is asked, in its room; `day` is
    the day of a stream that it belongs to, from 1 on, None for a test task; `group` names what tasks share (a house, a
    notebook, a benchmark's day)."""

    id: str
    task: Task
    start: StartState = field(default_factory=StartState)
    setup: tuple[str, ...] = ()
    day: int | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class TaskSet:
    """Test tasks, and the days before them where there is something to learn from. `validation` are tasks that choices
    may be made on; `notes` say what was left out, and why."""

    spec: str
    test: tuple[TrialTask, ...]
    days: tuple[tuple[TrialTask, ...], ...] = ()
    validation: tuple[TrialTask, ...] = ()
    notes: tuple[str, ...] = ()
