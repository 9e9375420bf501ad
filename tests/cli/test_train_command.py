"""`metaclaw train` on a real home; where a training is wanted, a stand-in holds its lease or conducts its steps."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.cli import train
from metaclaw_jlab.core.errors import WorkerFailed
from metaclaw_jlab.core.gate import Verdict
from metaclaw_jlab.core.training import RunState, TrainingRun
from metaclaw_jlab.learning import outer_loop
from metaclaw_jlab.learning.outer_loop import OuterLoop, Progress
from metaclaw_jlab.runtime import training_process
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.training import Training
from tests.learning.trained import begun, finished

Metaclaw = Callable[..., Any]
FAKE = Path(__file__).parents[1] / "runtime" / "fake_training.py"


def a_run(home: Path, state: RunState = RunState.TRAINING, done: int = 4) -> int:
    """A run of ten steps in this home; its number."""
    with closing(open_database(open_home(home).database)) as database:
        run = begun(database, steps=10, done=done)
        if state is not RunState.TRAINING:
            Training(database).change(run.number, state, "Because.")
    return run.number


def state_of(home: Path, number: int) -> RunState:
    with closing(open_database(open_home(home).database)) as database:
        return Training(database).get(number).state


@pytest.fixture
def conducted(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is started beside the user is a stand-in that holds the lease; whatever is left of it is stopped."""
    command = [sys.executable, str(FAKE), "--home", str(home)]
    monkeypatch.setattr(training_process, "train_command", lambda _: command)
    yield
    training_process.stop(open_home(home), 30)


def conducts(
    monkeypatch: pytest.MonkeyPatch, how: Callable[[OuterLoop], TrainingRun]
) -> list[dict[str, Any]]:
    """Put a stand-in in the place of a training; what it was told is kept."""
    told: list[dict[str, Any]] = []

    def train_once(loop: OuterLoop, **options: Any) -> TrainingRun:
        told.append(options)
        return how(loop)

    monkeypatch.setattr(outer_loop, "train_once", train_once)
    return told


def done(verdict: Verdict) -> Callable[[OuterLoop], TrainingRun]:
    def run(loop: OuterLoop) -> TrainingRun:
        loop.on_progress(Progress(RunState.COLLECTING, sentence="Attempting older tasks again"))
        for step in (1, 2, 3):
            loop.on_progress(Progress(RunState.TRAINING, step, 3, reward=0.25 * step))
        loop.on_progress(Progress(RunState.GATING, 40, 80))
        return finished(loop.home, loop.database, verdict)

    return run


def test_how_it_stands_is_told(metaclaw: Metaclaw, home: Path) -> None:
    a_run(home, RunState.PAUSED)
    for words in (("train",), ("train", "status")):
        ran = metaclaw(*words)
        assert ran.code == 0
        assert ran.out.startswith("Run 1 is paused at step 4 of 10")


def test_curves_are_numbers_in_json(metaclaw: Metaclaw, home: Path) -> None:
    a_run(home)
    told = metaclaw("train", "status", "--json").json["training"]
    assert told["run"]["curves"]["step"] == [1, 2, 3, 4]
    assert (told["run"]["state"], told["run"]["steps_done"], told["run"]["equal_groups"]) == (
        "training",
        4,
        8,
    )


def test_a_training_ends_with_its_verdict(metaclaw: Metaclaw, monkeypatch: pytest.MonkeyPatch) -> None:
    told = conducts(monkeypatch, done(Verdict.PROMOTE))
    ran = metaclaw("train", "--now", "--steps", 3, "--seed", 7)
    assert (ran.code, ran.out) == (0, "Adapter v1 was promoted. The reason to promote.\n")
    assert told == [{"steps": 3, "seed": 7}]


def test_a_rejection_is_a_training_done(metaclaw: Metaclaw, monkeypatch: pytest.MonkeyPatch) -> None:
    conducts(monkeypatch, done(Verdict.REJECT))
    ran = metaclaw("train", "--now", "--json")
    assert ran.code == 0
    assert ran.json["account"]["gate"]["verdict"] == "reject"


def test_progress_goes_to_standard_error_a_line_each(
    metaclaw: Metaclaw, monkeypatch: pytest.MonkeyPatch
) -> None:
    conducts(monkeypatch, done(Verdict.PROMOTE))
    lines = metaclaw("train", "--now").err.splitlines()
    assert lines == [
        "Attempting older tasks again",
        "step 1 of 3, reward +0.25",
        "step 2 of 3, reward +0.50",
        "step 3 of 3, reward +0.75",
        "attempts for the gate 40 of 80",
    ]


def test_in_a_terminal_there_is_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    bar = train.Bar()
    for step in (1, 2, 3):
        bar.show(Progress(RunState.TRAINING, step, 3, reward=0.25 * step))
    bar.show(Progress(RunState.TRAINING, sentence="Memory ran out."))
    bar.close()
    err = capsys.readouterr().err
    assert "3/3" in err
    assert "reward +0.75" in err
    assert "Memory ran out." in err


def test_one_that_was_paused_is_an_interruption_that_says_how_to_go_on(
    metaclaw: Metaclaw, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def paused(loop: OuterLoop) -> TrainingRun:
        run = begun(loop.database, steps=10, done=4)
        return Training(loop.database).change(run.number, RunState.PAUSED, "Stopped.")

    conducts(monkeypatch, paused)
    ran = metaclaw("train", "--now")
    assert (ran.code, ran.out) == (130, "")
    assert "paused at step 4 of 10. Go on: metaclaw train resume." in ran.err


def test_sigterm_stops_as_ctrl_c_does(metaclaw: Metaclaw, monkeypatch: pytest.MonkeyPatch) -> None:
    caught: list[type[BaseException]] = []

    def told_to_stop(loop: OuterLoop) -> TrainingRun:
        run = begun(loop.database, steps=10, done=2)
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        except KeyboardInterrupt as stop:
            caught.append(type(stop))
        return Training(loop.database).change(run.number, RunState.PAUSED, "Stopped.")

    before = signal.getsignal(signal.SIGTERM)
    conducts(monkeypatch, told_to_stop)
    assert metaclaw("train", "--now").code == 130
    assert caught == [KeyboardInterrupt]
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_failed_is_one_sentence(metaclaw: Metaclaw, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: OuterLoop) -> TrainingRun:
        raise WorkerFailed("The train worker was killed by signal 9.", "What it said is in worker.log.")

    conducts(monkeypatch, fails)
    ran = metaclaw("train", "--now")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "metaclaw: The train worker was killed by signal 9. What it said is in worker.log.\n"


def test_beside_the_user_it_goes_on_when_the_command_is_over(
    metaclaw: Metaclaw, home: Path, conducted: None
) -> None:
    number = a_run(home, RunState.PAUSED)
    told = metaclaw("train", "resume", "--detach", "--json").json
    assert (told["run"], told["log"]) == (number, str(home / "runtime" / "training.log"))
    assert metaclaw("train", "--json").json["training"]["run"]["pid"] == told["pid"]
    assert "told: resume" in (home / "runtime" / "training.log").read_text()


def test_the_options_are_handed_on(metaclaw: Metaclaw, home: Path, conducted: None, monkeypatch: Any) -> None:
    monkeypatch.setattr("metaclaw_jlab.inspection.training_commands.RUN_SECONDS", 0.0)
    told = metaclaw("train", "--now", "--detach", "--steps", 3, "--model", "tiny", "--json").json
    assert told["run"] is None
    assert "told: --now --steps 3 --model tiny" in (home / "runtime" / "training.log").read_text()


def test_stopping_waits_until_it_has_stopped(metaclaw: Metaclaw, home: Path, conducted: None) -> None:
    a_run(home, RunState.PAUSED)
    metaclaw("train", "resume", "--detach")
    told = metaclaw("train", "stop", "--json").json
    assert (told["stopped"], told["run"]) == (True, 1)
    assert "train resume" in told["told"]
    assert training_process.conductor(open_home(home)) is None


def test_where_none_runs_stopping_says_so(metaclaw: Metaclaw) -> None:
    ran = metaclaw("train", "stop")
    assert (ran.code, ran.out) == (0, "No training runs.\n")


def test_two_at_once_are_refused(metaclaw: Metaclaw, home: Path) -> None:
    a_run(home)
    with lease(open_home(home), training_process.LEASE):
        for words in (("--now",), ("--now", "--detach"), ("resume",), ("abandon",)):
            ran = metaclaw("train", *words)
            assert ran.code == 1
            assert f"process {os.getpid()}" in ran.err


def test_one_that_waits_keeps_its_options(metaclaw: Metaclaw, home: Path) -> None:
    a_run(home, RunState.PAUSED)
    ran = metaclaw("train", "--now", "--steps", 3)
    assert ran.code == 2
    assert "would go on as it began, without --steps" in ran.err


def test_one_that_waits_can_be_given_up(metaclaw: Metaclaw, home: Path) -> None:
    number = a_run(home, RunState.PAUSED)
    assert "given up" in metaclaw("train", "abandon").out
    assert state_of(home, number) is RunState.ABANDONED
    assert metaclaw("train", "abandon").code == 1


def test_it_can_be_given_up_where_an_endpoint_answers_by_now(
    metaclaw: Metaclaw, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = a_run(home, RunState.PAUSED)
    monkeypatch.setenv("METACLAW_POLICY_BASE_URL", "http://localhost:9/v1")
    assert metaclaw("train", "abandon").code == 0
    assert state_of(home, number) is RunState.ABANDONED


def test_where_none_waits_there_is_nothing_to_resume(metaclaw: Metaclaw) -> None:
    ran = metaclaw("train", "resume")
    assert (ran.code, "train --now" in ran.err) == (1, True)


def test_the_weights_of_an_endpoint_are_not_trained_here(
    metaclaw: Metaclaw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METACLAW_POLICY_BASE_URL", "http://localhost:9/v1")
    ran = metaclaw("train", "--now")
    assert ran.code == 1
    assert "localhost:9" in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [("--steps", "3"), ("stop", "--now"), ("--now", "--steps", "0"), ("resume", "--seed", "1"), ("halt",)],
)
def test_what_makes_no_sense_is_a_usage_error(metaclaw: Metaclaw, words: tuple[str, ...]) -> None:
    assert metaclaw("train", *words).code == 2


def test_an_empty_home_has_nothing_to_train_on_whatever_way_it_is_asked(home: Path) -> None:
    environment = os.environ | {"METACLAW_HOME": str(home)}
    for words in (["--now"], ["--now", "--detach"]):
        command = [sys.executable, "-m", "metaclaw_jlab.cli.main", "train", *words, "--json"]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 1
        assert "No query trajectory" in json.loads(ran.stdout)["error"]["cause"]
