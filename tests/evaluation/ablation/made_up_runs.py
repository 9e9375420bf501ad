"""Runs whose attempts are made up: nothing is executed, everything is on disk as a real one has it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from metaclaw_jlab.core.ablation import AblationPlan, AblationState, Attempt, Budget, Days
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Task
from metaclaw_jlab.core.trajectory import (
    ExecutionError,
    Observation,
    Purpose,
    Stamp,
    Step,
    StopReason,
    Trajectory,
)
from metaclaw_jlab.evaluation.ablation.arms import parse_arms
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, create_run
from metaclaw_jlab.runtime.home import open_home

SHARES = {"baseline": 0.2, "skills": 0.5, "full": 0.7, "placebo": 0.2}


def snapshot_plan(arms: str = "baseline,skills,placebo", **parts: object) -> AblationPlan:
    """One frozen copy, 60 tasks, two seeds."""
    first = AblationPlan(parse_arms(arms), "tasks.jsonl", arms.split(",")[0], n=60, seeds=(1, 2))
    return replace(first, **parts)  # type: ignore[arg-type]


def stream_plan(arms: str = "baseline,skills,full", **parts: object) -> AblationPlan:
    """Three days of 8 tasks before 40 test tasks, three seeds that draw a world each."""
    first = AblationPlan(
        parse_arms(arms),
        "practice:held-out",
        arms.split(",")[0],
        n=40,
        seeds=(1, 2, 3),
        days=Days(3, 8),
        budget=Budget(prompt_price=1.0, completion_price=2.0),
    )
    return replace(first, **parts)  # type: ignore[arg-type]


def attempts_of(plan: AblationPlan, shares: Mapping[str, float] = SHARES, seed: int = 0) -> Iterator[Attempt]:
    """Every attempt of the plan; a task that is easy in one arm is easy in the others."""
    rng = random.Random(seed)
    for stream in plan.seeds:
        head = f"s{stream}-" if plan.days is not None else ""
        if plan.days is not None:
            for day in range(1, plan.days.number + 1):
                tasks = [f"{head}day{day}-{number}" for number in range(plan.days.tasks)]
                yield from _tried(plan, shares, rng, tasks, stream, day)
        yield from _tried(plan, shares, rng, [f"{head}t{number}" for number in range(plan.n)], stream, None)


def _tried(
    plan: AblationPlan,
    shares: Mapping[str, float],
    rng: random.Random,
    tasks: Sequence[str],
    seed: int,
    day: int | None,
) -> Iterator[Attempt]:
    for task in tasks:
        luck = rng.random()
        for arm in plan.arms:
            for sample in range(plan.samples if day is None else 1):
                share = shares[arm.name] * (1.0 if day is None else day / 3)
                value = float((luck + rng.uniform(-0.1, 0.1)) < share)
                yield Attempt(
                    arm.name,
                    task,
                    seed,
                    sample,
                    value,
                    right=True,
                    day=day,
                    group="house",
                    stop="done" if value else "check_failed",
                    skills=("csv-separator",) if arm.name != "baseline" else (),
                    steps=1,
                    seconds=0.5,
                    policy_seconds=0.25,
                    prompt_tokens=100,
                    completion_tokens=10,
                )


def made_run(
    path: Path,
    plan: AblationPlan,
    attempts: Sequence[Attempt] | None = None,
    *,
    state: AblationState = AblationState.DONE,
    traced: Sequence[str] = (),
) -> RunFolder:
    """A run in a home at `path`; attempts at the tasks of `traced` have trajectories."""
    found = tuple(attempts_of(plan)) if attempts is None else tuple(attempts)
    run = create_run(open_home(path), plan, clock=lambda: 1000.0)
    log = AttemptsLog(run.jobs / "made-up")
    for attempt in found:
        log.append(attempt, trajectory(attempt) if attempt.task in traced else None)
    run.change(
        state=state,
        of=sum(1 for _ in attempts_of(plan)),
        started_at=1000.0,
        ended_at=1060.0,
        notes=("Told.",),
    )
    return run


def trajectory(attempt: Attempt) -> Trajectory:
    """One step that prints, or raises where the attempt is worth nothing."""
    error = None if attempt.value else ExecutionError("KeyError", "'total'", "")
    check = Check(CheckKind.EXPRESSION, "total == 12")
    return Trajectory(
        id=f"{attempt.arm}-{attempt.task}",
        task=Task(f"\n  Sum the column of {attempt.task}.\nMind the separator.", checks=(check,)),
        stamp=Stamp(0, (), "made-up"),
        purpose=Purpose.ABLATION,
        steps=(
            Step(
                0,
                (Message("user", "Sum it."),),
                "I sum it.",
                "print(total)",
                Observation("12\n", "", None, error, 0.1),
            ),
        ),
        stop=StopReason.DONE if attempt.value else StopReason.CHECK_FAILED,
        checks=(CheckResult(check, bool(attempt.value), "" if attempt.value else "It is 11."),),
    )
