"""Streams of training tasks: each house in a home of its own, attempted in order and learnt from after each round."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from metaclaw_jlab.agent.graded_sandbox import asked
from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.trajectory import Purpose
from metaclaw_jlab.evaluation.evolved_rules import stated_rule
from metaclaw_jlab.evaluation.practice_arms import CONCURRENCY, Household
from metaclaw_jlab.evaluation.practice_attempt import Attempted, Conditions, attempt
from metaclaw_jlab.practice import PracticeTask, task_set
from metaclaw_jlab.store.lineage import Lineage
from metaclaw_jlab.store.support import Decision, Support

COMPOUND_SHARE = 0.5
_SEEDS = 2**31


@dataclass
class Stream:
    """The training tasks of one house, the home in which they are learnt from, and what was attempted, by
    trajectory id."""

    name: str
    household: Household
    tasks: tuple[PracticeTask, ...]
    workspace: Workspace
    attempted: dict[str, PracticeTask] = field(default_factory=dict)
    passed: int = 0

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
            if (rule := stated_rule(said, self.attempted)) is not None:
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


def draw_streams(
    households: Sequence[Household],
    folder: Path,
    *,
    seed: int,
    length: int,
    compound_share: float = COMPOUND_SHARE,
    overrides: Mapping[str, object] | None = None,
) -> tuple[Stream, ...]:
    """A stream of `length` tasks of the train split for each house, with a new home under `folder`."""
    found = []
    for index, household in enumerate(households):
        own = Random(f"stream/{seed}/{index}").randrange(_SEEDS)
        tasks = task_set("train", own, length, house=household.house, compound_share=compound_share)
        workspace = open_workspace(folder / household.house.name, overrides)
        found.append(Stream(f"{household.house.name}.ipynb", household, tasks, workspace))
    return tuple(found)


def run_streams(
    streams: Sequence[Stream],
    conditions: Conditions,
    learn: Callable[[Stream], None],
    *,
    round_size: int,
    learners: int = 1,
    concurrency: int = CONCURRENCY,
    on_attempt: Callable[[Attempted], None] = lambda _: None,
    on_round: Callable[[int], None] = lambda _: None,
) -> None:
    """Attempt all tasks, round by round: `round_size` of each stream, then `learn` for each stream.

    Attempts count as the user's: they are recorded in the stream's home. What passed or was settled without a new
    generation becomes query. `learn` is called in up to `learners` threads; `on_attempt` and `on_round` (with the
    number of tasks that each stream has had) in this one.
    """
    with (
        ThreadPoolExecutor(concurrency, thread_name_prefix="metaclaw-stream") as threads,
        ThreadPoolExecutor(learners, thread_name_prefix="metaclaw-learner") as teachers,
    ):
        for start in range(0, max(len(stream.tasks) for stream in streams), round_size):
            jobs = [job for stream in streams for job in _jobs(stream, start, round_size, conditions)]
            futures = {threads.submit(attempt, job.task, job.skills, job.conditions): job for job in jobs}
            for future in as_completed(futures):
                on_attempt(future.result())
            rounds = {stream.name: _Round(stream) for stream in streams}
            # In the order of the tasks, whichever was ready first: what is learnt depends on it.
            for future, job in futures.items():
                rounds[job.stream.name].take_in(job.task, future.result())
            list(teachers.map(learn, streams))
            for of_stream in rounds.values():
                of_stream.admit_failures()
            on_round(min(start + round_size, len(streams[0].tasks)))


@dataclass(frozen=True, slots=True)
class _Job:
    stream: Stream
    task: PracticeTask
    skills: tuple[Match, ...]
    conditions: Conditions


def _jobs(stream: Stream, start: int, size: int, conditions: Conditions) -> Iterator[_Job]:
    own = replace(
        conditions,
        purpose=Purpose.USER,
        generation=stream.generation(),
        notebook=stream.name,
    )
    for task in stream.tasks[start : start + size]:
        yield _Job(stream, task, stream.retrieve(task), own)


@dataclass
class _Round:
    """What a round left in one stream's home. A practice task's start can always be rebuilt, so it may be query."""

    stream: Stream
    failures: list[str] = field(default_factory=list)

    def take_in(self, task: PracticeTask, done: Attempted) -> None:
        if done.trajectory is None or done.failure is not None:
            return
        store = self.stream.workspace.trajectories()
        store.record(done.trajectory)
        self.stream.attempted[done.trajectory.id] = task
        if done.verdict.strict:
            self.stream.passed += 1
            store.admit(done.trajectory.id)
        else:
            self.failures.append(done.trajectory.id)

    def admit_failures(self) -> None:
        support = Support(self.stream.workspace.database())
        for trajectory in self.failures:
            settlement = support.settlement(trajectory)
            if settlement is not None and settlement.decision is not Decision.EVOLVED:
                self.stream.workspace.trajectories().admit(trajectory)
