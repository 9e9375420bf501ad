"""A stream of training tasks of a house, in a home of its own: attempted in order, learnt from after each round."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from metaclaw_jlab.agent.graded_sandbox import asked
from metaclaw_jlab.agent.rooms import practice_start
from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.trajectory import Purpose
from metaclaw_jlab.evaluation.evolved_rules import stated_rule
from metaclaw_jlab.evaluation.practice_arms import COMPOUND_SHARE, CONCURRENCY, Household
from metaclaw_jlab.evaluation.practice_attempt import Attempted, Conditions, attempt
from metaclaw_jlab.practice import PracticeTask, task_set
from metaclaw_jlab.practice.names import Style
from metaclaw_jlab.store.lineage import Lineage
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.support import Decision, Support

_SEEDS = 2**31
_MOST_KEPT = 100_000

Attempting = Callable[[PracticeTask, tuple[Match, ...], Conditions], Attempted]


@dataclass
class Stream:
    """The training tasks of one house, the home in which they are learnt from, and what was attempted, by
    trajectory id. `known_tasks` has later attempts at them too."""

    name: str
    household: Household
    tasks: tuple[PracticeTask, ...]
    workspace: Workspace
    attempted: dict[str, PracticeTask] = field(default_factory=dict)
    known_tasks: dict[str, PracticeTask] = field(default_factory=dict)
    passed: int = 0

    def attempted_again(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Take note of trajectories (second of each pair) that attempted the tasks of others (first) once more."""
        for older, newer in pairs:
            self.known_tasks[newer] = self.known_tasks[older]

    def restore(self) -> None:
        """Take note of what its home holds of it from an earlier process."""
        tasks = {task.id: task for task in self.tasks}
        for found in self.workspace.trajectories().recent(_MOST_KEPT):
            task = tasks.get(found.task.name or "")
            if task is None or found.stop is None or found.id in self.known_tasks:
                continue
            self.known_tasks[found.id] = task
            if found.purpose is Purpose.USER:
                self.attempted[found.id] = task
                self.passed += bool(found.checks) and all(result.passed for result in found.checks)

    def library(self) -> tuple[Skill, ...]:
        """The skills of the current generation."""
        return self.workspace.synchronised().skills

    def generation(self) -> int:
        """The number of the current generation."""
        return self.workspace.synchronised().generation.number

    def retrieve(self, task: PracticeTask) -> tuple[Match, ...]:
        """The skills that a user's prompt for this task would hold now."""
        return self.workspace.retrieve(asked(task, self.name), self.library())

    def rules(self) -> Mapping[str, str]:
        """The rule that each skill of the library states, by content hash, where that is known."""
        lineage = Lineage(self.workspace.database())
        found = {}
        for skill in self.library():
            said = [(origin.trajectory, origin.said) for origin in lineage.sources(skill.name)]
            if (rule := stated_rule(said, self.known_tasks)) is not None:
                found[skill.sha256] = rule
        return found

    def decisions(self) -> Mapping[Decision, int]:
        """How many failures were evolved, explained and kept."""
        support = Support(self.workspace.database())
        settled = [support.settlement(trajectory) for trajectory in self.attempted]
        counts = dict.fromkeys(Decision, 0)
        for settlement in settled:
            if settlement is not None:
                counts[settlement.decision] += 1
        return counts


def draw_stream(
    household: Household,
    home: Path,
    *,
    seed: int,
    length: int,
    compound_share: float = COMPOUND_SHARE,
    names: Style = "random",
    overrides: Mapping[str, object] | None = None,
) -> Stream:
    """A stream of `length` tasks of the train split for a house, with a new home in `home`."""
    own = Random(f"stream/{seed}/0").randrange(_SEEDS)
    tasks = task_set("train", own, length, house=household.house, compound_share=compound_share, names=names)
    workspace = open_workspace(home, overrides)
    return Stream(f"{household.house.name}.ipynb", household, tasks, workspace)


def run_stream(
    stream: Stream,
    conditions: Conditions,
    learn: Callable[[], None],
    *,
    round_size: int,
    concurrency: int = CONCURRENCY,
    begin: int = 0,
    attempting: Attempting = attempt,
    on_attempt: Callable[[Attempted], None] = lambda _: None,
    on_round: Callable[[int], None] = lambda _: None,
    goes_on: Callable[[], bool] = lambda: True,
) -> None:
    """Attempt all tasks from number `begin` on, `round_size` of them under one skill generation, then `learn`.

    Attempts count as the user's: they are recorded in the stream's home. What passed or was settled without a new
    generation becomes query. `on_attempt` and `on_round` (with the number of tasks done) are called in this thread;
    `goes_on` is asked before each round. A round that another process was stopped in may be done once more, with
    `attempting` that gives the attempts that are there.
    """
    with ThreadPoolExecutor(concurrency, thread_name_prefix="metaclaw-stream") as threads:
        for start in range(begin, len(stream.tasks), round_size):
            if not goes_on():
                return
            tasks = stream.tasks[start : start + round_size]
            own = replace(
                conditions, purpose=Purpose.USER, generation=stream.generation(), notebook=stream.name
            )
            futures = [threads.submit(attempting, task, stream.retrieve(task), own) for task in tasks]
            for future in as_completed(futures):
                on_attempt(future.result())
            # In the order of the tasks, whichever was ready first: what is learnt depends on it.
            failed = [_take_in(stream, *pair) for pair in zip(tasks, futures, strict=True)]
            learn()
            _admit_settled(stream, [trajectory for trajectory in failed if trajectory is not None])
            on_round(start + len(tasks))


def _take_in(stream: Stream, task: PracticeTask, future: Future[Attempted]) -> str | None:
    """Record an attempt with the start of its task, so that it may be query; its id where it failed."""
    done = future.result()
    if done.trajectory is None or done.failure is not None:
        return None
    store, trajectory = stream.workspace.trajectories(), done.trajectory.id
    known = trajectory in stream.attempted
    if not known:
        store.record(done.trajectory)
    starts = StartStates(stream.workspace.database())
    if starts.get(trajectory) is None:
        starts.keep(trajectory, practice_start(task))
    stream.attempted[trajectory] = stream.known_tasks[trajectory] = task
    if not done.verdict.strict:
        return trajectory
    stream.passed += not known
    store.admit(trajectory)
    return None


def _admit_settled(stream: Stream, failed: Sequence[str]) -> None:
    """Failures that evolved nothing are for the weights to mend."""
    support = Support(stream.workspace.database())
    for trajectory in failed:
        settlement = support.settlement(trajectory)
        if settlement is not None and settlement.decision is not Decision.EVOLVED:
            stream.workspace.trajectories().admit(trajectory)
