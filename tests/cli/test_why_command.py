from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Observation, Stamp, Step, StopReason, Trajectory

Metaclaw = Callable[..., Any]
STEP = Step(0, (Message("user", "the request"),), "the reply", "print(1)", Observation("1\n"))


@pytest.fixture
def recorded(home: Path) -> None:
    workspace = open_workspace(home)
    for name in ("first", "second"):
        trajectory = Trajectory(
            name, Task(f"the {name} task"), Stamp(0, (), "m"), steps=(STEP,), stop=StopReason.DONE
        )
        workspace.trajectories().record(trajectory)
    workspace.close()


def test_without_an_id_it_is_the_last_task(metaclaw: Metaclaw, recorded: None) -> None:
    assert metaclaw("why").out.startswith("Task second: the second task")


def test_a_task_is_found_by_its_id(metaclaw: Metaclaw, recorded: None) -> None:
    assert metaclaw("why", "first", "--json").json["task"] == "the first task"


def test_the_prompt_comes_on_demand(metaclaw: Metaclaw, recorded: None) -> None:
    assert "the request" not in metaclaw("why").out
    assert "the request" in metaclaw("why", "--prompt").out


def test_the_code_can_be_left_out(metaclaw: Metaclaw, recorded: None) -> None:
    assert "print(1)" in metaclaw("why").out
    assert "print(1)" not in metaclaw("why", "--no-code").out


@pytest.mark.parametrize("words", [(), ("abc",)])
def test_what_is_not_there_is_said(words: tuple[str, ...], metaclaw: Metaclaw) -> None:
    ran = metaclaw("why", *words)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("metaclaw: ")
