"""The folder of a run: its number, its plan, and how far it is."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from metaclaw_jlab.core.ablation import AblationPlan, AblationState
from metaclaw_jlab.core.errors import AblationError, LeaseHeld, NotFound
from metaclaw_jlab.evaluation.ablation.arms import PAPER, preset
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, create_run, list_runs, open_run
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.leases import lease

PLAN = AblationPlan(tuple(map(preset, PAPER)), "practice:held-out", "baseline", settings={"agent.steps": 3})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def test_a_run_has_its_plan_and_is_planned(home: Home) -> None:
    run = create_run(home, PLAN, clock=lambda: 7.0)
    assert open_run(home, run.number) == run
    assert run.plan() == PLAN
    assert run.home_id == home.id
    state = run.state()
    assert (state.state, state.created_at, state.notes) == (AblationState.PLANNED, 7.0, ())


def test_the_newest_run_is_the_first(home: Home) -> None:
    made = [create_run(home, PLAN) for _ in range(11)]
    assert list_runs(home) == tuple(reversed(made))
    assert [run.number for run in made] == list(range(1, 12))


def test_there_are_none_in_a_new_home(home: Home) -> None:
    assert list_runs(home) == ()


def test_a_number_is_not_given_twice(home: Home) -> None:
    create_run(home, PLAN)
    create_run(home, PLAN).delete()
    assert create_run(home, PLAN).number == 3


def test_processes_at_once_get_numbers_of_their_own(home: Home) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        numbers = pool.map(_three_numbers, [home.path] * 3)
    assert sorted(number for three in numbers for number in three) == list(range(1, 10))
    assert all(run.plan() == PLAN for run in list_runs(home))


def _three_numbers(path: Path) -> list[int]:
    return [create_run(Home(path), PLAN).number for _ in range(3)]


def test_only_its_owner_can_read_it(home: Home) -> None:
    run = create_run(home, PLAN)
    for path in (home.path / "runs", run.path, run.jobs):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((run.path / "plan.json").stat().st_mode) == 0o600


def test_a_home_with_runs_that_others_may_read_is_closed_again(home: Home) -> None:
    create_run(home, PLAN)
    os.chmod(home.path, 0o755)
    open_home(home.path)
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700


def test_an_unknown_run_is_told_with_those_that_are_there(home: Home) -> None:
    create_run(home, PLAN)
    with pytest.raises(NotFound, match=r"no ablation 5.* 1\."):
        open_run(home, 5)


def test_a_run_whose_process_is_gone_was_interrupted(home: Home) -> None:
    run = create_run(home, PLAN)
    with lease(home, run.lease_name):
        run.change(state=AblationState.RUNNING, started_at=1.0)
        assert run.state().state is AblationState.RUNNING
    assert run.state().state is AblationState.INTERRUPTED
    assert run._noted().state is AblationState.RUNNING


def test_an_interrupted_run_ended_with_its_last_attempt(home: Home) -> None:
    run = create_run(home, PLAN)
    run.change(state=AblationState.RUNNING, started_at=100.0, used=5.0)
    (run.jobs / "a.jsonl").write_text("")
    os.utime(run.jobs / "a.jsonl", (160.0, 160.0))
    state = run.state()
    assert state.ended_at == 160.0
    assert state.seconds(9e9) == 65.0


def test_a_change_leaves_the_rest(home: Home) -> None:
    run = create_run(home, PLAN)
    run.note("One.")
    run.note("Two.")
    run.note("One.")
    run.change(of=9)
    assert run.state().notes == ("One.", "Two.")
    assert run.state().of == 9


def test_it_is_asked_to_stop_and_that_is_taken_back(home: Home) -> None:
    run = create_run(home, PLAN)
    assert not run.wants_stop()
    run.ask_to_stop()
    assert run.wants_stop()
    run.forget_stop()
    assert not run.wants_stop()


def test_a_running_one_is_not_deleted(home: Home) -> None:
    run = create_run(home, PLAN)
    with lease(home, run.lease_name), pytest.raises(LeaseHeld, match="is running"):
        run.delete()
    assert list_runs(home) == (run,)
    run.delete()
    assert list_runs(home) == ()
    assert not run.path.exists()


def test_a_damaged_state_is_told(home: Home) -> None:
    run = create_run(home, PLAN)
    (run.path / "state.json").write_text('{"state": "flying"}')
    with pytest.raises(AblationError, match="cannot be read"):
        run.state()


def test_a_damaged_plan_is_told(home: Home) -> None:
    run = create_run(home, PLAN)
    record = json.loads((run.path / "plan.json").read_text())
    del record["arms"][0]["learning"]
    (run.path / "plan.json").write_text(json.dumps(record))
    with pytest.raises(AblationError, match="no plan"):
        run.plan()


def test_another_plan_keeps_when_it_was_made(home: Home) -> None:
    run = create_run(home, PLAN, clock=lambda: 3.0)
    run.replan(AblationPlan(PLAN.arms, "log", "full"))
    assert run.plan().tasks == "log"
    assert json.loads((run.path / "plan.json").read_text())["created_at"] == 3.0


def test_a_namespace_has_runs_of_its_own(home: Home) -> None:
    (home.namespaces).mkdir(mode=0o700)
    inner = open_home(home.namespaces / "lab")
    assert create_run(inner, PLAN).path == inner.path / "runs" / "1"
    assert list_runs(home) == ()
    assert RunFolder(inner, 1).plan() == PLAN


def test_a_run_that_nobody_has_begun_is_stopped_at_once(home: Home) -> None:
    run = create_run(home, PLAN)
    run.ask_to_stop()
    assert run.state().state is AblationState.CANCELLED


def test_a_run_that_is_about_to_begin_is_left_to_its_process(home: Home) -> None:
    run = create_run(home, PLAN)
    with lease(home, run.lease_name):
        run.ask_to_stop()
        assert run.state().state is AblationState.PLANNED
