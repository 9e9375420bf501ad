"""Ablations that are run for real: worker processes, sandboxes, and a policy on loopback."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.ablation import AblationState, Budget, Days
from metaclaw_jlab.core.arm import BASE, Arm
from metaclaw_jlab.core.errors import LeaseHeld
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.evaluation.ablation.attempting import task_seed
from metaclaw_jlab.evaluation.ablation.attempts_log import read_attempts, read_trace
from metaclaw_jlab.evaluation.ablation.conducting import HOPELESS
from metaclaw_jlab.evaluation.ablation.frozen_home import freeze
from metaclaw_jlab.evaluation.ablation.progress import Progress
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
from metaclaw_jlab.evaluation.ablation.running import MODULE, replan, run_ablation, start_beside
from metaclaw_jlab.evaluation.ablation.trial_files import tasks_path, write_tasks
from metaclaw_jlab.evaluation.task_sets import load_tasks
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.skills.library import write_skill
from metaclaw_jlab.store.skills import Skills
from tests.evaluation.ablation.scripted_runs import ARMS, TEMPERATURES, home_with, planned_run, results
from tests.loopback.server import ScriptedServer
from tests.store.samples import ended, skill

pytestmark = pytest.mark.timeout(300)


def stopping_after(run: RunFolder, done: int) -> Callable[[Progress], None]:
    def look(progress: Progress) -> None:
        if progress.done >= done:
            run.ask_to_stop()

    return look


def test_a_run_comes_to_its_end(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    home, asked = home_with(scripted_server, tmp_path)
    run = planned_run(home, tmp_path, samples=2)
    told: list[Progress] = []
    state = run_ablation(run, on_progress=told.append)
    assert (state.state, state.reason, state.of) == (AblationState.DONE, "", 40)
    attempts = read_attempts(run)
    assert len(attempts) == 40
    assert {one.value for one in attempts} == {0.0, 1.0}
    assert asked.counts.total() == 40
    assert told[-1].done == 40
    assert told[-1].tokens > 0
    assert not run.frozen.exists()
    trace = read_trace(run, attempts[0])
    assert trace is not None
    assert trace.steps[0].observation is not None
    assert not trace.learn


def test_arms_are_asked_with_the_same_seeds(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    home, asked = home_with(scripted_server, tmp_path, 3)
    run_ablation(planned_run(home, tmp_path, n=3, seeds=(1, 2)))
    cold = {(text, seed) for text, seed, temperature in asked.counts if temperature == 0}
    warm = {(text, seed) for text, seed, temperature in asked.counts if temperature == 0.5}
    assert cold == warm
    assert len(cold) == 6


def test_serial_and_parallel_agree(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    home, _ = home_with(scripted_server, tmp_path)
    found = []
    for parallel in (1, 2):
        run = planned_run(home, tmp_path, seeds=(1, 2), parallel=parallel)
        assert run_ablation(run).state is AblationState.DONE
        found.append(results(read_attempts(run)))
    assert found[0] == found[1]
    assert len(found[0]) == 40


def test_a_killed_run_resumes_to_the_same_result(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    home, asked = home_with(scripted_server, tmp_path)
    whole = planned_run(home, tmp_path, seeds=(1, 2))
    run_ablation(whole)
    asked.counts.clear()
    run = planned_run(home, tmp_path, seeds=(1, 2))
    words = [sys.executable, "-m", MODULE, "--home", str(home.path), "--run", str(run.number)]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as coordinator:
        asked.on_request = lambda total: os.kill(coordinator.pid, signal.SIGKILL) if total == 25 else None
        assert coordinator.wait(240) == -signal.SIGKILL
    kept = results(read_attempts(run))
    assert run.state().state is AblationState.INTERRUPTED
    before = dict(asked.counts)
    assert run_ablation(run).state is AblationState.DONE
    assert results(read_attempts(run)) == results(read_attempts(whole))
    again = {key for key, number in asked.counts.items() if number > before.get(key, 0)}
    finished = {(str(int(task[1:])), task_seed(seed, task), TEMPERATURES[arm]) for arm, task, seed, _ in kept}
    assert 0 < len(finished) < 40
    assert not again & finished


def test_a_coordinator_that_is_told_to_end_leaves_a_run_that_can_be_resumed(
    scripted_server: ScriptedServer, tmp_path: Path
) -> None:
    home, asked = home_with(scripted_server, tmp_path, 40)
    run = planned_run(home, tmp_path, n=40)
    words = [sys.executable, "-m", MODULE, "--home", str(home.path), "--run", str(run.number)]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as coordinator:
        asked.on_request = lambda total: coordinator.terminate() if total == 5 else None
        assert coordinator.wait(240) == 0
    assert run.state().state is AblationState.CANCELLED
    assert run_ablation(run).state is AblationState.DONE
    assert len(read_attempts(run)) == 80


def test_a_run_that_is_done_stays_as_it_is(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    home, _ = home_with(scripted_server, tmp_path, 2)
    run = planned_run(home, tmp_path, n=2)
    assert run_ablation(run) == run_ablation(run)
    assert not run.frozen.exists()


def test_a_budget_of_tokens_ends_a_run_that_goes_on_with_a_larger_one(
    scripted_server: ScriptedServer, tmp_path: Path
) -> None:
    home, asked = home_with(scripted_server, tmp_path, 40)
    run = planned_run(home, tmp_path, n=40, budget=Budget(tokens=2))
    state = run_ablation(run)
    assert state.state is AblationState.SPENT
    assert "tokens" in state.reason
    assert 0 < len(read_attempts(run)) < 80
    assert run.frozen.exists()
    replan(run, Budget())
    assert run_ablation(run).state is AblationState.DONE
    assert len(read_attempts(run)) == 80
    assert set(asked.counts.values()) == {1}


def test_a_wish_to_stop_is_heeded_and_taken_back_on_resuming(
    scripted_server: ScriptedServer, tmp_path: Path
) -> None:
    home, _ = home_with(scripted_server, tmp_path, 40)
    run = planned_run(home, tmp_path, n=40)
    state = run_ablation(run, on_progress=stopping_after(run, 1))
    assert state.state is AblationState.CANCELLED
    assert len(read_attempts(run)) < 80
    assert not run.wants_stop()
    assert run.frozen.exists()
    assert run_ablation(run).state is AblationState.DONE
    assert len(read_attempts(run)) == 80


def test_a_run_that_is_to_stop_before_it_began_does_nothing(
    scripted_server: ScriptedServer, tmp_path: Path
) -> None:
    home, asked = home_with(scripted_server, tmp_path)
    run = planned_run(home, tmp_path)
    run.ask_to_stop()
    assert run_ablation(run, heed_stop=True).state is AblationState.CANCELLED
    assert not asked.counts


def test_the_home_and_its_copy_are_as_they_were(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    home, _ = home_with(scripted_server, tmp_path, 40)
    write_skill(home.skills, Skill("dates", "How dates are written.", "Write dates as 2026-01-31."))
    run = planned_run(home, tmp_path, n=40, arms=(*ARMS, Arm("skills", adapter=BASE)))
    copy = freeze(home, run.frozen)
    before, copied = contents(home), contents(copy)
    run_ablation(run, on_progress=stopping_after(run, 1))
    assert read_attempts(run)
    assert contents(home) == before
    assert contents(copy) == copied


def test_a_stream_of_days_is_run_in_chains(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    home, _ = home_with(scripted_server, tmp_path, 3, learnt=4)
    run = planned_run(home, tmp_path, n=3, parallel=2, days=Days(2, 2, 2))
    state = run_ablation(run)
    assert (state.state, state.reason, state.of) == (AblationState.DONE, "", 14)
    attempts = read_attempts(run)
    assert sorted(str(one.day) for one in attempts) == ["1"] * 4 + ["2"] * 4 + ["None"] * 6
    assert not run.chains.exists()


def test_one_process_conducts_a_run(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    home, _ = home_with(scripted_server, tmp_path)
    run = planned_run(home, tmp_path)
    with lease(home, run.lease_name), pytest.raises(LeaseHeld, match="running already"):
        run_ablation(run)


def test_without_isolation_and_leave_nothing_runs(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    home, asked = home_with(scripted_server, tmp_path)
    text = home.config.read_text().replace("unattended = true", 'isolation = "none"')
    home.config.write_text(text)
    run = planned_run(home, tmp_path)
    state = run_ablation(run)
    assert state.state is AblationState.FAILED
    assert "cold" in state.reason
    assert "unattended" in state.reason
    assert not asked.counts


def test_a_policy_that_only_fails_ends_the_run_and_leaves_no_attempts(
    scripted_server: ScriptedServer, tmp_path: Path
) -> None:
    home, asked = home_with(scripted_server, tmp_path, 40)
    scripted_server.fail(401, "Wrong key.", times=200)
    run = planned_run(home, tmp_path, n=40)
    state = run_ablation(run)
    assert state.state is AblationState.FAILED
    assert f"{HOPELESS} attempts" in state.reason
    failed = read_attempts(run)
    assert len(failed) < 80 - HOPELESS
    scripted_server._queue.clear()
    assert run_ablation(run).state is AblationState.DONE
    assert len(read_attempts(run)) == 80
    assert asked.counts


def test_what_the_home_learnt_before_its_copy_was_taken_is_a_leak(
    scripted_server: ScriptedServer, tmp_path: Path
) -> None:
    home, asked = home_with(scripted_server, tmp_path, 2)
    run = planned_run(home, tmp_path, n=2)
    with closing(open_workspace(home.path)) as workspace:
        # Killed behind its tasks and before its copy.
        found = load_tasks(run.plan().tasks, 2, seed=1, workspace=workspace)
        write_tasks(tasks_path(run), found)
        workspace.trajectories().record(ended("aa", task=Task(found.test[0].task.text)))
        Skills(workspace.database()).commit_generation(Cause.EVOLVER, [skill("sums")], evidence=["aa"])
    state = run_ablation(run)
    assert state.state is AblationState.FAILED
    assert "1 test task is known" in state.reason
    assert not asked.counts


def test_a_run_beside_its_user_ends_by_itself(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    home, _ = home_with(scripted_server, tmp_path, 4)
    run = planned_run(home, tmp_path, n=4)
    start_beside(run, start_seconds=120)
    with lease(home, run.lease_name, wait_seconds=240):
        assert run._noted().state is AblationState.DONE
    assert len(read_attempts(run)) == 8


def contents(home: Home) -> tuple[dict[str, bytes], dict[str, int]]:
    """A home's files but for the database and what is only of a process; and the rows of its tables."""
    files = {
        str(path.relative_to(home.path)): path.read_bytes()
        for path in sorted(home.path.rglob("*"))
        if path.is_file()
        and path.relative_to(home.path).parts[0] not in {"runtime", "runs"}
        and not path.name.startswith("metaclaw.db")
    }
    with closing(sqlite3.connect(home.database)) as connection:
        names = [
            row[0]
            for row in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'"
            )
        ]
        rows = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}
    return files, rows
