"""A training that is attached to its starter."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from metaclaw_jlab.cli import train
from metaclaw_jlab.core.training import RunState, TrainingRun
from metaclaw_jlab.learning import outer_loop
from metaclaw_jlab.learning.outer_loop import OuterLoop
from metaclaw_jlab.store.training import Training
from tests.learning.trained import begun

Metaclaw = Callable[..., Any]


def test_it_is_paused_when_its_starter_is_gone(metaclaw: Metaclaw, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, starters = os.pipe()

    def train_once(loop: OuterLoop, **_: Any) -> TrainingRun:
        run = begun(loop.database, steps=10, done=2)
        try:
            os.close(starters)
            signal.pause()
        except KeyboardInterrupt:
            return Training(loop.database).change(run.number, RunState.PAUSED, "Stopped.")
        raise AssertionError("nothing stopped it")

    monkeypatch.setattr(outer_loop, "train_once", train_once)
    with os.fdopen(ours) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        ran = metaclaw("train", "--now", "--attached")
    assert ran.code == 130
    assert "paused at step 2 of 10" in ran.err


def test_how_it_is_attached_is_nothing_for_people() -> None:
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    assert "--attached" not in parser.format_help()
