"""The coordinator's loop, with workers that say what a test has them say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from metaclaw_jlab.core.ablation import AblationState, Attempt
from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog, forget, read_attempts
from metaclaw_jlab.evaluation.ablation.conducting import HOPELESS, Conducting
from metaclaw_jlab.evaluation.ablation.jobs import Job, JobKind, Message, MessageKind
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
from tests.evaluation.ablation.made_up_runs import made_run, snapshot_plan

JOBS = (Job(JobKind.CHAIN, "baseline", 1), Job(JobKind.CHAIN, "skills", 1))


@dataclass
class Saying:
    """Workers that say one batch after the other; `before` is called before each."""

    batches: list[Sequence[Message]]
    before: Callable[[], None] = lambda: None
    given: list[Job] = field(default_factory=list)

    def submit(self, job: Job) -> None:
        self.given.append(job)

    def messages(self, seconds: float) -> Iterator[Message]:
        self.before()
        yield from self.batches.pop(0)

    def stop(self) -> None:
        self.batches.append([Message(MessageKind.STOPPED, job.id) for job in self.given])

    def close(self) -> None:
        pass


def planned(folder: Path) -> RunFolder:
    return made_run(folder, snapshot_plan("baseline,skills"), [], state=AblationState.RUNNING)


def conducting(run: RunFolder) -> Conducting:
    return Conducting(run, run.plan(), lambda _: None)


def test_jobs_that_heard_of_a_wish_to_stop_first_are_not_done(tmp_path: Path) -> None:
    run = planned(tmp_path)
    workers = Saying([[Message(MessageKind.STOPPED, job.id) for job in JOBS]], run.ask_to_stop)
    assert conducting(run).conduct(JOBS, workers)[0] is AblationState.CANCELLED


def test_a_worker_that_was_ended_from_outside_leaves_no_run_that_is_done(tmp_path: Path) -> None:
    run = planned(tmp_path)
    workers = Saying([[Message(MessageKind.STOPPED, JOBS[0].id)], [Message(MessageKind.DONE, JOBS[1].id)]])
    with pytest.raises(AblationError, match=f"resume {run.number}"):
        conducting(run).conduct(JOBS, workers)


def test_a_run_whose_jobs_are_done_is_done(tmp_path: Path) -> None:
    workers = Saying([[Message(MessageKind.DONE, job.id) for job in JOBS]])
    assert conducting(planned(tmp_path)).conduct(JOBS, workers) == (AblationState.DONE, "")


def test_what_failed_beside_a_hopeless_arm_and_after_it_is_void_too(tmp_path: Path) -> None:
    run = planned(tmp_path)
    good = Attempt("skills", "t0", 1, 0, 1.0)
    beside = Attempt("skills", "t1", 1, 0, 0.0, failure="No answer.")
    failed = [Attempt("baseline", f"t{i}", 1, 0, 0.0, failure="No answer.") for i in range(HOPELESS)]
    late = [Attempt(arm, "t59", 1, 0, 0.0, failure="No answer.") for arm in ("baseline", "skills")]
    log = AttemptsLog(run.jobs / "all")
    found = conducting(run)
    told = [Message(MessageKind.ATTEMPT, "all", log.append(one)) for one in (good, beside, *failed)]
    for one in late:
        log.append(one)  # written down while the workers were ended, and never told
    with pytest.raises(AblationError, match=f"{HOPELESS} attempts of arm baseline"):
        found.conduct(JOBS, Saying([told]))
    assert forget(run, found.void()) == HOPELESS + 3
    assert read_attempts(run) == (good,)


def test_nothing_is_void_where_an_arm_only_failed_at_times(tmp_path: Path) -> None:
    run = planned(tmp_path)
    failed = Attempt("baseline", "t1", 1, 0, 0.0, failure="No answer.")
    found = conducting(run)
    told = [Message(MessageKind.ATTEMPT, "all", failed)]
    done = [Message(MessageKind.DONE, job.id) for job in JOBS]
    assert found.conduct(JOBS, Saying([[*told, *done]]))[0] is AblationState.DONE
    assert found.void() == ()
