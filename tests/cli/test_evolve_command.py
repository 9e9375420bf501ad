from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.cli import evolve
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.processes import this_process
from metaclaw_jlab.store.trajectories import Trajectories
from tests.learning.homes import failed, ground

Metaclaw = Callable[..., Any]


def left_behind(home: Path, process: str = "") -> str:
    """A failure in the store of `home`, begun by `process`; its id."""
    made = ground(home)
    trajectory = failed()
    Trajectories(made.database, process=process).record(trajectory)
    made.database.close()
    return trajectory.id


def test_what_failed_becomes_skills(metaclaw: Metaclaw, home: Path) -> None:
    left_behind(home)
    told = metaclaw("evolve", "--json").json
    assert (told["generation"], len(told["added"]), told["pending"]) == (1, 1, 0)
    assert metaclaw("skills", "--json").json["skills"][0]["name"] == told["added"][0]


def test_where_nothing_waits_that_is_said(metaclaw: Metaclaw) -> None:
    ran = metaclaw("evolve")
    assert ran.code == 0
    assert "stays at generation 0" in ran.out


def test_switched_off_it_leaves_what_waits_and_says_so(
    metaclaw: Metaclaw, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_behind(home)
    monkeypatch.setenv("METACLAW_EVOLVER_KIND", "off")
    assert "1 still wait (evolver.kind is off)" in metaclaw("evolve").out


def test_what_a_dead_kernel_left_is_taken_up_beside_another_command(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_behind(home, "another-boot:1:1")
    started: list[list[str]] = []
    monkeypatch.setattr(evolve.subprocess, "Popen", lambda words, **_: started.append(words))
    assert evolve.take_up(open_home(home))
    assert started[0][-3:] == ["evolve", "--home", str(home)]


def test_what_failed_in_a_kernel_that_runs_is_left_to_it(home: Path) -> None:
    left_behind(home, this_process())
    assert not evolve.take_up(open_home(home))


def test_where_there_is_no_home_none_is_made(home: Path) -> None:
    from metaclaw_jlab.runtime.home import Home

    assert not evolve.take_up(Home(home))
    assert not home.exists()
