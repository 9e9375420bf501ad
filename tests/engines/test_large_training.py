"""A model that is large for its processor trains in packs and half precision; interrupted it comes to the same."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from tests.engines.toy_training import Mischief, Toy, prepared, run_to_end, save_model, weights

LARGE = Mischief(taken_for_large=True)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, model: str) -> tuple[Toy, Any, int]:
    """A whole training, what it told, and how often it looked at its stop flag."""
    folder = tmp_path_factory.mktemp("whole")
    toy = prepared(folder / "home", model)
    events = run_to_end(toy, mischief=replace(LARGE, looks_file=str(folder / "looks")))
    return toy, events, int((folder / "looks").read_text())


def steps(events: Any) -> list[Any]:
    return [event for event in events if event["event"] == "step"]


def assert_same(first: Toy, second: Toy) -> None:
    mine, theirs = weights(first), weights(second)
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_it_is_read_in_packs_and_half_precision(whole: tuple[Toy, Any, int]) -> None:
    assert "training in torch.bfloat16, prompts read once a group" in whole[0].folder.log.read_text()


def test_the_adapter_is_trained_in_single_precision(whole: tuple[Toy, Any, int]) -> None:
    toy, events, _ = whole
    assert events[-1]["ending"] == "done"
    assert {tensor.dtype for tensor in weights(toy).values()} == {torch.float32}
    assert any(tensor.abs().max() > 0 for name, tensor in weights(toy).items() if "lora_B" in name)


def test_it_learns_what_it_would_learn_in_single_precision(
    whole: tuple[Toy, Any, int], tmp_path: Path, model: str
) -> None:
    """The first step, before the roundings of half precision have led to other completions."""
    exact = run_to_end(prepared(tmp_path / "home", model, steps=1))
    mine, theirs = steps(whole[1])[0], steps(exact)[0]
    assert mine["grad_norm"] == pytest.approx(theirs["grad_norm"], rel=0.2)
    assert mine["entropy"] == pytest.approx(theirs["entropy"], rel=0.05)
    assert mine["kl"] == pytest.approx(0.0, abs=1e-3)


def test_interruptions_change_nothing(whole: tuple[Toy, Any, int], tmp_path: Path, model: str) -> None:
    first, _, looks = whole
    toy, rng = prepared(tmp_path / "home", model), Random(5)
    for number in range(3):
        stopped = replace(LARGE, at_look=rng.randint(1, looks // 2), signal=signal.SIGTERM)
        events = run_to_end(toy, *(["--resume"] if number else []), mischief=stopped)
        assert events[-1]["ending"] == "stopped"
    assert run_to_end(toy, "--resume", mischief=LARGE)[-1]["ending"] == "done"
    assert_same(first, toy)


def test_memory_that_runs_out_makes_smaller_packs(tmp_path: Path, model: str) -> None:
    events = run_to_end(prepared(tmp_path / "home", model), mischief=replace(LARGE, out_of_memory=1))
    assert events[-1]["ending"] == "done"
    assert [event["micro_batch"] for event in events if event["event"] == "memory"] != []
