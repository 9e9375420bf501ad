"""A run whose supervisor was killed, or whose files were damaged, is taken up or given up, never stuck."""

from collections.abc import Iterator

import pytest

from metaclaw_jlab.core.errors import (
    AdapterRefused,
)
from metaclaw_jlab.core.training import RunState
from metaclaw_jlab.learning import outer_loop
from metaclaw_jlab.learning.adapters import candidate_folder
from metaclaw_jlab.learning.outer_loop import train_once
from metaclaw_jlab.runtime.train_worker import WorkerEvent, WorkerJob
from metaclaw_jlab.runtime.training_folder import TrainingFolder
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.serving import Serving
from metaclaw_jlab.store.training import Training
from tests.learning.homes import Ground
from tests.learning.slow_homes import (
    Slow,
    leave_adapter,
    tries,
)


@pytest.fixture
def slow(home_ground: Ground) -> Slow:
    return Slow(home_ground)


class Killed(BaseException):
    """The supervisor's process ends here."""


def crash_after(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
    """The process ends right after the next call of this."""
    real = getattr(owner, name)

    def once(*arguments: object, **named: object) -> object:
        monkeypatch.setattr(owner, name, real)
        real(*arguments, **named)
        raise Killed

    monkeypatch.setattr(owner, name, once)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Training, "begin"),
        (Query, "drain"),
        (outer_loop, "write_job"),
        (outer_loop, "_train"),
        (Adapters, "add"),
        (outer_loop, "_keep"),
        (outer_loop, "_move_candidate"),
        (outer_loop, "gate"),
    ],
)
def test_a_run_whose_supervisor_was_killed_is_taken_up(
    slow: Slow, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    id_ = slow.works("a")
    crash_after(monkeypatch, owner, name)
    with pytest.raises(Killed):
        train_once(slow.loop())
    if name != "gate":
        assert train_once(slow.loop()).state is RunState.DONE
    assert [run.state for run in slow.runs] == [RunState.DONE]
    assert Query(slow.ground.database).drained(1) == (id_,)
    assert [one.version for one in Adapters(slow.ground.database).recent(9)] == [1]
    assert slow.workers.started == [WorkerJob.TRAINING, WorkerJob.TRIALS]
    assert Serving(slow.ground.database).current() == 1


def test_the_folder_of_an_earlier_store_is_no_run_of_this_one(slow: Slow) -> None:
    stale = slow.folder(1)
    stale.job.write_text("{}")
    leave_adapter(stale)
    slow.works("a")
    train_once(slow.loop())
    assert slow.workers.started[0] is WorkerJob.TRAINING


def test_a_candidate_that_was_damaged_does_not_stand_in_the_way_for_ever(slow: Slow) -> None:
    slow.works("a")

    def damages(folder: TrainingFolder) -> Iterator[WorkerEvent]:
        yield from tries()(folder)
        (candidate_folder(slow.ground.home, 1) / "adapter_config.json").unlink()

    slow.workers.trials = [damages, tries()]
    with pytest.raises(AdapterRefused, match="missing"):
        train_once(slow.loop())
    assert slow.runs[0].state is RunState.FAILED
    slow.works("b")
    assert train_once(slow.loop()).state is RunState.DONE
