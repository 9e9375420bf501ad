"""A train worker, interrupted in every way, leaves what resumes to the result of an uninterrupted one."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from metaclaw_jlab.engines.training_checkpoint import newest, step_of
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.training import Training
from metaclaw_jlab.store.trajectories import Trajectories
from tests.engines.toy_training import STEPS, Mischief, Toy, forked, prepared, run_to_end, save_model, weights

Events = Sequence[Mapping[str, Any]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, model: str) -> tuple[Toy, Events, int]:
    """A whole training, what it told, and how often it looked at its stop flag."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    toy = prepared(folder / "home", model)
    events = run_to_end(toy, mischief=Mischief(looks_file=str(folder / "looks")))
    return toy, events, int((folder / "looks").read_text())


@pytest.fixture
def toy(tmp_path: Path, model: str) -> Toy:
    return prepared(tmp_path / "home", model)


def told(events: Events, kind: str) -> list[Mapping[str, Any]]:
    return [event for event in events if event["event"] == kind]


def ending(events: Events) -> str:
    last: str = events[-1]["ending"]
    return last


def assert_same(first: Toy, second: Toy) -> None:
    mine, theirs = weights(first), weights(second)
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_a_training_changes_the_adapter_and_says_so(uninterrupted: tuple[Toy, Events, int]) -> None:
    toy, events, _ = uninterrupted
    assert ending(events) == "done"
    assert events[-1]["adapter"] == str(toy.folder.adapter)
    assert any(tensor.abs().max() > 0 for name, tensor in weights(toy).items() if "lora_B" in name)


def test_each_step_is_in_the_store_as_it_was_told(uninterrupted: tuple[Toy, Events, int]) -> None:
    toy, events, _ = uninterrupted
    database = open_database(toy.home.database)
    reports = Training(database).reports(toy.run)
    database.close()
    steps = told(events, "step")
    assert [report.step for report in reports] == list(range(1, STEPS + 1))
    assert [(r.step, r.reward, r.loss) for r in reports] == [
        (s["step"], s["reward"], s["loss"]) for s in steps
    ]
    assert any(step["grad_norm"] > 0 for step in steps)


def test_five_interruptions_change_nothing(uninterrupted: tuple[Toy, Events, int], toy: Toy) -> None:
    whole, _, looks = uninterrupted
    rng = Random(11)
    for number in range(5):
        mischief = Mischief(at_look=rng.randint(1, looks // 2))
        events = run_to_end(toy, *["--resume"][:number], mischief=mischief)
        assert ending(events) in {"stopped", "done"}
    assert ending(run_to_end(toy, "--resume")) == "done"
    assert_same(whole, toy)


def test_a_worker_that_is_killed_loses_at_most_one_step(
    uninterrupted: tuple[Toy, Events, int], toy: Toy
) -> None:
    whole, _, looks = uninterrupted
    events = run_to_end(toy, mischief=Mischief(at_look=round(looks * 0.6), signal=signal.SIGKILL))
    assert not told(events, "ended")
    done = len(told(events, "step"))
    assert step_of(newest(toy.folder.checkpoints)) >= done - 1
    assert ending(run_to_end(toy, "--resume")) == "done"
    assert_same(whole, toy)


def test_a_checkpoint_that_was_cut_off_is_passed_over(
    uninterrupted: tuple[Toy, Events, int], toy: Toy
) -> None:
    whole, _, looks = uninterrupted
    run_to_end(toy, mischief=Mischief(at_look=round(looks * 0.9)))
    last = newest(toy.folder.checkpoints)
    assert last is not None
    with (last / "optimizer.pt").open("r+b") as file:
        file.truncate(1000)
    events = run_to_end(toy, "--resume")
    assert told(events, "resumed")[0]["step"] == step_of(last) - 1
    assert_same(whole, toy)


def test_memory_that_ran_out_halves_the_micro_batch_for_the_rest_of_the_run(
    tmp_path: Path, model: str
) -> None:
    whole, broken = prepared(tmp_path / "whole", model), prepared(tmp_path / "broken", model)
    events = run_to_end(whole, mischief=Mischief(out_of_memory=1))
    halved = told(events, "memory")
    assert len(halved) == 1
    assert ending(events) == "done"
    run_to_end(broken, mischief=Mischief(out_of_memory=1, advance_at=0, at_look=120))
    assert ending(run_to_end(broken, "--resume")) == "done"
    assert_same(whole, broken)


def test_memory_that_holds_nothing_ends_it_with_a_sentence(toy: Toy) -> None:
    events = run_to_end(toy, mischief=Mischief(out_of_memory=1000))
    assert ending(events) == "oom"
    assert "does not hold one completion" in events[-1]["reason"]


def test_a_loss_that_is_no_number_keeps_the_last_good_adapter(toy: Toy) -> None:
    events = run_to_end(toy, mischief=Mischief(not_a_number_at=3))
    assert ending(events) == "diverged"
    assert events[-1]["steps_done"] == 2
    assert "not a number" in events[-1]["reason"]
    assert step_of(newest(toy.folder.checkpoints)) == 2
    assert all(torch.isfinite(tensor).all() for tensor in weights(toy).values())


def test_a_generation_that_advances_ends_it_before_the_weights_move(toy: Toy) -> None:
    events = run_to_end(toy, mischief=Mischief(advance_at=2))
    assert ending(events) == "superseded"
    assert [step["step"] for step in told(events, "step")] == [1]
    assert step_of(newest(toy.folder.checkpoints)) == 1
    resumed = run_to_end(toy, "--resume")
    assert ending(resumed) == "superseded"
    assert not told(resumed, "step")


def test_a_prompt_that_may_no_longer_train_is_out_of_the_step_under_way(toy: Toy) -> None:
    events = run_to_end(toy, mischief=Mischief(forget_at=2, forgotten=toy.ids[0]))
    assert [event["prompts"] for event in told(events, "dropped")] == [1]
    assert ending(events) == "done"
    assert [step["step"] for step in told(events, "step")] == list(range(1, STEPS + 1))


def test_scoring_that_hangs_does_not_keep_it_from_stopping(toy: Toy) -> None:
    with forked(toy, mischief=Mischief(scoring_hangs=True)) as worker:
        events = worker.events()
        assert next(event for event in events if event.get("phase") == "training")
        worker.stdin.close()
        assert ending(list(events)) == "stopped"


@pytest.mark.parametrize("word", [b"stop\n", b""])
def test_the_word_to_stop_and_a_dead_supervisor_stop_it(toy: Toy, word: bytes) -> None:
    with forked(toy) as worker:
        events = worker.events()
        assert next(event for event in events if event.get("phase") == "training")
        worker.say(word)
        assert ending(list(events)) == "stopped"
        worker.process.join()
        assert worker.process.exitcode == 3


def test_without_isolation_nothing_runs_unattended(toy: Toy) -> None:
    events = run_to_end(toy, mischief=Mischief(isolated=False))
    assert ending(events) == "failed"
    assert "sandbox.unattended" in events[-1]["reason"]


def test_a_run_whose_prompts_are_all_forgotten_trains_nothing(toy: Toy) -> None:
    database = open_database(toy.home.database)
    for id_ in toy.ids:
        Trajectories(database).forget(id_)
    database.close()
    events = run_to_end(toy)
    assert ending(events) == "failed"
    assert "may be trained on any more" in events[-1]["reason"]
    assert not told(events, "step")
