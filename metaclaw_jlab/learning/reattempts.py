"""Older tasks, attempted again under the current skills: each attempt is a new trajectory of the current generation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, replace
from threading import Event

from metaclaw_jlab.agent.rollout import Rollout, run_task
from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.core.policy import Policy, Sampling
from metaclaw_jlab.core.prompting import DEFAULT_PROMPTING, Prompting
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.start_state import Rooms, StartState
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Purpose, StopReason, Trajectory
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.trajectories import Trajectories

_FAILED = frozenset({StopReason.POLICY_FAILED, StopReason.EXECUTOR_FAILED, StopReason.INTERRUPTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reattempts:
    """Who attempts, and under what. `generation` and `retrieve` are of the library as it is now."""

    database: Database
    policy: Policy
    rooms: Rooms
    generation: int
    retrieve: Callable[[Task], tuple[Match, ...]]
    sampling: Sampling
    max_steps: int
    concurrency: int = 8
    prompting: Prompting = DEFAULT_PROMPTING


def attempt_again(
    ids: Sequence[str], how: Reattempts, on_attempt: Callable[[int, int], None] = lambda _done, _of: None
) -> tuple[tuple[str, str], ...]:
    """Attempt the tasks of these trajectories; pairs of their ids and those of what was recorded, in their order.

    Attempts that the policy or a sandbox broke off are left out. KeyboardInterrupt ends it; what was done is recorded.
    """
    trajectories, starts = Trajectories(how.database), StartStates(how.database)
    known = [(old, start) for old in ids if (start := starts.get(old)) is not None]
    threads = ThreadPoolExecutor(how.concurrency, thread_name_prefix="metaclaw-retry")
    ending, found = Event(), {}
    try:
        jobs = {
            threads.submit(_attempt, trajectories.get(old), start, how, ending): place
            for place, (old, start) in enumerate(known)
        }
        for number, job in enumerate(as_completed(jobs), 1):
            done, start = job.result(), known[jobs[job]][1]
            if done is not None:
                trajectories.record(done)
                starts.keep(done.id, start)
                found[jobs[job]] = (known[jobs[job]][0], done.id)
            on_attempt(number, len(known))
    finally:
        ending.set()
        threads.shutdown(wait=True, cancel_futures=True)
    return tuple(found[place] for place in sorted(found))


def _attempt(old: Trajectory, start: StartState, how: Reattempts, ending: Event) -> Trajectory | None:
    if ending.is_set():
        return None
    try:
        with closing(how.rooms.open(start, old.task)) as room:
            done = run_task(
                old.task,
                Rollout(
                    policy=how.policy,
                    executor=room,
                    retrieve=how.retrieve,
                    generation=how.generation,
                    prompting=how.prompting,
                    sampling=replace(how.sampling, seed=old.stamp.seed),
                    max_steps=how.max_steps,
                    purpose=Purpose.RETRY,
                ),
            )
    except ExecutorError:
        return None
    return None if done.stop in _FAILED else done
