"""The tasks of an ablation as a grid, and two attempts at one of them beside each other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.ablation import Attempt
from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.outcome import cells_of, task_means

if TYPE_CHECKING:
    from metaclaw_jlab.core.trajectory import Step, Trajectory
    from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder

TITLES = "titles.json"
_TITLE = 80
_DIGITS = 4
_LOOKS = 100  # traces that are opened for titles at once: a grid of thousands must not wait for them


def task_grid(run: RunFolder, attempts: Sequence[Attempt] | None = None) -> dict[str, Any]:
    """Every task that was attempted, those of the days first, with each arm's mean over seeds and samples; None where
    an arm has not attempted it."""
    found = _attempts(run, attempts)
    plan = run.plan()
    arms = [arm.name for arm in plan.arms]
    means = {
        arm: task_means(cells_of([one.outcome() for one in found if one.arm == arm], arm)) for arm in arms
    }
    first: dict[str, Attempt] = {}
    for attempt in found:
        first.setdefault(attempt.task, attempt)
    tasks = sorted(first.values(), key=lambda one: (one.day is None, one.day or 0))
    titles = _titles(run, tasks)
    return {
        "arms": arms,
        "tasks": [
            {"id": one.task, "title": titles.get(one.task, one.task), "group": one.group, "day": one.day}
            for one in tasks
        ],
        "values": [
            [round(means[arm][one.task], _DIGITS) if one.task in means[arm] else None for arm in arms]
            for one in tasks
        ],
        "seeds": sorted({one.seed for one in found}),
    }


def trace_pair(
    run: RunFolder, task: str, seed: int, sample: int = 0, attempts: Sequence[Attempt] | None = None
) -> dict[str, Any]:
    """What each arm did at a task, step by step, in the plan's order of arms. Raises NotFound where none attempted it
    with this seed and sample."""
    from metaclaw_jlab.evaluation.ablation.attempts_log import read_trace

    order = [arm.name for arm in run.plan().arms]
    chosen = [
        one for one in _attempts(run, attempts) if (one.task, one.seed, one.sample) == (task, seed, sample)
    ]
    if not chosen:
        raise NotFound(
            f"Ablation {run.number} has no attempt at task {task} with seed {seed} and sample {sample}.",
            "Take a task and a seed of its grid; what has not been attempted yet has no traces.",
        )
    chosen.sort(key=lambda one: order.index(one.arm))
    traces = [read_trace(run, one) for one in chosen]
    known = next((trace for trace in traces if trace is not None), None)
    return {
        "id": task,
        "task": known.task.text if known is not None else "",
        "title": title_of(known.task.text) if known is not None else task,
        "group": chosen[0].group,
        "day": chosen[0].day,
        "seed": seed,
        "sample": sample,
        "attempts": [_trace(one, trace) for one, trace in zip(chosen, traces, strict=True)],
    }


def title_of(text: str) -> str:
    """The first line that says something, cut."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= _TITLE else f"{line[: _TITLE - 1].rstrip()}…"


def _attempts(run: RunFolder, attempts: Sequence[Attempt] | None) -> Sequence[Attempt]:
    if attempts is not None:
        return attempts
    from metaclaw_jlab.evaluation.ablation.attempts_log import read_attempts

    return read_attempts(run)


def _titles(run: RunFolder, tasks: Sequence[Attempt]) -> Mapping[str, str]:
    """Titles that were kept; else out of the run's tasks, and of what is not there out of traces, some at a time. Kept
    they open at once the next time."""
    titles = _kept(run)
    if all(one.task in titles for one in tasks):
        return titles
    titles |= _planned(run)
    missing = [one for one in tasks if one.task not in titles]
    for one in missing[:_LOOKS]:
        titles[one.task] = _traced(run, one) or one.task
    _keep(run, titles)
    return titles


def _planned(run: RunFolder) -> dict[str, str]:
    from metaclaw_jlab.evaluation.ablation.trial_files import read_tasks, tasks_path

    found = {}
    for seed in (None, *run.plan().seeds):
        path = tasks_path(run, seed)
        if path.exists():
            tasks = read_tasks(path)
            for trial in (*tasks.test, *(one for day in tasks.days for one in day)):
                found[trial.id] = title_of(trial.task.text)
    return found


def _traced(run: RunFolder, attempt: Attempt) -> str | None:
    from metaclaw_jlab.evaluation.ablation.attempts_log import read_trace

    trace = read_trace(run, attempt)
    return title_of(trace.task.text) if trace is not None else None


def _kept(run: RunFolder) -> dict[str, str]:
    try:
        loaded = json.loads((run.path / TITLES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(task): str(title) for task, title in loaded.items()} if isinstance(loaded, dict) else {}


def _keep(run: RunFolder, titles: Mapping[str, str]) -> None:
    """A cache: where it cannot be written, titles are looked for again."""
    from metaclaw_jlab.runtime.home import replace_private

    with suppress(OSError):
        replace_private(run.path / TITLES, json.dumps(titles))


def _trace(attempt: Attempt, trace: Trajectory | None) -> dict[str, Any]:
    return {
        "arm": attempt.arm,
        "value": attempt.value,
        "right": attempt.right,
        "stop": attempt.stop,
        "failure": attempt.failure,
        "skills": list(attempt.skills),
        "checks": [
            {"source": check.check.source, "passed": check.passed, "feedback": check.feedback}
            for check in (trace.checks if trace is not None else ())
        ],
        "steps": [_step(step) for step in (trace.steps if trace is not None else ())],
    }


def _step(step: Step) -> dict[str, Any]:
    seen = step.observation
    error = None
    if seen is not None and seen.error is not None:
        error = seen.error.traceback or f"{seen.error.name}: {seen.error.message}"
    return {
        "reply": step.reply,
        "action": step.action,
        "stdout": seen.stdout if seen is not None else "",
        "stderr": seen.stderr if seen is not None else "",
        "result": seen.result if seen is not None else None,
        "error": error,
        "seconds": seen.seconds if seen is not None else 0.0,
    }
