"""What is given to workers, in which order, and what is left of it."""

from __future__ import annotations

import json

import pytest

from metaclaw_jlab.core.ablation import AblationPlan, Attempt, Days
from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.task_set import TaskSet, TrialTask
from metaclaw_jlab.evaluation.ablation.arms import preset
from metaclaw_jlab.evaluation.ablation.jobs import (
    SLICE,
    Job,
    JobKind,
    Message,
    MessageKind,
    chain_jobs,
    chain_keys,
    job_of,
    message_of,
    planned,
    snapshot_jobs,
)

ARMS = (preset("baseline"), preset("skills"))


def tasks(number: int, days: int = 0) -> TaskSet:
    return TaskSet(
        "set",
        tuple(TrialTask(f"t{i}", Task(str(i))) for i in range(number)),
        tuple((TrialTask(f"d{i}", Task(str(i)), day=i + 1),) for i in range(days)),
    )


def plan(samples: int = 1, seeds: tuple[int, ...] = (1,), days: Days | None = None) -> AblationPlan:
    return AblationPlan(ARMS, "set", "baseline", samples=samples, seeds=seeds, days=days)


@pytest.mark.parametrize("job", [Job(JobKind.CHAIN, "full", 3), Job(JobKind.SNAPSHOT, "a.b-c", 1, 16, 32)])
def test_a_record_gives_the_same_job(job: Job) -> None:
    assert job_of(json.loads(json.dumps(job.record()))) == job


def test_what_is_no_job_is_told() -> None:
    with pytest.raises(AblationError, match="no job"):
        job_of({"kind": "holiday", "arm": "a", "seed": 1})


def test_a_record_gives_the_same_message() -> None:
    for message in (
        Message(MessageKind.ATTEMPT, "a-1", Attempt("a", "t", 1, 0, 1.0, trace=(1, 2))),
        Message(MessageKind.FAILED, "a-1", text="cause", next_step="next"),
    ):
        assert message_of(json.loads(json.dumps(message.record()))) == message


def test_all_arms_do_the_same_tasks_before_the_next_ones() -> None:
    jobs = snapshot_jobs(plan(), tasks(SLICE + 3), ())
    assert [(job.arm, job.first, job.last) for job in jobs] == [
        ("baseline", 0, SLICE),
        ("skills", 0, SLICE),
        ("baseline", SLICE, SLICE + 3),
        ("skills", SLICE, SLICE + 3),
    ]


def test_jobs_have_ids_of_their_own() -> None:
    jobs = snapshot_jobs(plan(seeds=(1, 2, 11)), tasks(100), ())
    assert len({job.id for job in jobs}) == len(jobs)


def test_a_job_has_about_as_many_attempts_however_many_samples_there_are() -> None:
    jobs = snapshot_jobs(plan(samples=5), tasks(9), ())
    assert [(job.first, job.last) for job in jobs if job.arm == "skills"] == [(0, 3), (3, 6), (6, 9)]


def test_what_is_done_is_not_given_out_again() -> None:
    done = [("baseline", f"t{i}", 1, 0) for i in range(SLICE)]
    assert [job.arm for job in snapshot_jobs(plan(), tasks(SLICE), done)] == ["skills"]
    assert [job.arm for job in snapshot_jobs(plan(), tasks(SLICE), done[1:])] == ["baseline", "skills"]


def test_a_chain_is_given_out_until_its_last_attempt_is_there() -> None:
    stream, found = plan(samples=2, days=Days(2, 1)), tasks(2, days=2)
    keys = chain_keys(stream, "skills", 1, found)
    assert len(keys) == 6
    assert [job.id for job in chain_jobs(stream, {1: found}, keys)] == ["baseline-1"]
    assert [job.id for job in chain_jobs(stream, {1: found}, keys[:-1])] == ["baseline-1", "skills-1"]


def test_all_attempts_are_counted() -> None:
    assert planned(plan(samples=3, seeds=(1, 2)), dict.fromkeys((1, 2), tasks(5, days=4))) == 2 * 2 * 15
    stream = plan(seeds=(1, 2), days=Days(4, 1))
    assert planned(stream, {1: tasks(5, days=4), 2: tasks(4, days=4)}) == 2 * (9 + 8)
