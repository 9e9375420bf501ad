"""What a `%%metaclaw` cell does: its text is a task; the agent proposes, acts, or only answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from metaclaw_jlab.core.adapter import answering
from metaclaw_jlab.core.errors import TaskFailed, UsageMistake
from metaclaw_jlab.core.trajectory import StopReason, Trajectory
from metaclaw_jlab.jupyter.kernel.arguments import CellOptions, parse_cell_options
from metaclaw_jlab.jupyter.kernel.display import Reporter, bundle
from metaclaw_jlab.jupyter.kernel.session import EMBEDDED_NOTE
from metaclaw_jlab.jupyter.kernel.task_line import task_line

if TYPE_CHECKING:
    from metaclaw_jlab.agent.rollout import Rollout
    from metaclaw_jlab.core.config import Settings
    from metaclaw_jlab.core.task import Task
    from metaclaw_jlab.jupyter.kernel.session import KernelSession
    from metaclaw_jlab.jupyter.kernel.start_state import Captured

CANCELLED = "MetaClaw: cancelled · %metaclaw why"
_FINE = frozenset({StopReason.DONE, StopReason.NO_ACTION})


def run_cell(session: KernelSession, line: str, text: str) -> None:
    """Hand a cell's text to the agent. Raises UsageError, TaskFailed, MetaclawError, KeyboardInterrupt."""
    options = parse_cell_options(line)
    if not text.strip():
        raise UsageError("The cell has no task: write what you want done below the %%metaclaw line.")
    _work(session, lambda reporter: _do(session, options, text, reporter))


def next_step(session: KernelSession, trajectory: Trajectory) -> None:
    """Have the next step of an open task proposed. Raises what `run_cell` raises."""
    _work(session, lambda reporter: _go_on(session, trajectory, reporter))


def _work(session: KernelSession, do: Callable[[Reporter], Trajectory | None]) -> None:
    """The agent at work, and one line about what came of it."""
    if session.busy:
        raise UsageError("The agent's own code cannot hand on a task.")
    reporter = session.reporter()
    session.tell_what_was_learned(reporter)
    known, before = session.told(EMBEDDED_NOTE), session.last
    session.busy = True
    try:
        with session.workspace().precedence.first():
            trajectory = do(reporter)
    except KeyboardInterrupt:
        cut = session.last if session.last is not before else None
        reporter.line(bundle(CANCELLED) if cut is None else _line(session, cut))
        raise
    except BaseException:
        reporter.over()
        raise
    finally:
        session.busy = False
    if trajectory is not None:
        reporter.line(_line(session, trajectory))
        if known:
            session.tell_if_out_of_its_depth(trajectory, reporter)
        session.ask_for_leave(reporter)
        if failed(trajectory):
            session.watch_learning(trajectory, reporter)
        _raise_if_failed(trajectory)


def _line(session: KernelSession, trajectory: Trajectory) -> dict[str, object]:
    return task_line(trajectory, session.workspace().home.id)


def _do(session: KernelSession, options: CellOptions, text: str, reporter: Reporter) -> Trajectory | None:
    from metaclaw_jlab.agent.rollout import propose, run_task
    from metaclaw_jlab.jupyter.kernel.cell_executor import CellExecutor

    settings = session.workspace().settings()
    task = _task(session, options, settings, text, reporter)
    executor = CellExecutor(session.shell, settings.agent.observation_chars)
    mode = options.mode or settings.agent.mode
    captured = session.capture(task, settings) if mode != "off" else None
    rollout = session.rollout(options, settings, executor, reporter)
    if captured is not None:
        rollout = dataclasses.replace(rollout, on_begin=partial(_begun, session, reporter, captured))
    if mode == "auto":
        return run_task(
            task, dataclasses.replace(rollout, on_proposal=reporter.runs, on_step=reporter.observed)
        )
    if mode == "off":
        _answer(task, dataclasses.replace(rollout, recorder=None, on_end=lambda _: None), reporter)
        return None
    return _offered(session, propose(task, rollout), options)


def _begun(session: KernelSession, reporter: Reporter, captured: Captured, trajectory: Trajectory) -> None:
    session.started(trajectory, captured)
    reporter.begun(trajectory)


def _go_on(session: KernelSession, trajectory: Trajectory, reporter: Reporter) -> Trajectory:
    from metaclaw_jlab.agent.rollout import propose
    from metaclaw_jlab.jupyter.kernel.cell_executor import CellExecutor

    settings = session.workspace().settings()
    options = session.options.get(trajectory.id) or CellOptions(seed=trajectory.stamp.seed)
    executor = CellExecutor(session.shell, settings.agent.observation_chars)
    begun = trajectory.stamp.model
    rollout = session.rollout(options, settings, executor, reporter, begun=begun)
    now, _ = answering(rollout.policy.model)
    if begun != now:
        raise UsageMistake(
            f"Task {trajectory.id} was begun with {begun}, and {now} answers now.",
            "Connect the one that began it, or hand the task on anew with %%metaclaw.",
        )
    reporter.begun(trajectory)
    return _offered(session, propose(trajectory, rollout), options)


def _offered(session: KernelSession, trajectory: Trajectory, options: CellOptions) -> Trajectory:
    if trajectory.stop is None:
        session.offer(trajectory, options)
    return trajectory


def _task(
    session: KernelSession, options: CellOptions, settings: Settings, text: str, reporter: Reporter
) -> Task:
    from metaclaw_jlab.core.task import Task

    found = session.references(text, settings.agent.reference_chars)
    for note in found.notes:
        reporter.note(note)
    references = (*found.references, *session.file_references(text))
    return Task(text.strip(), references, options.checks, session.origin(), options.name)


def _answer(task: Task, rollout: Rollout, reporter: Reporter) -> None:
    """Show what the policy answers; nothing is run, proposed or recorded."""
    from metaclaw_jlab.agent.rollout import propose

    ended = propose(task, rollout)
    reporter.end_of_text()
    if ended.stop is not None:
        _raise_if_failed(ended)
    reporter.line(bundle("MetaClaw: mode off · nothing was run or recorded"))


def failed(trajectory: Trajectory) -> bool:
    """Whether a task has ended and not well."""
    failed_check = any(not result.passed for result in trajectory.checks)
    return trajectory.stop is not None and (trajectory.stop not in _FINE or failed_check)


def _raise_if_failed(trajectory: Trajectory) -> None:
    if not failed(trajectory):
        return
    feedback = " ".join(result.feedback for result in trajectory.checks if not result.passed)
    cause = trajectory.stop_detail or feedback or f"The task ended as {trajectory.stop}."
    raise TaskFailed(cause if cause.endswith((".", "!", "?")) else f"{cause}.", "See %metaclaw why.")
