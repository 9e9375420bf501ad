"""A day of a chain: its tasks round by round, and what is learnt after each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from metaclaw_jlab.core.arm import SkillSource
from metaclaw_jlab.core.errors import AblationError, EvolverError, PolicyError
from metaclaw_jlab.core.task_set import TrialTask
from metaclaw_jlab.core.trajectory import Purpose
from metaclaw_jlab.evaluation.ablation.attempting import Attempted, attempt_task
from metaclaw_jlab.evaluation.ablation.chain_home import ChainHome
from metaclaw_jlab.evaluation.ablation.wrong_outcomes import misreported
from metaclaw_jlab.evaluation.practice_arms import CONCURRENCY
from metaclaw_jlab.evaluation.stream_learning import VERIFIED, learn_from
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.support import Decision, Support

logger = logging.getLogger(__name__)

NOT_EVOLVED = "This arm makes no skills of failures."


def live_day(
    home: ChainHome, trials: Sequence[TrialTask], round_size: int, stop: Callable[[], bool]
) -> list[Attempted] | None:
    """Attempt a day's tasks, `round_size` of them under one skill generation, and learn after each round.

    What each attempt came to, in the order of the tasks; None where `stop` said so in between. Raises AblationError
    where policy or sandboxes failed all of a round.
    """
    found: list[Attempted] = []
    with ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="metaclaw-day") as threads:
        for start in range(0, len(trials), round_size):
            if stop():
                return None
            trials_now = trials[start : start + round_size]
            done = attempt_round(home, trials_now, threads)
            if all(one.attempt.failure is not None for one in done):
                raise AblationError(
                    f"All attempts of a round of arm {home.arm.name} failed, at last: {done[-1].attempt.failure}",
                    "See to it (metaclaw doctor), then resume: the day is lived anew.",
                )
            found += done
            learn(home, trials_now, done)
    return found


def attempt_round(
    home: ChainHome, trials: Sequence[TrialTask], threads: ThreadPoolExecutor
) -> list[Attempted]:
    """The user's attempts at some tasks, all under the library as it is now."""
    conditions, skills_of = home.conditions(Purpose.USER), home.skills()
    chosen = [skills_of(trial) for trial in trials]
    futures = [
        threads.submit(attempt_task, trial, skills, conditions, seed=home.seed)
        for trial, skills in zip(trials, chosen, strict=True)
    ]
    return [future.result() for future in futures]


def learn(home: ChainHome, trials: Sequence[TrialTask], done: Sequence[Attempted]) -> None:
    """Record a round in the home, and learn from it what the arm learns: the fast loop is that of every home.

    What passed, and what was settled without a new generation, becomes query.
    """
    recorded = [_record(home, *pair) for pair in zip(trials, done, strict=True)]
    failed = [trajectory for trajectory, passed in recorded if trajectory is not None and not passed]
    support, trajectories = Support(home.workspace.database()), home.workspace.trajectories()
    share = home.workspace.settings().training.held_out_share
    if home.evolves:
        _evolve(home)
    else:
        for trajectory in failed:
            support.settle(trajectory, Decision.KEPT, NOT_EVOLVED)
    for trajectory in failed:
        settlement = support.settlement(trajectory)
        if settlement is not None and settlement.decision is not Decision.EVOLVED:
            trajectories.admit(trajectory, held_out_share=share)


def _record(home: ChainHome, trial: TrialTask, done: Attempted) -> tuple[str | None, bool]:
    """Keep an attempt as the learner is told of it; its id and whether it is said to have passed.

    No id where policy or sandbox failed. What cells before a task did is in no start: such a task is not done again.
    """
    if done.trajectory is None or done.attempt.failure is not None:
        return None, False
    told, start = replace(done.trajectory, learn=True), home.told_start(trial)
    if start is not trial.start:
        told = misreported(told, trial.start)
    store = home.workspace.trajectories()
    store.record(told)
    if not trial.setup:
        StartStates(home.workspace.database()).keep(told.id, start)
    passed = bool(told.checks) and all(result.passed for result in told.checks)
    if passed:
        store.admit(told.id, held_out_share=home.workspace.settings().training.held_out_share)
    return told.id, passed


def _evolve(home: ChainHome) -> None:
    """The fast loop. Where its evolver fails the failures wait for the next round."""
    # What a skill did is only seen where the prompt had it.
    verified = VERIFIED if home.arm.skills is SkillSource.LIBRARY else 0
    try:
        learn_from(home, home.replayer(), verified=verified)
    except (PolicyError, EvolverError) as error:
        logger.warning(
            "Arm %s, seed %d: nothing was evolved after a round. %s", home.arm.name, home.seed, error
        )


__all__ = ["attempt_round", "learn", "live_day"]
