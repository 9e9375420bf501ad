"""`metaclaw train pause | unpause | log` on a real home."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.core.errors import NothingToTrain
from metaclaw_jlab.learning import outer_loop
from metaclaw_jlab.learning.collecting import MOST_ATTEMPTS
from metaclaw_jlab.learning.outer_loop import OuterLoop
from metaclaw_jlab.runtime import training_process
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.windows import Pauses, Windows

Metaclaw = Callable[..., Any]


def paused(home: Path) -> bool:
    with closing(open_database(open_home(home).database)) as database:
        return Pauses(database).current() is not None


def test_a_pause_is_kept_and_taken_back(metaclaw: Metaclaw, home: Path) -> None:
    told = metaclaw("train", "pause", "90", "--json")
    assert (told.code, told.json["paused"]) == (0, True)
    assert paused(home)
    assert metaclaw("train", "unpause").code == 0
    assert not paused(home)


def test_the_log_lists_windows(metaclaw: Metaclaw, home: Path) -> None:
    assert "No window was open yet" in metaclaw("train", "log").out
    with closing(open_database(open_home(home).database)) as database:
        windows = Windows(database)
        for number in (1, 2, 3):
            windows.open(100.0 * number, ["lab"])
            windows.close(number, 100.0 * number + 60, "kernels")
    assert [row["number"] for row in metaclaw("train", "log", "2", "--json").json["windows"]] == [3, 2]
    assert "3 windows, 0 used." in metaclaw("train", "log").out


def test_train_alone_tells_why_nothing_runs_by_itself(metaclaw: Metaclaw) -> None:
    told = metaclaw("train")
    assert "By itself" in told.out
    assert "No host runs" in told.out
    assert metaclaw("train", "--json").json["schedule"]["host"] is None


@pytest.mark.parametrize(
    "words",
    [
        ("stop", "5"),
        ("resume", "--until", "10:00"),
        ("pause", "many"),
        ("pause", "nan"),
        ("pause", "0"),
        ("pause", "--until", "noon"),
        ("log", "0"),
        ("--now", "--until", "10:00"),
    ],
)
def test_words_that_do_not_fit_are_refused(metaclaw: Metaclaw, words: tuple[str, ...]) -> None:
    told = metaclaw("train", *words)
    assert told.code == 2
    assert told.err


@pytest.mark.parametrize(
    ("words", "reattempt", "most"),
    [(("--attached",), "true", MOST_ATTEMPTS), (("--attached",), "false", 0), ((), "false", MOST_ATTEMPTS)],
    ids=["in a window", "in a window that shall not", "by hand"],
)
def test_older_tasks_are_attempted_in_a_window_where_the_user_lets_them(
    metaclaw: Metaclaw, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], reattempt: str, most: int
) -> None:
    told: list[int] = []

    def train_once(loop: OuterLoop, **_: object) -> None:
        told.append(loop.collecting().most)
        raise NothingToTrain("Nothing waits.", "Work on.")

    monkeypatch.setattr(outer_loop, "train_once", train_once)
    monkeypatch.setattr(training_process, "stop_with_starter", lambda: None)
    assert metaclaw("config", "set", "scheduler.reattempt", reattempt).code == 0
    assert metaclaw("train", "--now", *words).code == 1
    assert told == [most]


def test_a_pause_from_within_a_namespace_is_the_homes(
    metaclaw: Metaclaw, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METACLAW_AGENT_NAMESPACE", "side")
    assert metaclaw("train", "pause").code == 0
    assert paused(home)
    assert "paused" in metaclaw("train").out.lower()
    assert metaclaw("train", "unpause").code == 0
    assert not paused(home)
