"""What is given to workers, and what they answer: records in JSON, that need nothing but the run's folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from metaclaw_jlab.core.ablation import AblationPlan, Attempt
from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.core.task_set import TaskSet
from metaclaw_jlab.evaluation.ablation.attempts_log import Key, attempt_of, attempt_record

SLICE = (
    16  # attempts of a job: few enough that all arms come on together, enough to keep a worker's threads busy
)


class JobKind(StrEnum):
    """What a job is."""

    SNAPSHOT = "snapshot"  # some tasks of one arm with one seed
    CHAIN = "chain"  # one arm with one seed, from its first day to its last test task


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work that no other job depends on: test tasks `first` to `last` (not included), or a chain."""

    kind: JobKind
    arm: str
    seed: int
    first: int = 0
    last: int = 0

    @property
    def id(self) -> str:
        """What its files are called by: the same whenever the same work is given out."""
        if self.kind is JobKind.CHAIN:
            return f"{self.arm}-{self.seed}"
        return f"{self.arm}-{self.seed}-{self.first:05d}-{self.last:05d}"

    def record(self) -> dict[str, Any]:
        """In JSON's own types."""
        where = {} if self.kind is JobKind.CHAIN else {"first": self.first, "last": self.last}
        return {"kind": self.kind.value, "arm": self.arm, "seed": self.seed, **where}


def job_of(record: Mapping[str, Any]) -> Job:
    """The job of a record. Raises AblationError where it is none."""
    try:
        return Job(
            JobKind(record["kind"]),
            str(record["arm"]),
            int(record["seed"]),
            int(record.get("first", 0)),
            int(record.get("last", 0)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise AblationError(
            f"{dict(record)!r} is no job.", 'One is {"kind": "chain", "arm": "full", "seed": 1}.'
        ) from error


class MessageKind(StrEnum):
    """What a worker tells."""

    ATTEMPT = "attempt"  # it is written down already
    DONE = "done"
    STOPPED = "stopped"  # the job was broken off, because the run is to stop
    FAILED = "failed"  # the job cannot be done
    NOTE = "note"  # for the run's notes


@dataclass(frozen=True, slots=True)
class Message:
    """A line of a worker's. `text` is a note, or why it failed, and `next_step` what to do then."""

    kind: MessageKind
    job: str
    attempt: Attempt | None = None
    text: str = ""
    next_step: str = ""

    def record(self) -> dict[str, Any]:
        """In JSON's own types."""
        attempt = None if self.attempt is None else attempt_record(self.attempt)
        return {
            "kind": self.kind.value,
            "job": self.job,
            "attempt": attempt,
            "text": self.text,
            "next": self.next_step,
        }


def message_of(record: Mapping[str, Any]) -> Message:
    """Inverse of Message.record(). Raises KeyError, TypeError or ValueError for anything else."""
    attempt = record["attempt"]
    return Message(
        MessageKind(record["kind"]),
        record["job"],
        None if attempt is None else attempt_of(attempt),
        record["text"],
        record["next"],
    )


def snapshot_jobs(plan: AblationPlan, tasks: TaskSet, done: Collection[Key]) -> list[Job]:
    """The jobs that are left: the same tasks of all arms before the next ones, so that they can be compared."""
    return list(_slices(plan, tasks, done))


def chain_jobs(plan: AblationPlan, tasks: Mapping[int, TaskSet], done: Collection[Key]) -> list[Job]:
    """The chains that are not at their end; `tasks` by seed."""
    return [
        Job(JobKind.CHAIN, arm.name, seed)
        for seed in plan.seeds
        for arm in plan.arms
        if any(key not in done for key in chain_keys(plan, arm.name, seed, tasks[seed]))
    ]


def chain_keys(plan: AblationPlan, arm: str, seed: int, tasks: TaskSet) -> list[Key]:
    """Every attempt of a chain: each task of its days once, each test task as often as there are samples."""
    days = [(arm, task.id, seed, 0) for day in tasks.days for task in day]
    return [*days, *((arm, task.id, seed, sample) for task in tasks.test for sample in range(plan.samples))]


def planned(plan: AblationPlan, tasks: Mapping[int, TaskSet]) -> int:
    """How many attempts there will be; `tasks` by seed."""
    days = plan.days is not None
    each = [
        (sum(map(len, found.days)) if days else 0) + len(found.test) * plan.samples
        for found in tasks.values()
    ]
    return len(plan.arms) * sum(each)


def _slices(plan: AblationPlan, tasks: TaskSet, done: Collection[Key]) -> Iterator[Job]:
    size = max(1, SLICE // plan.samples)
    for seed in plan.seeds:
        for first in range(0, len(tasks.test), size):
            chosen = tasks.test[first : first + size]
            for arm in plan.arms:
                keys = (
                    (arm.name, task.id, seed, sample) for task in chosen for sample in range(plan.samples)
                )
                if any(key not in done for key in keys):
                    yield Job(JobKind.SNAPSHOT, arm.name, seed, first, first + len(chosen))
