"""The grid of tasks, and two traces beside each other."""

from __future__ import annotations

import json
from statistics import fmean

import pytest

from metaclaw_jlab.core.ablation import Attempt
from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.task_set import TaskSet, TrialTask
from metaclaw_jlab.evaluation.ablation.grid import TITLES, task_grid, title_of, trace_pair
from metaclaw_jlab.evaluation.ablation.trial_files import tasks_path, write_tasks
from tests.evaluation.ablation.made_up_runs import attempts_of, made_run, snapshot_plan, stream_plan


def test_a_cell_is_the_mean_over_seeds_of_means_over_samples(tmp_path):
    plan = snapshot_plan("baseline,skills", n=1, samples=2)
    values = {(1, 0): 1.0, (1, 1): 0.0, (2, 0): 1.0}
    attempts = [Attempt("skills", "t0", seed, sample, value) for (seed, sample), value in values.items()]
    grid = task_grid(made_run(tmp_path, plan, attempts))
    assert grid["arms"] == ["baseline", "skills"]
    assert grid["values"] == [[None, fmean([0.5, 1.0])]]
    assert grid["seeds"] == [1, 2]


def test_every_task_has_a_row_and_days_come_first(tmp_path):
    plan = stream_plan(seeds=(1, 2))
    grid = task_grid(made_run(tmp_path, plan))
    days = [task["day"] for task in grid["tasks"]]
    assert days == [1] * 16 + [2] * 16 + [3] * 16 + [None] * 80
    assert len(grid["values"]) == len(days)
    assert {task["group"] for task in grid["tasks"]} == {"house"}
    assert json.loads(json.dumps(grid, allow_nan=False)) == grid


def test_titles_come_from_the_runs_tasks(tmp_path):
    run = made_run(tmp_path, snapshot_plan("baseline", n=1, seeds=(1,)))
    trial = TrialTask("t0", Task("\nCount the rows of orders.csv.\nSkip the first."))
    write_tasks(tasks_path(run), TaskSet("tasks.jsonl", (trial,)))
    (task,) = task_grid(run)["tasks"]
    assert task["title"] == "Count the rows of orders.csv."


def test_titles_come_from_traces_where_tasks_were_not_kept(tmp_path):
    run = made_run(tmp_path, snapshot_plan("baseline", n=2, seeds=(1,)), traced=["t0"])
    titles = [task["title"] for task in task_grid(run)["tasks"]]
    assert titles == ["Sum the column of t0.", "t1"]


def test_titles_are_kept_for_the_next_time(tmp_path):
    run = made_run(tmp_path, snapshot_plan("baseline", n=1, seeds=(1,)), traced=["t0"])
    first = task_grid(run)
    assert json.loads((run.path / TITLES).read_text()) == {"t0": "Sum the column of t0."}
    assert (run.path / TITLES).stat().st_mode & 0o077 == 0
    for trace in run.jobs.glob("*.traces"):
        trace.unlink()
    assert task_grid(run) == first


def test_a_title_is_cut():
    assert len(title_of("word " * 50)) == 80
    assert title_of(" \n") == ""


def test_two_arms_are_beside_each_other_step_by_step(tmp_path):
    plan = snapshot_plan("baseline,skills", n=2)
    run = made_run(tmp_path, plan, traced=["t1"])
    pair = trace_pair(run, "t1", 2)
    assert pair["task"] == "\n  Sum the column of t1.\nMind the separator."
    assert [one["arm"] for one in pair["attempts"]] == ["baseline", "skills"]
    values = {one.arm: one.value for one in attempts_of(plan) if (one.task, one.seed) == ("t1", 2)}
    for found in pair["attempts"]:
        (step,) = found["steps"]
        assert (step["reply"], step["action"], step["stdout"]) == ("I sum it.", "print(total)", "12\n")
        assert step["error"] == (None if values[found["arm"]] else "KeyError: 'total'")
        assert found["checks"][0]["passed"] == bool(found["value"]) == bool(values[found["arm"]])


def test_an_attempt_without_a_trace_has_no_steps(tmp_path):
    run = made_run(tmp_path, snapshot_plan("baseline", n=1, seeds=(1,)))
    pair = trace_pair(run, "t0", 1)
    assert (pair["task"], pair["title"], pair["attempts"][0]["steps"]) == ("", "t0", [])


def test_what_was_not_attempted_has_no_trace(tmp_path):
    run = made_run(tmp_path, snapshot_plan("baseline", n=1, seeds=(1,)))
    with pytest.raises(NotFound, match="no attempt at task t9 with seed 1"):
        trace_pair(run, "t9", 1)
