"""Runs of the slow loop from their query set to their verdict, whatever comes in between."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.core.errors import (
    LeaseHeld,
    NothingToTrain,
    TrainingError,
    WorkerFailed,
)
from metaclaw_jlab.core.training import PromptKind, RunState
from metaclaw_jlab.learning.adapters import candidate_folder, fault, published_folder
from metaclaw_jlab.learning.outer_loop import abandon, resume, train_once
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.runtime.train_worker import Ending, EventKind, WorkerEvent, WorkerJob
from metaclaw_jlab.runtime.training_folder import TrainingFolder, read_job
from metaclaw_jlab.runtime.training_process import LEASE
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.prompts import read_prompts
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.serving import Serving
from tests.learning.homes import Ground, failed
from tests.learning.slow_homes import (
    BASE,
    Script,
    Slow,
    dies,
    ended,
    ends,
    leave_adapter,
    step,
    trains,
    tries,
)


@pytest.fixture
def slow(home_ground: Ground) -> Slow:
    return Slow(home_ground)


def remaining_text(slow: Slow, run: int = 1) -> list[str]:
    """The files of a run's folder in which a task's text stands."""
    files = [path for path in slow.folder(run).path.rglob("*") if path.is_file()]
    return [path.name for path in files if b".csv" in path.read_bytes()]


# ---------------------------------------------------------------- from beginning to end


def test_a_training_drains_the_query_set_and_its_adapter_serves(slow: Slow) -> None:
    ids = [slow.works("a"), slow.works("b")]
    done = train_once(slow.loop())
    assert (done.state, done.adapter, done.prompts, done.steps_done) == (RunState.DONE, 1, 2, 1)
    assert set(Query(slow.ground.database).drained(1)) == set(ids)
    assert Serving(slow.ground.database).current() == 1
    assert slow.workers.started == [WorkerJob.TRAINING, WorkerJob.TRIALS]


def test_what_serves_is_whole_and_named_for_its_base(slow: Slow) -> None:
    slow.works("a")
    train_once(slow.loop())
    database = slow.ground.database
    assert fault(slow.ground.home, Adapters(database).get(1)) is None
    card = json.loads((published_folder(slow.ground.home, 1) / "metaclaw.json").read_text())
    assert (card["version"], card["base"], card["base_sha256"], card["skill_generation"]) == (
        1,
        BASE,
        "b" * 64,
        0,
    )


def test_the_worker_gets_the_query_prompts_and_the_replay_set(slow: Slow) -> None:
    first = slow.works("a")
    seen = []

    def look(folder: TrainingFolder) -> Iterator[WorkerEvent]:
        seen.extend([*read_prompts(folder.query), *read_prompts(folder.replay)])
        yield from trains(folder)

    slow.workers.trainings = [look]
    train_once(slow.loop())
    assert [(one.id, one.kind) for one in seen] == [
        (first, PromptKind.QUERY),
        ("replay-0", PromptKind.REPLAY),
    ]


def test_no_text_of_a_task_is_left_when_a_run_is_over(slow: Slow) -> None:
    slow.works("a")
    train_once(slow.loop())
    assert remaining_text(slow) == []
    assert not slow.folder().checkpoints.exists()


def test_the_next_training_goes_on_from_what_serves(slow: Slow) -> None:
    slow.works("a")
    train_once(slow.loop())
    slow.works("b")
    second = train_once(slow.loop())
    assert second.parent == 1
    parent = read_job(slow.folder(2)).plan["parent"]
    assert parent == str(published_folder(slow.ground.home, 1))


def test_nothing_is_trained_twice(slow: Slow) -> None:
    slow.works("a")
    train_once(slow.loop())
    with pytest.raises(NothingToTrain):
        train_once(slow.loop())
    assert len(slow.runs) == 1


def test_a_rejected_adapter_stays_a_candidate_on_the_disk(slow: Slow) -> None:
    slow.works("a")
    slow.workers.trials = [tries(regression=False)]
    done = train_once(slow.loop())
    assert done.state is RunState.DONE
    assert Adapters(slow.ground.database).get(1).status is AdapterStatus.REJECTED
    assert candidate_folder(slow.ground.home, 1).is_dir()
    assert Serving(slow.ground.database).current() is None


# ---------------------------------------------------------------- nothing to train on


def test_an_empty_query_set_is_told_with_counts(slow: Slow) -> None:
    slow.ground.record(failed())
    with pytest.raises(NothingToTrain, match="1 have no start state"):
        train_once(slow.loop())
    assert slow.runs == ()


def test_a_start_that_was_forgotten_meanwhile_fails_the_run_and_frees_the_rest(slow: Slow) -> None:
    id_ = slow.works("a", steps=())
    slow.ground.trajectories.admit(id_, held_out_share=0.0)
    with pytest.raises(NothingToTrain, match="can be trained on"):
        train_once(slow.loop())
    assert [run.state for run in slow.runs] == [RunState.FAILED]
    assert Query(slow.ground.database).waiting() == (id_,)


def test_two_trainings_do_not_run_at_once(slow: Slow) -> None:
    slow.works("a")
    with lease(slow.ground.home, LEASE), pytest.raises(LeaseHeld):
        train_once(slow.loop())
    assert slow.runs == ()


def test_a_run_under_way_is_not_abandoned_by_another(slow: Slow) -> None:
    slow.works("a")
    loop = slow.loop()
    held: list[bool] = []

    def asks(folder: TrainingFolder) -> Iterator[WorkerEvent]:
        with pytest.raises(LeaseHeld):
            abandon(loop, "Not wanted.")
        held.append(True)
        yield from trains(folder)

    slow.workers.trainings = [asks]
    assert train_once(loop).state is RunState.DONE
    assert held == [True]


def test_nothing_waits_to_be_resumed(slow: Slow) -> None:
    slow.works("a")
    with pytest.raises(NothingToTrain, match="resumed"):
        resume(slow.loop())


# ---------------------------------------------------------------- a generation that advances


def overtaken(slow: Slow, cell: str) -> Script:
    """A training that the library overtakes, under which the user does another task."""

    def script(_: TrainingFolder) -> Iterator[WorkerEvent]:
        yield step(1)
        slow.advances()
        slow.works(cell)
        yield ended(Ending.SUPERSEDED, "The skill generation has advanced.")

    return script


def test_an_overtaken_run_is_abandoned_and_taken_up_with_the_new_query_set(slow: Slow) -> None:
    old = slow.works("a")
    slow.workers.trainings = [overtaken(slow, "b"), trains]
    done = train_once(slow.loop())
    first, second = slow.runs
    assert (first.state, second.state) == (RunState.ABANDONED, RunState.DONE)
    assert "advanced" in first.reason
    assert second == done
    assert second.skill_generation == 1
    assert old not in Query(slow.ground.database).drained(2)
    assert remaining_text(slow, 1) == []


def test_a_library_that_keeps_changing_ends_it_with_a_sentence(slow: Slow) -> None:
    slow.works("a")
    slow.workers.trainings = [overtaken(slow, cell) for cell in "bcd"]
    with pytest.raises(TrainingError, match="keeps changing"):
        train_once(slow.loop())
    assert {run.state for run in slow.runs} == {RunState.ABANDONED}


def test_a_generation_that_advances_as_a_run_begins_is_taken_up(slow: Slow) -> None:
    slow.works("a")
    known = slow.collecting()
    asked: list[int] = []

    def generation() -> int:
        found = known.generation()
        asked.append(found)
        if len(asked) == 3:  # twice by collecting, then for the run
            slow.advances()
            slow.works("b")
        return found

    done = train_once(slow.loop(collecting=lambda: replace(known, generation=generation)))
    assert (done.state, done.skill_generation) == (RunState.DONE, 1)


def test_a_generation_that_advances_while_a_run_is_filled_is_taken_up(slow: Slow) -> None:
    slow.works("a")
    told: list[bool] = []

    def judging() -> None:
        if not told:
            told.append(True)
            slow.advances()
            slow.works("b")

    done = train_once(slow.loop(judging=judging))
    assert [run.state for run in slow.runs] == [RunState.ABANDONED, RunState.DONE]
    assert done.skill_generation == 1


def test_an_unfinished_run_of_an_older_generation_is_abandoned_when_it_is_found(slow: Slow) -> None:
    slow.works("a")
    slow.workers.trainings = [ends(Ending.STOPPED), trains]
    train_once(slow.loop())
    slow.advances()
    slow.works("b")
    train_once(slow.loop())
    assert [run.state for run in slow.runs] == [RunState.ABANDONED, RunState.DONE]


# ---------------------------------------------------------------- interruptions


def test_an_interrupted_training_is_paused_and_its_worker_stopped(slow: Slow) -> None:
    slow.works("a")

    def interrupted(folder: TrainingFolder) -> Iterator[WorkerEvent]:
        folder.checkpoints.mkdir()
        yield step(1)
        raise KeyboardInterrupt

    slow.workers.trainings = [interrupted]
    paused = train_once(slow.loop())
    assert (paused.state, paused.steps_done) == (RunState.PAUSED, 1)
    assert slow.workers.made[0].stopped
    assert slow.folder().checkpoints.is_dir()
    assert read_prompts(slow.folder().query)


def test_a_paused_training_is_resumed_without_draining_again(slow: Slow) -> None:
    slow.works("a")
    slow.workers.trainings = [ends(Ending.STOPPED, "Told to stop.", step(1)), trains]
    train_once(slow.loop())
    late = slow.works("b")
    done = resume(slow.loop())
    assert (done.number, done.state) == (1, RunState.DONE)
    assert late not in Query(slow.ground.database).drained(1)


def test_an_interrupted_gate_is_resumed_without_training_again(slow: Slow) -> None:
    slow.works("a")
    slow.workers.trials = [ends(Ending.STOPPED), tries()]
    assert train_once(slow.loop()).state is RunState.PAUSED
    assert resume(slow.loop()).state is RunState.DONE
    assert slow.workers.started == [WorkerJob.TRAINING, WorkerJob.TRIALS, WorkerJob.TRIALS]


def test_a_paused_run_can_be_given_up(slow: Slow) -> None:
    slow.works("a")
    slow.workers.trials = [ends(Ending.STOPPED)]
    train_once(slow.loop())
    assert remaining_text(slow) != []
    given_up = abandon(slow.loop(), "Not wanted.")
    assert given_up is not None
    assert (given_up.state, given_up.reason) == (RunState.ABANDONED, "Not wanted.")
    assert remaining_text(slow) == []


# ---------------------------------------------------------------- workers that fail


def test_a_killed_worker_is_told_and_its_run_can_be_resumed(slow: Slow) -> None:
    slow.works("a")
    slow.workers.trainings = [dies, lambda folder: (leave_adapter(folder), iter([ended()]))[1]]
    with pytest.raises(WorkerFailed, match="killed"):
        train_once(slow.loop())
    assert slow.runs[0].state is RunState.TRAINING
    assert slow.folder().checkpoints.is_dir()
    assert resume(slow.loop()).state is RunState.DONE


def test_a_worker_that_fails_ends_its_run_and_frees_what_it_took(slow: Slow) -> None:
    id_ = slow.works("a")
    slow.workers.trainings = [ends(Ending.FAILED, "All rewards were equal.")]
    with pytest.raises(WorkerFailed, match="equal"):
        train_once(slow.loop())
    assert (slow.runs[0].state, slow.runs[0].reason) == (RunState.FAILED, "All rewards were equal.")
    assert Query(slow.ground.database).waiting() == (id_,)
    assert remaining_text(slow) == []


def test_a_gate_that_fails_leaves_no_text_of_held_out_tasks(slow: Slow) -> None:
    slow.works("a")
    slow.workers.trials = [ends(Ending.FAILED, "The adapter is damaged.")]
    with pytest.raises(WorkerFailed):
        train_once(slow.loop())
    assert slow.runs[0].state is RunState.FAILED
    assert not slow.folder().trials.exists()


def test_a_training_that_diverged_keeps_its_last_good_adapter(slow: Slow) -> None:
    slow.works("a")

    def diverges(folder: TrainingFolder) -> Iterator[WorkerEvent]:
        yield step(1)
        leave_adapter(folder)
        yield ended(Ending.DIVERGED, "The loss of step 2 is not a number.")

    slow.workers.trainings = [diverges]
    done = train_once(slow.loop())
    assert (done.state, done.adapter) == (RunState.DONE, 1)
    assert "not a number" in " ".join(one.sentence for one in slow.progress)


def test_a_training_that_diverged_at_once_fails(slow: Slow) -> None:
    slow.works("a")
    slow.workers.trainings = [ends(Ending.DIVERGED, "The loss of step 1 is not a number.")]
    with pytest.raises(WorkerFailed, match="not a number"):
        train_once(slow.loop())
    assert slow.runs[0].state is RunState.FAILED


def test_memory_that_ran_out_is_said(slow: Slow) -> None:
    slow.works("a")

    def halves(folder: TrainingFolder) -> Iterator[WorkerEvent]:
        yield WorkerEvent(EventKind.MEMORY, {"micro_batch": 4})
        yield from trains(folder)

    slow.workers.trainings = [halves]
    train_once(slow.loop())
    assert "4 completions at a time" in " ".join(one.sentence for one in slow.progress)


def test_a_base_model_that_changed_since_ends_the_run(slow: Slow) -> None:
    slow.works("a")
    slow.workers.trainings = [ends(Ending.STOPPED), trains]
    train_once(slow.loop())
    late = slow.works("b")
    done = train_once(slow.loop(base_sha256=lambda: "c" * 64))
    assert [run.state for run in slow.runs] == [RunState.ABANDONED, RunState.DONE]
    assert "changed" in slow.runs[0].reason
    assert Query(slow.ground.database).drained(done.number) == (late,)


def test_an_adapter_of_another_base_is_no_parent(slow: Slow) -> None:
    slow.works("a")
    train_once(slow.loop())
    slow.works("b")
    assert train_once(slow.loop(base_sha256=lambda: "c" * 64)).parent is None
