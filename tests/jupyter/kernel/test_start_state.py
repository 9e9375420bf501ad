"""What a task starts from: kept with its user's leave, and good for doing the task again in a sandbox."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.agent.rollout import Rollout, run_task
from metaclaw_jlab.agent.rooms import SandboxRooms, replay_steps, told
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.trajectory import Role, StopReason, Trajectory
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.jupyter.kernel import start_state as module
from metaclaw_jlab.policies.scripted import ScriptedPolicy
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.start_states import StartStates
from tests.jupyter.kernel.notebook import Notebook, reply

FRAME = "import pandas as pd\nsales = pd.DataFrame({'region': ['n', 's', 'n'], 'units': [1, 2, 3]})"
CODE = """\
totals = sales.merge(pd.read_csv('prices.csv')).assign(worth=lambda frame: frame.units * frame.price)
totals"""


@pytest.fixture(scope="module")
def pool() -> Iterator[SandboxPool]:
    with SandboxPool(1) as opened:
        yield opened


@pytest.fixture
def kept(notebook: Notebook) -> Notebook:
    """A notebook whose user lets starts be kept, with a table and a file."""
    notebook.run("%metaclaw learn starts on")
    Path("prices.csv").write_text("region,price\nn,10\ns,20\n")
    notebook.run(FRAME)
    notebook.told()
    return notebook


def do(notebook: Notebook, text: str, *codes: str, line: str = "%%metaclaw --mode auto") -> Trajectory:
    """Have a task done, and what is to be stored for it stored."""
    for number, code in enumerate(codes, start=1):
        notebook.server.say(reply(code, done=number == len(codes)))
    notebook.run(f"{line}\n{text}")
    last = notebook.session.last
    assert last is not None
    return stored(notebook, last.id)


def stored(notebook: Notebook, id_: str) -> Trajectory:
    notebook.session.kernel_learning().evolve()
    return notebook.session.workspace().trajectories().get(id_)


def start_of(notebook: Notebook, trajectory: Trajectory) -> StartState | None:
    return StartStates(notebook.session.workspace().database()).get(trajectory.id)


def reason(notebook: Notebook, trajectory: Trajectory) -> str:
    return notebook.session.workspace().trajectories().role_reason(trajectory.id)


def test_a_task_is_done_again_in_a_sandbox_with_the_same_observation(
    kept: Notebook, pool: SandboxPool
) -> None:
    done = do(
        kept,
        "What is @sales worth at the prices in prices.csv?",
        CODE,
        line='%%metaclaw --mode auto --check "totals.worth.sum() == 80"',
    )
    assert (done.stop, done.role) == (StopReason.DONE, Role.QUERY)
    kept.run("sales = None")
    Path("prices.csv").unlink()
    start = start_of(kept, done)
    assert start is not None
    with closing(SandboxRooms(pool).open(start, done.task)) as room:
        again = run_task(done.task, Rollout(policy=ScriptedPolicy([reply(CODE)]), executor=room))
    seen, before = again.steps[-1].observation, done.steps[-1].observation
    assert seen is not None
    assert before is not None
    assert told(seen) == told(before)
    assert "worth" in told(seen)
    assert [result.passed for result in again.checks] == [True]


def test_later_steps_are_replayed_to(kept: Notebook, pool: SandboxPool) -> None:
    done = do(kept, "Look at @sales, then sum up", "sales.units.max()", "1 / 0", "print(sales.units.sum())")
    assert len(done.steps) == 3
    start = start_of(kept, done)
    assert start is not None
    with closing(SandboxRooms(pool).open(start, done.task)) as room:
        assert replay_steps(room, done.steps)


def test_what_the_task_changes_is_kept_as_it_was_before(kept: Notebook) -> None:
    done = do(
        kept,
        "Clear @sales and prices.csv",
        "sales['units'] = 0\nopen('prices.csv', 'w').write('gone')",
    )
    start = start_of(kept, done)
    assert start is not None
    assert start.files == {"prices.csv": b"region,price\nn,10\ns,20\n"}
    assert pickle.loads(start.objects["sales"])["units"].sum() == 6


def test_only_what_is_named_is_kept(kept: Notebook) -> None:
    kept.run("secret = 'the other table'\nlimit = 3")
    Path("other.csv").write_text("x")
    start = start_of(
        kept,
        do(kept, "Count @sales", "n = len(sales)", line='%%metaclaw --mode auto --check "n == limit"'),
    )
    assert start is not None
    assert set(start.objects) == {"sales", "limit", "pd"}
    assert start.files == {}


def test_cells_are_kept_by_their_number(kept: Notebook, pool: SandboxPool) -> None:
    number = kept.shell.execution_count
    kept.run("[4, 5]")
    done = do(kept, f"Sum @Out[{number}]", f"sum(Out[{number}])")
    start = start_of(kept, done)
    assert start is not None
    with closing(SandboxRooms(pool).open(start, done.task)) as room:
        assert replay_steps(room, done.steps)


@pytest.mark.parametrize(
    ("cell", "text", "why"),
    [
        ("import numpy as np\nbig = np.zeros(4_000_000)", "Sum @big", "big is 32 MB, more than the 8 MB"),
        ("class Own: pass\nmodel = Own()", "Use @model", "model (Own) cannot be copied"),
        ("open('.env', 'w').write('KEY=1')", "Read .env", ".env may hold secrets"),
        ("open('../far.csv', 'w').write('a')", "Read ../far.csv", "../far.csv is not named by a path inside"),
    ],
)
def test_what_cannot_be_kept_says_so_in_why(kept: Notebook, cell: str, text: str, why: str) -> None:
    kept.run(cell)
    done = do(kept, text, "1 + 1")
    assert (done.role, start_of(kept, done)) == (Role.NEITHER, None)
    kept.told()
    kept.run("%metaclaw why")
    assert why in kept.told()


def test_a_task_that_leans_on_what_it_does_not_name_is_not_kept(kept: Notebook) -> None:
    done = do(kept, "Count the sales", "len(sales)")
    assert (done.role, start_of(kept, done)) == (Role.NEITHER, None)
    assert "used sales, which the task does not refer to (@sales)" in reason(kept, done)


def test_a_task_that_reads_a_file_it_does_not_name_is_not_kept(kept: Notebook) -> None:
    os.utime("prices.csv", (1.0, 1.0))
    done = do(kept, "Count the prices", "len(open('prices.csv').read())")
    assert "used prices.csv, which the task does not name" in reason(kept, done)


def test_a_failure_that_a_skill_answers_already_is_query(kept: Notebook) -> None:
    kept.run("%metaclaw config set evolver.kind distiller")
    done = do(kept, "Count @sales", "n = 0", line='%%metaclaw --mode auto --check "n == 3  # n is 3"')
    assert (done.stop, done.role) == (StopReason.CHECK_FAILED, Role.QUERY)


def test_a_failure_whose_evolver_does_not_answer_holds_up_nothing_else(kept: Notebook) -> None:
    kept.server.always(lambda body: "no JSON" if "response_format" in body else reply("n = len(sales)"))
    kept.run('%%metaclaw --mode auto --check "n == 4  # n is 4"\nCount @sales')
    kept.run("%%metaclaw --mode auto\nCount @sales")
    last = kept.session.last
    assert last is not None
    assert stored(kept, last.id).role is Role.QUERY


def test_with_learning_off_nothing_is_looked_at(kept: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> Any:
        raise AssertionError

    kept.run("%metaclaw learn off")
    monkeypatch.setattr(module, "_named", never)
    done = do(kept, "Count @sales", "len(sales)")
    assert (done.role, start_of(kept, done), done.learn) == (Role.NEITHER, None, False)


def test_with_mode_off_nothing_is_looked_at(kept: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    monkeypatch.setattr(module, "_named", lambda *seen: looked.append(seen))
    kept.server.say("Three.")
    kept.run("%%metaclaw --mode off\nCount @sales")
    assert looked == []


def test_what_cannot_be_looked_at_does_not_stop_the_task(
    kept: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:
        raise RuntimeError("no")

    monkeypatch.setattr(module, "_named", broken)
    assert do(kept, "Count @sales", "len(sales)").stop is StopReason.DONE


def test_a_proposal_has_its_start_kept_while_it_waits(kept: Notebook) -> None:
    kept.server.say(reply("len(sales)"))
    kept.run("%%metaclaw\nCount @sales")
    cell = str(kept.shell.rl_next_input)
    open_one = stored(kept, kept.get(cell).id)
    assert (open_one.stop, open_one.role) == (None, Role.NEITHER)
    assert start_of(kept, open_one) is not None
    kept.run(cell)
    assert stored(kept, open_one.id).role is Role.QUERY


def test_a_proposal_that_was_edited_is_query_with_its_own_prompt(kept: Notebook) -> None:
    kept.run("%metaclaw config set evolver.kind distiller")
    kept.server.say(reply("len(sales)"))
    kept.run("%%metaclaw\nCount @sales")
    cell = str(kept.shell.rl_next_input)
    kept.run(cell.replace("len(sales)", "int(sales.shape[0])"))
    edited = stored(kept, kept.get(cell).id)
    assert edited.steps[0].ran == "int(sales.shape[0])"
    assert edited.role is Role.QUERY


def test_a_proposal_that_was_run_in_another_kernel_is_query_too(kept: Notebook) -> None:
    kept.server.say(reply("n = 3"))
    kept.run("%%metaclaw\nSet n to the rows of @sales")
    cell = str(kept.shell.rl_next_input)
    id_ = stored(kept, kept.get(cell).id).id
    kept.restart()
    kept.run(cell)
    assert stored(kept, id_).role is Role.QUERY


def test_a_task_that_names_nothing_needs_no_leave(notebook: Notebook) -> None:
    done = do(notebook, "Set n to three", "n = 3")
    assert start_of(notebook, done) == StartState()
    assert done.role is Role.QUERY
    assert Query(notebook.session.workspace().database()).counts().without_start == 0


# ---------------------------------------------------------------- leave


def asked(notebook: Notebook, text: str = "Count @sales", code: str = "len(sales)") -> str:
    notebook.told()
    do(notebook, text, code)
    return notebook.told()


@pytest.fixture
def fresh(notebook: Notebook) -> Callable[[], str]:
    notebook.run(FRAME)
    return lambda: asked(notebook)


def test_without_leave_nothing_is_kept_and_why_says_how(notebook: Notebook) -> None:
    notebook.run(FRAME)
    done = do(notebook, "Count @sales", "len(sales)")
    assert (done.role, start_of(notebook, done)) == (Role.NEITHER, None)
    assert "nobody has said yet that it may be kept (%metaclaw learn starts on)" in reason(notebook, done)


def test_leave_is_asked_once_ever(notebook: Notebook, fresh: Callable[[], str], home: Path) -> None:
    first = fresh()
    assert first.count("may it keep") == 1
    assert "here sales" in first
    assert str(home) in first
    assert "may it keep" not in fresh()
    notebook.restart()
    notebook.run(FRAME)
    assert "may it keep" not in fresh()


def test_where_it_would_not_have_mattered_nobody_asks(notebook: Notebook) -> None:
    assert "may it keep" not in asked(notebook, "Set n to three", "n = 3")
    Path(".env").write_text("KEY=1")
    assert "may it keep" not in asked(notebook, "Read .env", "1")


@pytest.mark.parametrize("switch", ["on", "off"])
def test_an_answer_is_kept_and_nobody_asks(notebook: Notebook, fresh: Callable[[], str], switch: str) -> None:
    notebook.run(f"%metaclaw learn starts {switch}")
    assert "saved to config.toml" in notebook.told()
    notebook.restart()
    assert notebook.session.workspace().settings().training.keep_starts is (switch == "on")
    notebook.run(FRAME)
    assert "may it keep" not in fresh()
    notebook.run("%metaclaw learn starts")
    assert ("is kept" in notebook.told()) is (switch == "on")


def test_what_was_switched_off_is_not_kept(notebook: Notebook) -> None:
    notebook.run("%metaclaw learn starts off")
    notebook.run(FRAME)
    done = do(notebook, "Count @sales", "len(sales)")
    assert start_of(notebook, done) is None
    assert "switched off" in reason(notebook, done)


def test_the_way_to_say_so_is_told_where_it_was_mistyped(notebook: Notebook) -> None:
    notebook.run("%metaclaw learn on off")
    assert "learn starts on" in notebook.told()
