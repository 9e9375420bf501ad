"""A home in which ablations were run, written down as a run writes them. For tests and pictures of what is shown of
them; the same seed makes the same."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from metaclaw_jlab.core.ablation import AblationPlan, AblationState, Attempt, Days
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Task
from metaclaw_jlab.core.task_set import TaskSet, TrialTask
from metaclaw_jlab.core.trajectory import (
    ExecutionError,
    InjectedSkill,
    Observation,
    Purpose,
    Stamp,
    Step,
    StopReason,
    Trajectory,
)
from metaclaw_jlab.evaluation.ablation.arms import preset
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, create_run
from metaclaw_jlab.evaluation.ablation.trial_files import tasks_path, write_tasks
from metaclaw_jlab.runtime.home import Home

RIGHT = {"baseline": 0.32, "skills": 0.71, "full": 0.84, "placebo": 0.33, "random": 0.45, "adapter": 0.5}
ASKED = (
    "save the table as CSV",
    "write the dates",
    "total by region",
    "rename the columns",
    "round the prices",
)
CHECK = Check(CheckKind.EXPRESSION, "';' in open('out.csv').readline()", "Use semicolons in CSV files.")
HOSTILE = "<img src=x onerror=alert(1)>"
TRACES = 40  # tasks whose trajectories are kept


@dataclass(frozen=True, slots=True)
class Sketch:
    """A run to be written down. With `days` its arms learn, so many tasks a day."""

    arms: tuple[str, ...] = ("baseline", "skills", "full")
    tasks: int = 60
    seeds: tuple[int, ...] = (1,)
    days: int = 0
    state: AblationState = AblationState.DONE


def ablate(home: Home, sketch: Sketch, *, seed: int = 3) -> RunFolder:
    """Write a run down as if it had been made."""
    days = Days(sketch.days, tasks=8) if sketch.days else None
    plan = AblationPlan(
        tuple(preset(name) for name in sketch.arms),
        "practice:held-out",
        sketch.arms[0],
        n=sketch.tasks,
        seeds=sketch.seeds,
        days=days,
    )
    run = create_run(home, plan)
    made = list(_attempts(plan, Random(seed)))
    trials = {one.task: TrialTask(one.task, Task(_text(one.task))) for one in made}
    write_tasks(tasks_path(run), TaskSet(plan.tasks, tuple(trials.values())))
    log, kept = AttemptsLog(run.jobs / "all"), set(list(trials)[:TRACES])
    done = made if sketch.state is AblationState.DONE else made[: len(made) * 2 // 3]
    for attempt in done:
        log.append(attempt, _trajectory(attempt) if attempt.task in kept else None)
    now = time.time()
    run.change(state=sketch.state, of=len(made), started_at=now - 240, ended_at=now - 20)
    return run


def _attempts(plan: AblationPlan, rng: Random) -> Iterator[Attempt]:
    for seed in plan.seeds:
        world = f"s{seed}-" if plan.days else ""
        hard = {f"{world}task-{number:04d}": rng.random() for number in range(plan.n)}
        for arm in plan.arms:
            for day in range(1, plan.days.number + 1) if plan.days else ():
                for number in range(plan.days.tasks if plan.days else 0):
                    yield _attempt(arm.name, f"{world}day-{day}-{number}", seed, rng, rng.random(), day)
            for task, difficulty in hard.items():
                yield _attempt(arm.name, task, seed, rng, difficulty, None)


def _attempt(arm: str, task: str, seed: int, rng: Random, hard: float, day: int | None) -> Attempt:
    chance = RIGHT.get(arm, 0.5) if day is None else min(RIGHT.get(arm, 0.5), 0.3 + 0.08 * day)
    right = 0.6 * hard + 0.4 * rng.random() < chance
    failed = not right and rng.random() < 0.02
    return Attempt(
        arm,
        task,
        seed,
        0,
        1.0 if right else 0.0,
        right=right or rng.random() < 0.7,
        day=day,
        group="house-1",
        stop=(StopReason.DONE if right else StopReason.CHECK_FAILED).value,
        failure="The policy did not answer within 60 s." if failed else None,
        skills=() if arm == "baseline" else ("semicolon-csv",),
        steps=2,
        seconds=0.4 + rng.random(),
        policy_seconds=0.3,
        prompt_tokens=300 if arm == "baseline" else 420,
        completion_tokens=60,
    )


def _text(task: str) -> str:
    asked = ASKED[sum(task.encode()) % len(ASKED)]
    return f"{asked.capitalize()} of {task}, sorted by name, without the rows that have no price"


def _trajectory(attempt: Attempt) -> Trajectory:
    right = attempt.value == 1.0
    told: Sequence[InjectedSkill] = tuple(InjectedSkill(name, "0" * 64, 1.0) for name in attempt.skills)
    separator = ', sep=";"' if right else ""
    steps = (
        _step(0, "rows = load('in.csv')", Observation("12 rows\n", seconds=0.1)),
        _step(
            1,
            f"save(rows, 'out.csv'{separator})",
            Observation(
                seconds=0.1, error=None if right else ExecutionError("ValueError", f"a comma {HOSTILE}")
            ),
        ),
    )
    return Trajectory(
        f"{attempt.arm}-{attempt.task}-{attempt.seed}",
        Task(_text(attempt.task), checks=(CHECK,)),
        Stamp(1, tuple(told), "metaclaw-practice-1m"),
        Purpose.ABLATION,
        steps,
        StopReason(attempt.stop),
        checks=(CheckResult(CHECK, right, CHECK.feedback),),
    )


def _step(index: int, code: str, seen: Observation) -> Step:
    return Step(index, (), f"That is done so:\n```python\n{code}\n```", code, seen)
