"""Rooms at the start of a task, and at the state that recorded steps led to."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pandas as pd
import pytest

from metaclaw_jlab.agent.graded_sandbox import asked, practice_check
from metaclaw_jlab.agent.rooms import SandboxRooms, practice_start, replay_steps, told
from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.core.executor import Executor
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import ExecutionError, Observation, Step
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import solution, task_set

TASK = Task("Count the rows of @df")
FRAME = pd.DataFrame({"region": ["north", "south"], "units": [1, 2]})
START = StartState(files={"data/more.csv": b"a\n1\n"}, objects={"df": pickle.dumps(FRAME)})


@pytest.fixture
def rooms(arm_pool: SandboxPool) -> SandboxRooms:
    return SandboxRooms(arm_pool)


@pytest.fixture
def room(rooms: SandboxRooms) -> Iterator[Executor]:
    opened = rooms.open(START, TASK)
    yield opened
    opened.close()


def step(index: int, action: str, observation: Observation | None, ran: str | None = None) -> Step:
    return Step(index, (), f"```python\n{action}\n```", action, observation, ran=ran)


def recorded(rooms: SandboxRooms, *codes: str) -> tuple[Step, ...]:
    opened = rooms.open(START, TASK)
    steps = tuple(step(number, code, opened.execute(code)) for number, code in enumerate(codes))
    opened.close()
    return steps


def test_a_room_starts_with_the_files_and_objects_of_its_start(room: Executor) -> None:
    seen = room.execute("print(open('data/more.csv').read())\nlist(df.columns), len(df)")
    assert (seen.stdout, seen.result) == ("a\n1\n\n", "(['region', 'units'], 2)")


def test_rooms_share_nothing(rooms: SandboxRooms, room: Executor) -> None:
    room.execute("df['new'] = 1\nopen('new.txt', 'w').write('x')")
    other = rooms.open(START, TASK)
    assert other.execute("import os\n('new' in df, os.path.exists('new.txt'))").result == "(False, False)"
    other.close()


def test_a_start_that_cannot_be_loaded_is_no_room(rooms: SandboxRooms) -> None:
    with pytest.raises(ExecutorError, match="could not be loaded in the sandbox: df"):
        rooms.open(StartState(objects={"df": b"not pickled"}), TASK)


def test_a_practice_start_opens_a_room_that_grades(rooms: SandboxRooms) -> None:
    practice = next(task for task in task_set("train", 11, 60) if task.compound)
    opened = rooms.open(practice_start(practice), asked(practice))
    for code in solution(practice, dict(practice.options)):
        opened.execute(code)
    assert opened.evaluate(practice_check(practice)).passed
    opened.close()
    with pytest.raises(ExecutorError, match="closed"):
        opened.execute("1")


def test_isolation_is_the_pools(rooms: SandboxRooms, arm_pool: SandboxPool) -> None:
    assert rooms.isolated() is arm_pool.isolated


def test_steps_are_replayed_to_their_state(rooms: SandboxRooms, room: Executor) -> None:
    steps = recorded(rooms, "total = df['units'].sum()\nprint(total)", "df['double'] = df['units'] * 2\ndf")
    assert replay_steps(room, steps)
    assert room.execute("int(df['double'].sum() + total)").result == "9"


def test_what_ran_is_replayed_where_it_was_edited(rooms: SandboxRooms, room: Executor) -> None:
    (ran,) = recorded(rooms, "print('edited')")
    assert replay_steps(room, [step(0, "print('proposed')", ran.observation, ran="print('edited')")])


def test_an_error_is_replayed_too(rooms: SandboxRooms, room: Executor) -> None:
    assert replay_steps(room, recorded(rooms, "x = 1\nx / 0", "x +"))


@pytest.mark.parametrize(
    "seen",
    [
        Observation(stdout="3\n"),
        Observation(stdout="4\n", error=ExecutionError("ValueError", "no")),
        Observation(stdout="4\n", stderr="warning"),
        Observation(stdout="4\n", result="4"),
    ],
)
def test_another_observation_ends_the_replay(room: Executor, seen: Observation) -> None:
    assert replay_steps(room, [step(0, "print(4)", Observation(stdout="4\n"))])
    assert not replay_steps(room, [step(0, "print(4)", seen), step(1, "later = 1", Observation())])
    assert room.execute("'later' in vars()").result == "False"


def test_a_step_that_was_never_run_leads_to_no_state(room: Executor) -> None:
    assert not replay_steps(room, [step(0, "print(4)", None)])


def test_of_a_reply_that_was_cut_off_nothing_is_run(room: Executor) -> None:
    cut = Observation(error=ExecutionError("ReplyCutOff", "the reply was cut"))
    assert replay_steps(room, [step(0, "mark = 1", cut)])
    assert room.execute("'mark' in vars()").result == "False"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<object at 0x7f12ab34cd56>", "<object at 0x7f99ab34cd56>"),
        ("<cell 2>:3: FutureWarning: old", "/tmp/ipykernel_12/345678.py:3: FutureWarning: old"),
        ("see /tmp/tmpab12cd_9/a.csv", "see /tmp/tmpzz12cd_9/a.csv"),
        ("[1,\n 2]", "[1, 2]"),
        ("/tmp/metaclaw-sandboxes-x1/sandbox-ab/work/a.csv", "/tmp/work/a.csv"),
    ],
)
def test_what_differs_from_run_to_run_is_no_difference(one: str, other: str) -> None:
    assert told(Observation(stdout=one)) == told(Observation(stdout=other))


def test_the_name_of_a_cell_in_a_syntax_error_is_no_difference() -> None:
    sandbox = ExecutionError("SyntaxError", "invalid syntax (<cell 1>, line 1)")
    kernel = ExecutionError("SyntaxError", "invalid syntax (2717013452.py, line 1)")
    assert told(Observation(error=sandbox)) == told(Observation(error=kernel))


@pytest.mark.parametrize(
    ("one", "other"), [("total 1", "total 2"), ("in 0.12 s", "in 0.13 s"), ("a.csv", "b.csv")]
)
def test_anything_else_is_a_difference(one: str, other: str) -> None:
    assert told(Observation(stdout=one)) != told(Observation(stdout=other))
