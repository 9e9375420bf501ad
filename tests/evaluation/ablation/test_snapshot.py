"""Arms on a frozen copy, in one process."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.core.arm import BASE, BEST, Arm, SkillSource
from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Check, CheckKind, Task
from metaclaw_jlab.core.task_set import TaskSet, TrialTask
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog, read_attempts
from metaclaw_jlab.evaluation.ablation.frozen_home import freeze
from metaclaw_jlab.evaluation.ablation.jobs import Job, JobKind
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
from metaclaw_jlab.evaluation.ablation.snapshot import Snapshot
from metaclaw_jlab.evaluation.ablation.trial_files import tasks_path, write_tasks
from metaclaw_jlab.evaluation.ablation.workers import worker_command
from metaclaw_jlab.skills.library import write_skill
from tests.evaluation.ablation.scripted_runs import ARMS, home_with, planned_run
from tests.loopback.server import ScriptedServer

BEST_ARM = Arm("best", SkillSource.NONE, adapter=BASE, temperature=BEST)


def trials(number: int, first: int = 0) -> tuple[TrialTask, ...]:
    return tuple(
        TrialTask(f"t{i:02d}", Task(f"Let x be {i}.", checks=(Check(CheckKind.EXPRESSION, f"x == {i}"),)))
        for i in range(first, first + number)
    )


def prepared(
    server: ScriptedServer, folder: Path, arms: tuple[Arm, ...], validation: int = 0, **plan: Any
) -> RunFolder:
    home, _ = home_with(server, folder)
    write_skill(home.skills, Skill("letting", "Use to let x be a number.", "Let x be what is asked for."))
    run = planned_run(home, folder, arms=arms, n=3, **plan)
    freeze(home, run.frozen)
    write_tasks(tasks_path(run), TaskSet("made", trials(3), validation=trials(validation, 50)))
    return run


def test_a_job_goes_on_where_its_log_ends(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    run = prepared(scripted_server, tmp_path, ARMS, samples=2)
    job, log = Job(JobKind.SNAPSHOT, "cold", 1, 0, 3), AttemptsLog(run.jobs / "cold-1")
    with closing(Snapshot(run)) as snapshot:
        first = snapshot.chosen(job, log)
        assert [(one.trial.id, one.sample) for one in first[:3]] == [("t00", 0), ("t00", 1), ("t01", 0)]
        snapshot.attempt(job, first[0], log)
        assert snapshot.chosen(job, AttemptsLog(run.jobs / "cold-1")) == first[1:]


def test_skills_are_those_of_the_arm(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    with_skills = Arm("skills", adapter=BASE)
    none = Arm("none", adapter=BASE, settings={"skills.max_skills": 0})
    run = prepared(scripted_server, tmp_path, (with_skills, none))
    found = {}
    with closing(Snapshot(run)) as snapshot:
        for arm in (with_skills, none):
            job, log = Job(JobKind.SNAPSHOT, arm.name, 1, 0, 1), AttemptsLog(run.jobs / arm.name)
            (chosen,) = snapshot.chosen(job, log)
            found[arm.name] = snapshot.attempt(job, chosen, log).skills
    assert found == {"skills": ("letting",), "none": ()}
    systems = [request.messages[0]["content"] for request in scripted_server.chats]
    assert ["Let x be what is asked for." in text for text in systems] == [True, False]


def test_an_arm_takes_the_temperature_that_does_best(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    run = prepared(scripted_server, tmp_path, (BEST_ARM,), validation=2)

    def answer(body: dict[str, Any]) -> str:
        number = body["messages"][-1]["content"].split()[3].rstrip(".")
        return f"```python\nx = {number if body['temperature'] == 0.3 else -1}\n```\nDone."

    scripted_server.always(answer)
    said: list[str] = []
    for _ in range(2):  # the second process asks the first one's file
        with closing(Snapshot(run, said.append)) as snapshot:
            assert snapshot._bench("best").conditions.sampling.temperature == 0.3
    assert len(said) == 1
    assert "0.3" in said[0]
    assert read_attempts(run) == ()
    assert len(scripted_server.chats) == 6


def test_what_another_worker_finds_for_another_arm_meanwhile_is_kept(
    scripted_server: ScriptedServer, tmp_path: Path
) -> None:
    run = prepared(scripted_server, tmp_path, (BEST_ARM,), validation=1)
    kept = run.path / "temperatures.json"
    said = lambda _: kept.write_text(json.dumps({"other": 0.7}))  # noqa: E731
    with closing(Snapshot(run, said)) as snapshot:
        best = snapshot._bench("best").conditions.sampling.temperature
    assert json.loads(kept.read_text()) == {"other": 0.7, "best": best}


def test_without_tasks_to_choose_on_there_is_no_best_temperature(
    scripted_server: ScriptedServer, tmp_path: Path
) -> None:
    run = prepared(scripted_server, tmp_path, (BEST_ARM,))
    job, log = Job(JobKind.SNAPSHOT, "best", 1, 0, 1), AttemptsLog(run.jobs / "best")
    with closing(Snapshot(run)) as snapshot, pytest.raises(AblationError, match="no tasks to choose on"):
        snapshot.chosen(job, log)


def test_what_is_taken_away_is_not_written_down(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    run = prepared(scripted_server, tmp_path, ARMS)
    job, log = Job(JobKind.SNAPSHOT, "cold", 1, 0, 1), AttemptsLog(run.jobs / "cold-1")
    snapshot = Snapshot(run)
    (chosen,) = snapshot.chosen(job, log)
    bench = snapshot._bench("cold")
    snapshot.close()
    snapshot._benches["cold"] = bench
    with pytest.raises(AblationError, match="has ended"):
        snapshot.attempt(job, chosen, log)
    assert read_attempts(run) == ()


def test_one_job_can_be_done_by_a_command(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    run = prepared(scripted_server, tmp_path, ARMS)
    job = Job(JobKind.SNAPSHOT, "warm", 1, 1, 3)
    words = [*worker_command(run), "--job", json.dumps(job.record())]
    done = subprocess.run(words, capture_output=True, text=True, timeout=100, check=True)
    kinds = [json.loads(line)["kind"] for line in done.stdout.splitlines()]
    assert kinds == ["attempt", "attempt", "done"]
    assert {one.task for one in read_attempts(run)} == {"t01", "t02"}


def test_a_job_of_no_arm_fails_the_command(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    run = prepared(scripted_server, tmp_path, ARMS)
    job = replace(Job(JobKind.SNAPSHOT, "warm", 1, 0, 3), arm="other")
    words = [sys.executable, *worker_command(run)[1:], "--job", json.dumps(job.record())]
    done = subprocess.run(words, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1
    assert "no arm other" in done.stdout
