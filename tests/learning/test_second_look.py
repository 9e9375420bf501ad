"""An adapter that lacked evidence is gated again when it has come."""

import pytest

from metaclaw_jlab.core.gate import Verdict
from metaclaw_jlab.core.training import TrainingRun
from metaclaw_jlab.learning.gating import gate, look_again
from metaclaw_jlab.learning.outer_loop import train_once
from metaclaw_jlab.runtime.train_worker import WorkerJob
from metaclaw_jlab.runtime.training_folder import TrainingFolder
from metaclaw_jlab.store.gates import Gates
from metaclaw_jlab.store.serving import Serving
from metaclaw_jlab.store.training import Training
from tests.learning.gated import Killed, killed_after, trained, work
from tests.learning.homes import Ground
from tests.learning.slow_homes import Slow, gate_prompt, tries


@pytest.fixture
def slow(home_ground: Ground) -> Slow:
    return Slow(home_ground)


def undecided(slow: Slow) -> tuple[TrainingRun, TrainingFolder]:
    """A run that is done, whose gate had no held-out task at all: 50 are missing."""
    run, folder = trained(slow)
    done = gate(slow.gating(fresh=lambda _: ()), run, folder, work(folder, tries()))
    return done, folder


def never(_: WorkerJob) -> None:
    raise AssertionError("Nothing is attempted.")


def test_what_lacked_evidence_is_gated_again_when_there_is_enough(slow: Slow) -> None:
    run, folder = undecided(slow)
    assert look_again(slow.gating(), run, folder, work(folder, tries()))
    database = slow.ground.database
    assert [one.verdict for one in Gates(database).of(1)] == [Verdict.INSUFFICIENT, Verdict.PROMOTE]
    assert Gates(database).of(1)[-1].look == 2
    assert Serving(database).current() == 1
    assert Training(database).get(run.number) == run


def test_as_long_as_evidence_is_lacking_nothing_is_attempted(slow: Slow) -> None:
    run, folder = undecided(slow)
    some = [gate_prompt(number) for number in range(49)]
    assert not look_again(slow.gating(fresh=lambda _: some), run, folder, never)
    assert len(Gates(slow.ground.database).of(1)) == 1


def test_what_is_decided_is_not_gated_again(slow: Slow) -> None:
    run, folder = trained(slow)
    done = gate(slow.gating(), run, folder, work(folder, tries(regression=False)))
    assert not look_again(slow.gating(), done, folder, never)


def test_a_second_look_that_was_killed_is_carried_out_by_the_next(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, folder = undecided(slow)
    killed_after(monkeypatch, Gates, "record")
    with pytest.raises(Killed):
        look_again(slow.gating(), run, folder, work(folder, tries()))
    assert look_again(slow.gating(), run, folder, never)
    assert Serving(slow.ground.database).current() == 1


def test_a_training_without_new_tasks_decides_on_what_lacked_evidence(slow: Slow) -> None:
    slow.works("a")
    slow.workers.trials = [tries(), tries()]
    first = train_once(slow.loop(gating=lambda: slow.gating(fresh=lambda _: ())))
    assert Serving(slow.ground.database).current() is None
    assert train_once(slow.loop()) == first
    assert Serving(slow.ground.database).current() == first.adapter


def test_the_next_training_goes_on_from_what_the_second_look_promoted(slow: Slow) -> None:
    slow.works("a")
    slow.workers.trials = [tries(), tries(), tries()]
    train_once(slow.loop(gating=lambda: slow.gating(fresh=lambda _: ())))
    slow.works("b")
    assert train_once(slow.loop()).parent == 1
