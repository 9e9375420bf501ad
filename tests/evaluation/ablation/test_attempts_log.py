"""Attempts as they are written down and read."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from metaclaw_jlab.core.ablation import AblationPlan, Attempt
from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.core.policy import Message, Usage
from metaclaw_jlab.core.score import Score, ScoreSource, Unscored
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Origin, Reference, Task
from metaclaw_jlab.core.trajectory import (
    ExecutionError,
    InjectedSkill,
    Observation,
    Purpose,
    Stamp,
    Step,
    StopReason,
    Trajectory,
)
from metaclaw_jlab.evaluation.ablation.arms import preset
from metaclaw_jlab.evaluation.ablation.attempts_log import (
    AttemptsLog,
    AttemptsReader,
    attempt_of,
    attempt_record,
    forget,
    read_attempts,
    read_trace,
)
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, create_run
from metaclaw_jlab.runtime.home import open_home

FULL = Attempt(
    "full", "t1", 1, 0, 0.25, right=True, day=3, group="house", stop="done", failure="no", skills=("a", "b"),
    steps=2, seconds=1.5, policy_seconds=0.1 + 0.2, prompt_tokens=7, completion_tokens=8,
)  # fmt: skip
CHECK = Check(CheckKind.EXPRESSION, "x == 1", "x is wrong")
TRAJECTORY = Trajectory(
    id="abc",
    task=Task("Do it \ud800 ü", (Reference("@df", "a"),), (CHECK,), Origin("n.ipynb", "c1"), "name"),
    stamp=Stamp(3, (InjectedSkill("dates", "ff", 0.5),), "base@v2", 2, 11),
    purpose=Purpose.ABLATION,
    steps=(
        Step(
            0,
            (Message("system", "s"), Message("user", "u")),
            "reply",
            "x = 1",
            Observation("out", "err", "1", ExecutionError("E", "m", "t"), 0.5, 3),
            (Score(0.5, ScoreSource.OUTCOME, "r"), Unscored("none")),
            Usage(5, 6),
            0.25,
            "x = 2",
        ),
        Step(1, (), "done", ""),
    ),
    stop=StopReason.CHECK_FAILED,
    stop_detail="detail",
    checks=(CheckResult(CHECK, False, "x is 2"),),
    score=Score(-1.0, ScoreSource.OUTCOME),
    created_at=5.0,
    seconds=1.0,
    learn=False,
)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    plan = AblationPlan((preset("baseline"),), "practice:held-out", "baseline")
    return create_run(open_home(tmp_path / "home"), plan)


def attempt(task: str, arm: str = "a", value: float = 1.0) -> Attempt:
    return Attempt(arm, task, 1, 0, value)


@pytest.mark.parametrize("whole", [FULL, attempt("t"), replace(FULL, trace=(3, 9), right=False)])
def test_a_record_gives_the_same_attempt(whole: Attempt) -> None:
    assert attempt_of(attempt_record(whole)) == whole


def test_what_was_appended_is_read(run: RunFolder) -> None:
    log = AttemptsLog(run.jobs / "full-1")
    written = [log.append(FULL), log.append(attempt("t2", "full"))]
    assert read_attempts(run) == tuple(written) == log.done()


def test_a_trace_is_the_whole_trajectory(run: RunFolder) -> None:
    log = AttemptsLog(run.jobs / "full-1")
    first = log.append(FULL, replace(TRAJECTORY, id="first"))
    second = log.append(replace(FULL, task="t2"), TRAJECTORY)
    assert second.trace is not None
    assert first.trace is not None
    assert second.trace[0] == first.trace[1]
    assert read_trace(run, second) == TRAJECTORY
    assert read_trace(run, attempt("t3")) is None


def test_a_damaged_trace_is_told(run: RunFolder) -> None:
    written = AttemptsLog(run.jobs / "full-1").append(FULL, TRAJECTORY)
    (run.jobs / "full-1.traces").write_bytes(b"nothing of it")
    with pytest.raises(AblationError, match="trace of task t1"):
        read_trace(run, written)


def test_half_a_line_is_no_attempt_and_is_cut_off_by_the_next_writer(run: RunFolder) -> None:
    AttemptsLog(run.jobs / "a-1").append(attempt("t1"))
    path = run.jobs / "a-1.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:-9])
    assert [one.task for one in read_attempts(run)] == ["t1"]
    AttemptsLog(run.jobs / "a-1").append(attempt("t2"))
    assert [one.task for one in read_attempts(run)] == ["t1", "t2"]
    assert path.read_bytes().count(b"\n") == 2


def test_a_line_that_is_none_takes_no_other_with_it(run: RunFolder) -> None:
    AttemptsLog(run.jobs / "a-1").append(attempt("t1"))
    with (run.jobs / "a-1.jsonl").open("ab") as file:
        file.write(b'{"arm": 1}\n\x00\x00\n')
    AttemptsLog(run.jobs / "a-1").append(attempt("t2"))
    assert [one.task for one in read_attempts(run)] == ["t1", "t2"]


def test_a_key_is_never_there_twice(run: RunFolder) -> None:
    log = AttemptsLog(run.jobs / "a-1")
    first = log.append(attempt("t1", value=1.0))
    assert log.append(attempt("t1", value=0.0)) == first
    AttemptsLog(run.jobs / "b-1").append(attempt("t1", value=0.0))
    assert read_attempts(run) == (first,)


def test_a_new_writer_knows_what_is_there(run: RunFolder) -> None:
    first = AttemptsLog(run.jobs / "a-1").append(attempt("t1"))
    log = AttemptsLog(run.jobs / "a-1")
    assert log.done() == (first,)
    assert log.append(attempt("t1", value=0.0)) == first


def test_a_reader_gives_what_is_new(run: RunFolder) -> None:
    reader, log = AttemptsReader(run), AttemptsLog(run.jobs / "a-1")
    assert reader.read() == ()
    first = log.append(attempt("t1"))
    assert reader.read() == (first,)
    second = log.append(attempt("t2"))
    other = AttemptsLog(run.jobs / "b-1").append(attempt("t1", "b"))
    assert set(reader.read()) == {second, other}
    assert reader.read() == ()


def test_a_reader_waits_for_the_end_of_a_line(run: RunFolder) -> None:
    AttemptsLog(run.jobs / "a-1").append(attempt("t1"))
    path = run.jobs / "a-1.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    reader = AttemptsReader(run)
    assert reader.read() == ()
    path.write_bytes(whole)
    assert [one.task for one in reader.read()] == ["t1"]


def test_what_is_struck_out_can_be_done_again(run: RunFolder) -> None:
    log = AttemptsLog(run.jobs / "a-1")
    bad, good = log.append(attempt("t1", value=0.0)), log.append(attempt("t2"), TRAJECTORY)
    assert forget(run, [bad.key]) == 1
    assert read_attempts(run) == (good,)
    assert read_trace(run, good) == TRAJECTORY
    again = AttemptsLog(run.jobs / "a-1").append(attempt("t1"))
    assert set(read_attempts(run)) == {good, again}


def test_a_reader_sees_again_what_was_struck_out_and_done_again(run: RunFolder) -> None:
    reader, log = AttemptsReader(run), AttemptsLog(run.jobs / "a-1")
    bad, good = log.append(attempt("t1", value=0.0)), log.append(attempt("t2"))
    assert reader.read() == (bad, good)
    forget(run, [bad.key])
    assert reader.read() == ()
    again = AttemptsLog(run.jobs / "a-1").append(attempt("t1"))
    assert reader.read() == (again,)


def test_many_attempts_are_read_in_no_time(run: RunFolder) -> None:
    for arm in "abcd":
        log = AttemptsLog(run.jobs / f"{arm}-1")
        for number in range(500):
            log.append(replace(FULL, arm=arm, task=f"t{number}"))
    began = time.perf_counter()
    assert len(read_attempts(run)) == 2000
    assert time.perf_counter() - began < 2.0  # 20 ms where nothing else runs
