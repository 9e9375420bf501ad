"""A house at work without a model: its policy, its versions and its training are a test's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from metaclaw_jlab.core.policy import Policy, Sampling
from metaclaw_jlab.core.training import RunState, StepReport, TrainingRun
from metaclaw_jlab.evaluation.house_run import HouseRun, Plan
from metaclaw_jlab.evaluation.house_training import Trained
from metaclaw_jlab.evaluation.practice_arms import draw_households
from metaclaw_jlab.evaluation.practice_attempt import Conditions
from metaclaw_jlab.evaluation.practice_stream import draw_stream
from metaclaw_jlab.executors.sandbox import SandboxPool

# The policy is a test's own, nothing is ever sent there; wordings are not tried.
ELSEWHERE = {"policy.base_url": "http://127.0.0.1:9/v1", "evolver.kind": "distiller"}


@contextmanager
def house_of(
    plan: Plan, home: Path, policy: Policy, pool: SandboxPool, pin: Callable[[int], Policy]
) -> Iterator[HouseRun]:
    """A house whose user is answered by `policy`, and its arms by what `pin` gives."""
    (household,) = draw_households(plan.seed, plan.tasks, houses=1)
    stream = draw_stream(household, home, seed=plan.seed, length=plan.stream, overrides=ELSEWHERE)
    conditions = Conditions(policy=policy, pool=pool, sampling=Sampling(seed=plan.seed))
    try:
        yield HouseRun(plan, stream, conditions, pin, lambda _: None)
    finally:
        stream.workspace.close()


def trained(served: int | None) -> Trained:
    """A training that is over."""
    state = RunState.DONE
    run = TrainingRun(1, 3, "base", "ab", 7, 2, state, "It was decided on.", 0.0, 1.0, 2, 8, None, 1)
    steps = (StepReport(0, -0.5, 0.1, seconds=2.0), StepReport(1, 0.25, 0.1, seconds=3.0))
    return Trained(run, steps, None, served)
