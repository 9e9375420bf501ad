from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metaclaw_jlab.core.errors import InvariantViolation, NotFound
from metaclaw_jlab.core.policy import Message, Usage
from metaclaw_jlab.core.score import Score, ScoreSource, Scoring, Unscored
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Origin, Reference, Task
from metaclaw_jlab.core.trajectory import (
    ExecutionError,
    InjectedSkill,
    Observation,
    Purpose,
    Recorder,
    Role,
    Stamp,
    Step,
    StopReason,
    Trajectory,
    new_trajectory_id,
)
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.trajectories import REMEMBERED, Trajectories
from tests.store.samples import ended, opened, queried, step

text = st.text(st.characters(), max_size=30) | st.sampled_from(["\x00json:x", "\udc80.ipynb", "a\x00b", "❤"])
number = st.integers(0, 2**40)
real = st.floats(0, 1e9)
scoring: st.SearchStrategy[Scoring] = st.builds(Unscored, text) | st.builds(
    Score, st.floats(-1, 1), st.sampled_from(ScoreSource), text
)
checks = st.builds(Check, st.sampled_from(CheckKind), text, text)
observations = st.builds(
    Observation,
    text,
    text,
    st.none() | text,
    st.none() | st.builds(ExecutionError, text, text, text),
    real,
    number,
)
messages = st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), text), max_size=5)


def tuples(values: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(values, max_size=3).map(tuple)


@st.composite
def any_trajectory(draw: st.DrawFn) -> Trajectory:
    steps = tuple(
        Step(
            index,
            tuple(draw(messages)),
            draw(text),
            draw(text),
            draw(st.none() | observations),
            draw(tuples(scoring)),
            Usage(draw(number), draw(number)),
            draw(real),
            draw(st.none() | text),
        )
        for index in range(draw(st.integers(0, 3)))
    )
    task = Task(
        draw(text),
        draw(tuples(st.builds(Reference, text, text))),
        draw(tuples(checks)),
        Origin(draw(st.none() | text), draw(st.none() | text)),
        draw(st.none() | text),
    )
    injected = draw(tuples(st.builds(InjectedSkill, text, text, real)))
    stamp = Stamp(0, injected, draw(text), draw(st.none() | number), draw(st.none() | number))
    open_ = draw(st.booleans())
    return Trajectory(
        new_trajectory_id(),
        task,
        stamp,
        draw(st.sampled_from(Purpose)),
        steps,
        None if open_ else draw(st.sampled_from(StopReason)),
        "" if open_ else draw(text),
        () if open_ else draw(tuples(st.builds(CheckResult, checks, st.booleans(), text))),
        None if open_ else draw(st.none() | scoring),
        created_at=draw(real),
        seconds=0.0 if open_ else draw(real),
        learn=draw(st.booleans()),
    )


def test_it_is_a_recorder(trajectories: Trajectories) -> None:
    recorder: Recorder = trajectories
    recorder.begin(opened("t1"))
    assert trajectories.get("t1").id == "t1"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trajectory=any_trajectory())
def test_whatever_is_recorded_comes_back_equal(trajectories: Trajectories, trajectory: Trajectory) -> None:
    trajectories.record(trajectory)
    assert trajectories.get(trajectory.id) == trajectory


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trajectory=any_trajectory())
def test_step_by_step_is_the_same_as_at_once(trajectories: Trajectories, trajectory: Trajectory) -> None:
    blank = Trajectory(
        trajectory.id,
        trajectory.task,
        trajectory.stamp,
        trajectory.purpose,
        created_at=trajectory.created_at,
        learn=trajectory.learn,
    )
    trajectories.begin(blank)
    for one in trajectory.steps:
        trajectories.append(trajectory.id, one)
    if trajectory.stop is not None:
        trajectories.close(
            trajectory.id,
            trajectory.stop,
            detail=trajectory.stop_detail,
            checks=trajectory.checks,
            score=trajectory.score,
            seconds=trajectory.seconds,
        )
    assert trajectories.get(trajectory.id) == trajectory


def test_another_process_can_go_on_with_a_trajectory(database: Database, trajectories: Trajectories) -> None:
    trajectories.begin(opened("t1"))
    trajectories.append("t1", step(0))
    Trajectories(database).append("t1", step(1))
    assert trajectories.get("t1").steps == (step(0), step(1))


def test_many_open_trajectories_keep_their_messages_apart(trajectories: Trajectories) -> None:
    ids = [f"t{number}" for number in range(REMEMBERED + 2)]
    for id_ in ids:
        trajectories.begin(opened(id_))
        trajectories.append(id_, step(0))
    for id_ in ids:
        trajectories.append(id_, step(1))
    assert all(trajectories.get(id_).steps == (step(0), step(1)) for id_ in ids)


def test_a_prompt_is_stored_once_however_many_steps_repeat_it(
    trajectories: Trajectories, tmp_path: Path
) -> None:
    long = Message("system", "x" * 100_000)
    steps = [replace(step(index), messages=(long, *step(index).messages)) for index in range(20)]
    trajectories.record(opened("t1", steps=tuple(steps)))
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 10 * 100_000
    assert trajectories.get("t1").steps == tuple(steps)


def test_a_proposal_is_observed_later(trajectories: Trajectories) -> None:
    trajectories.begin(opened("t1"))
    trajectories.append("t1", step(0, observed=False))
    assert trajectories.get("t1").steps[0].observation is None
    trajectories.observe("t1", step(0))
    assert trajectories.get("t1").steps == (step(0),)


def test_an_observation_is_made_once(trajectories: Trajectories) -> None:
    trajectories.begin(opened("t1"))
    trajectories.append("t1", step(0))
    with pytest.raises(InvariantViolation, match="never changes"):
        trajectories.observe("t1", replace(step(0), observation=Observation()))


def test_late_scores_are_added(trajectories: Trajectories) -> None:
    trajectories.record(ended("t1", steps=(step(0),)))
    good, none = Score(1.0, ScoreSource.USER, "good"), Unscored("the judge failed")
    trajectories.score_step("t1", 0, none)
    trajectories.score_step("t1", 0, good)
    trajectories.score("t1", good)
    assert trajectories.get("t1").steps[0].scores == (none, good)
    assert trajectories.get("t1").score == good


def test_a_score_given_while_it_was_open_outlives_its_end(trajectories: Trajectories) -> None:
    trajectories.begin(opened("t1"))
    bad = Score(-1.0, ScoreSource.USER, "bad")
    trajectories.score("t1", bad)
    trajectories.close("t1", StopReason.DONE)
    assert trajectories.get("t1").score == bad


def test_unscored_is_not_the_absence_of_a_score(trajectories: Trajectories) -> None:
    trajectories.record(ended("t1", score=None))
    trajectories.record(ended("t2", score=Unscored("nothing is known")))
    assert trajectories.get("t1").score is None
    assert trajectories.get("t2").score == Unscored("nothing is known")


def test_it_ends_once(trajectories: Trajectories) -> None:
    trajectories.record(ended("t1"))
    with pytest.raises(InvariantViolation, match="ended before"):
        trajectories.close("t1", StopReason.DONE)
    assert trajectories.get("t1").stop is StopReason.CHECK_FAILED


def test_a_closed_trajectory_takes_no_step(trajectories: Trajectories) -> None:
    trajectories.record(ended("t1"))
    with pytest.raises(InvariantViolation, match="open trajectory"):
        trajectories.append("t1", step(0))


def test_steps_have_no_gap(trajectories: Trajectories) -> None:
    trajectories.begin(opened("t1"))
    with pytest.raises(InvariantViolation, match="without a gap"):
        trajectories.append("t1", step(1))


def test_begin_takes_only_a_beginning(trajectories: Trajectories) -> None:
    with pytest.raises(InvariantViolation, match="without steps"):
        trajectories.begin(ended("t1"))


def test_what_cannot_be_recorded_whole_is_not_recorded_at_all(trajectories: Trajectories) -> None:
    with pytest.raises(InvariantViolation):
        trajectories.record(ended("t1", steps=(step(0), step(2))))
    with pytest.raises(NotFound):
        trajectories.get("t1")


@pytest.mark.parametrize(
    "act",
    [
        lambda store: store.get("t9"),
        lambda store: store.close("t9", StopReason.DONE),
        lambda store: store.score("t9", Unscored("")),
        lambda store: store.score_step("t9", 0, Unscored("")),
        lambda store: store.observe("t9", step(0)),
        lambda store: store.forget("t9"),
    ],
)
def test_what_is_not_there_is_named(trajectories: Trajectories, act: object) -> None:
    with pytest.raises(NotFound, match="t9"):
        act(trajectories)  # type: ignore[operator]


def test_recent_ones_come_newest_first(trajectories: Trajectories) -> None:
    for id_ in ("t1", "t2", "t3"):
        trajectories.record(ended(id_))
    assert [trajectory.id for trajectory in trajectories.recent(2)] == ["t3", "t2"]


def test_a_notebook_sees_its_own(trajectories: Trajectories) -> None:
    elsewhere = Task("Else", origin=Origin("\udc80.ipynb", None))
    trajectories.record(ended("t1"))
    trajectories.record(ended("t2", task=elsewhere))
    last = trajectories.last("a.ipynb")
    assert last is not None
    assert last.id == "t1"
    assert [trajectory.id for trajectory in trajectories.recent(9, "\udc80.ipynb")] == ["t2"]
    assert trajectories.last("c.ipynb") is None


def test_counts(database: Database, trajectories: Trajectories) -> None:
    trajectories.begin(opened())
    trajectories.record(ended())
    queried(database, ended())
    counts = trajectories.counts()
    assert (counts.trajectories, counts.open, counts.current_query) == (3, 1, 1)
    assert counts.stopped == {StopReason.CHECK_FAILED: 2}
    assert counts.roles == {Role.NEITHER: 2, Role.SUPPORT: 0, Role.QUERY: 1}


def test_a_forgotten_trajectory_is_gone_with_its_steps(
    database: Database, trajectories: Trajectories
) -> None:
    trajectories.record(ended("t1", steps=(step(0),)))
    trajectories.forget("t1")
    with pytest.raises(NotFound):
        trajectories.get("t1")
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM steps").scalar_one() == 0


def test_the_open_trajectories_of_a_dead_process_are_interrupted(database: Database) -> None:
    dead, alive, unknown = (Trajectories(database, process=mark) for mark in ("dead", "alive", ""))
    dead.begin(opened("t1"))
    dead.record(ended("t2"))
    alive.begin(opened("t3"))
    unknown.begin(opened("t4"))
    assert alive.interrupt_orphans(lambda mark: mark == "alive") == ("t1",)
    assert [alive.get(id_).stop for id_ in ("t1", "t2", "t3", "t4")] == [
        StopReason.INTERRUPTED,
        StopReason.CHECK_FAILED,
        None,
        None,
    ]
