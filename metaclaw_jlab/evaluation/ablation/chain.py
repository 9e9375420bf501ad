"""A chain: one arm with one seed that learns from a stream of days, in order, and then does the test tasks.

A day is the unit. Its home is sealed at its end, before its attempts are written down: killed at any instant, a chain
goes on from the last day that is written down whole, and comes to the same results as if it had not been killed (but
for trainings within a window, which is time on a clock).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from statistics import fmean

from metaclaw_jlab.core.ablation import AblationPlan, Attempt, Days
from metaclaw_jlab.core.arm import BEST, Arm
from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.core.task_set import TaskSet, TrialTask
from metaclaw_jlab.core.trajectory import Purpose
from metaclaw_jlab.evaluation.ablation.attempting import Attempted, Conditions, attempt_task
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog, Key
from metaclaw_jlab.evaluation.ablation.chain_home import ChainHome, open_chain_home
from metaclaw_jlab.evaluation.ablation.day import live_day
from metaclaw_jlab.evaluation.ablation.jobs import chain_keys
from metaclaw_jlab.evaluation.ablation.night import spend_night, write_night
from metaclaw_jlab.evaluation.ablation.plans import is_practice
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
from metaclaw_jlab.evaluation.ablation.seals import begin, break_older, chain_home, restore, seal
from metaclaw_jlab.evaluation.ablation.temperatures import best_temperature
from metaclaw_jlab.evaluation.ablation.trial_files import read_tasks, tasks_path
from metaclaw_jlab.evaluation.practice_arms import CONCURRENCY

TOLD = 4 * CONCURRENCY  # test attempts between two questions whether to stop


def run_chain(
    run: RunFolder,
    arm: Arm,
    seed: int,
    log: AttemptsLog,
    *,
    done: Sequence[Attempt],
    stop: Callable[[], bool],
    on_attempt: Callable[[Attempt], None],
) -> None:
    """Take a chain from where it stands to its end. Returns early where `stop` says so: between rounds, in a night, and
    between some test tasks. `done` is what its log holds; what is added is told to `on_attempt`.

    Raises AblationError, and errors of policy server and sandboxes that cannot be started.
    """
    plan = run.plan()
    if plan.days is None:
        raise AblationError(
            f"Ablation {run.number} has no days, so no arm learns from any.", "See its plan.json."
        )
    tasks = _tasks(run, plan, seed)
    known = {attempt.key for attempt in done if (attempt.arm, attempt.seed) == (arm.name, seed)}
    if known.issuperset(chain_keys(plan, arm.name, seed, tasks)):
        return
    folder = run.chains / f"{arm.name}-{seed}"
    lived = restore(folder, _whole_days(tasks, arm, seed, known))
    if not lived:
        begin(folder, run.frozen, empty=is_practice(plan.tasks))

    def keep(found: Attempted) -> None:
        if found.attempt.key not in known:
            on_attempt(log.append(found.attempt, found.trajectory))

    with open_chain_home(chain_home(folder), plan, arm, seed, tasks) as home:
        for day in range(lived + 1, len(tasks.days) + 1):
            if not _spend(run, home, plan.days, day, stop, keep):
                return
        for found in _tested(home, plan, known, stop):
            keep(found)


def _spend(
    run: RunFolder,
    home: ChainHome,
    days: Days,
    day: int,
    stop: Callable[[], bool],
    keep: Callable[[Attempted], None],
) -> bool:
    """A day and its night, whole or not at all; whether it was whole."""
    found = live_day(home, home.tasks.days[day - 1], days.round_size, stop)
    if found is None or stop():
        return False
    night = None
    if home.arm.learning.weights and day % days.nights == 0:
        night = spend_night(home, day, stop)
        if stop():
            return False
    folder = run.chains / f"{home.arm.name}-{home.seed}"
    seal(folder, day)
    if night is not None:
        write_night(run, home.arm.name, home.seed, night)
    for one in found:
        keep(one)
    break_older(folder, day)
    return True


def _tested(
    home: ChainHome, plan: AblationPlan, known: set[Key], stop: Callable[[], bool]
) -> Iterator[Attempted]:
    """The attempts at the test tasks that are not made yet, with what was learnt: they teach nothing."""
    todo = [
        (trial, sample)
        for sample in range(plan.samples)
        for trial in home.tasks.test
        if (home.arm.name, trial.id, home.seed, sample) not in known
    ]
    if not todo or stop():
        return
    conditions = _at_its_best(home, home.conditions(Purpose.ABLATION))
    for start in range(0, len(todo), TOLD):
        if stop():
            return
        yield from _attempts(home, conditions, todo[start : start + TOLD])


def _attempts(
    home: ChainHome, conditions: Conditions, todo: Sequence[tuple[TrialTask, int]]
) -> list[Attempted]:
    skills_of = home.skills()
    chosen = [skills_of(trial) for trial, _ in todo]
    with ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="metaclaw-test") as threads:
        futures = [
            threads.submit(attempt_task, trial, skills, conditions, seed=home.seed, sample=sample)
            for (trial, sample), skills in zip(todo, chosen, strict=True)
        ]
        return [future.result() for future in futures]


def _at_its_best(home: ChainHome, conditions: Conditions) -> Conditions:
    """At the temperature that does best on validation tasks, where the arm asks for that."""
    if home.arm.temperature != BEST:
        return conditions
    if not home.tasks.validation:
        raise AblationError(
            f"Arm {home.arm.name} looks for its best temperature, and its tasks have none to choose on.",
            "Give it a temperature, such as temperature=0.7, or take practice tasks.",
        )
    todo = [(trial, 0) for trial in home.tasks.validation]

    def at(temperature: float) -> Conditions:
        return replace(conditions, sampling=replace(conditions.sampling, temperature=temperature))

    def share(temperature: float) -> float:
        return fmean(found.attempt.value for found in _attempts(home, at(temperature), todo))

    return at(best_temperature(share))


def _whole_days(tasks: TaskSet, arm: Arm, seed: int, known: set[Key]) -> int:
    """After how many days all attempts so far are written down."""
    for number, day in enumerate(tasks.days):
        if any((arm.name, trial.id, seed, 0) not in known for trial in day):
            return number
    return len(tasks.days)


def _tasks(run: RunFolder, plan: AblationPlan, seed: int) -> TaskSet:
    """The tasks of this seed. Raises AblationError."""
    tasks = read_tasks(tasks_path(run, seed))
    if not tasks.days:
        raise AblationError(
            f"{plan.tasks} has no days to learn from.", "Use tasks such as practice:held-out."
        )
    return tasks


__all__ = ["run_chain"]
