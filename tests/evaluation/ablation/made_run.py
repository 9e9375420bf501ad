"""A run whose attempts are known, for tests of what shows it."""

from __future__ import annotations

from collections.abc import Mapping

from metaclaw_jlab.core.ablation import AblationPlan, AblationState, Attempt
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Observation, Stamp, Step, StopReason, Trajectory
from metaclaw_jlab.evaluation.ablation.arms import parse_arms
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, create_run
from metaclaw_jlab.runtime.home import Home

TASKS = 12
RIGHT = {"baseline": 3, "full": 11}  # of the tasks, the first ones


def made_run(
    home: Home, right: Mapping[str, int] = RIGHT, state: AblationState = AblationState.DONE
) -> RunFolder:
    """A run in this state in which each arm did the first of its tasks right."""
    plan = AblationPlan(parse_arms(",".join(right)), "practice:held-out", next(iter(right)), n=TASKS)
    run = create_run(home, plan)
    log = AttemptsLog(run.jobs / "one")
    for arm, many in right.items():
        for number in range(TASKS):
            log.append(attempt(arm, number, right=number < many), trajectory(arm, number))
    run.change(state=state, of=TASKS * len(right), started_at=10.0, ended_at=70.0)
    return run


def attempt(arm: str, number: int, *, right: bool) -> Attempt:
    """An attempt at the task of this number."""
    return Attempt(arm, f"t{number}", 1, 0, float(right), stop="done", seconds=0.5, prompt_tokens=100)


def trajectory(arm: str, number: int) -> Trajectory:
    """What the arm did at it."""
    step = Step(0, (), "I print it.", f"print({number})", Observation(stdout=f"{arm} {number}\n"))
    return Trajectory(
        f"{arm}-{number}",
        Task(f"Print {number} <b>"),
        Stamp(0, (), "tiny"),
        steps=(step,),
        stop=StopReason.DONE,
    )
