"""`metaclaw ablate` on a real home: a scripted policy and real sandboxes where something is run, made-up runs else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from metaclaw_jlab.core.ablation import AblationState
from metaclaw_jlab.evaluation.ablation.attempts_log import read_attempts
from metaclaw_jlab.evaluation.ablation.run_folder import list_runs, open_run
from metaclaw_jlab.runtime.home import open_home
from tests.evaluation.ablation.made_up_runs import attempts_of, made_run, snapshot_plan, stream_plan
from tests.evaluation.ablation.scripted_runs import home_with

pytestmark = pytest.mark.timeout(300)

# Of the base model and without skills, so that nothing has to be looked for; the other is warm.
ARMS = ("--arms", "baseline", "--arm", "warm=baseline,temperature=0.5")


@pytest.fixture
def asked(scripted_server, tmp_path):
    """A home with a policy and ten tasks, and what the policy was asked."""
    _, found = home_with(scripted_server, tmp_path)
    return found


def test_an_ablation_runs_to_its_report(metaclaw, asked, tmp_path):
    ran = metaclaw(
        "ablate",
        *ARMS,
        "--tasks",
        tmp_path / "tasks.jsonl",
        "--n",
        6,
        "--seeds",
        2,
        "--parallel",
        1,
        "--json",
    )
    assert ran.code == 0, ran.err
    report = ran.json
    assert (report["state"], report["done"], report["of"]) == ("done", 24, 24)
    assert (report["reference"], list(report["arms"])) == ("baseline", ["baseline", "warm"])
    assert report["comparisons"][0]["tasks"] == 6
    assert report["verdict"] in {one["verdict"] for one in [metaclaw("ablate", "show", 1, "--json").json]}
    assert "ablation 1: 24 of 24 attempts" in ran.err


def test_people_get_a_table_and_the_verdict_last(metaclaw, asked, tmp_path):
    ran = metaclaw("ablate", *ARMS, "--tasks", tmp_path / "tasks.jsonl", "--n", 3, "--parallel", 1)
    assert ran.code == 0
    assert ran.out.startswith(f"Ablation 1: {tmp_path / 'tasks.jsonl'}, 1 seed, done")
    assert "o difference shown between warm and baseline" in ran.out.splitlines()[-1]


def test_ctrl_c_stops_it_so_that_it_goes_on_later(metaclaw, asked, tmp_path, home):
    # Where the tests themselves run in a shell's background, what they start would ignore Ctrl-C.
    listening = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    words = [sys.executable, "-c", f"{listening}; from metaclaw_jlab.cli.main import main; sys.exit(main())"]
    words += ["ablate", *ARMS, "--tasks", str(tmp_path / "tasks.jsonl"), "--samples", "8", "--parallel", "1"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        asked.on_request = lambda total: os.kill(process.pid, signal.SIGINT) if total == 5 else None
        err = process.communicate(timeout=240)[1]
    assert process.returncode == 130
    assert "Go on: metaclaw ablate resume 1." in err
    run = open_run(open_home(home), 1)
    assert run.state().state is AblationState.CANCELLED
    kept = len(read_attempts(run))
    assert kept < 160
    asked.on_request = lambda _: None
    ran = metaclaw("ablate", "resume", 1, "--json")
    assert (ran.code, ran.json["state"], ran.json["done"]) == (0, "done", 160)


def test_a_budget_that_is_spent_is_told_and_can_be_raised(metaclaw, asked, tmp_path):
    words = ("--tasks", tmp_path / "tasks.jsonl", "--samples", 10, "--parallel", 1)
    ran = metaclaw("ablate", *ARMS, *words, "--budget-tokens", 2, "--json")
    assert (ran.code, ran.json["state"]) == (0, "spent")
    assert ran.json["verdict"].startswith("So far (")
    again = metaclaw("ablate", "resume", 1, "--budget-tokens", 1_000_000, "--json")
    assert (again.code, again.json["state"]) == (0, "done")


def test_a_detached_one_is_started_and_named(metaclaw, asked, tmp_path, home):
    ran = metaclaw("ablate", *ARMS, "--tasks", tmp_path / "tasks.jsonl", "--n", 2, "--detach", "--json")
    assert (ran.code, ran.json["number"]) == (0, 1)
    run = open_run(open_home(home), 1)
    deadline = time.monotonic() + 240
    while not run.state().state.over and time.monotonic() < deadline:
        time.sleep(0.1)
    assert run.state().state is AblationState.DONE


def test_a_file_of_tasks_is_kept_by_its_path_from_the_root(metaclaw, asked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = metaclaw("ablate", *ARMS, "--tasks", "tasks.jsonl", "--plan-only", "--json").json
    assert found["plan"]["tasks"] == str(tmp_path.resolve() / "tasks.jsonl")


def test_a_file_that_is_not_there_begins_no_run(metaclaw, asked, home):
    ran = metaclaw("ablate", *ARMS, "--tasks", "nothing.jsonl")
    assert "There is no file nothing.jsonl" in ran.err
    assert list_runs(open_home(home)) == ()


def test_a_plan_is_told_and_nothing_is_done(metaclaw, asked, tmp_path, home):
    words = ("ablate", *ARMS, "--tasks", tmp_path / "tasks.jsonl", "--n", 8, "--seeds", 3, "--plan-only")
    found = metaclaw(*words, "--json").json
    assert (found["test_tasks"], found["day_tasks"], found["attempts"]) == (8, [], 48)
    assert found["command"].startswith("metaclaw ablate --arms baseline --arm warm=baseline,temperature=0.5")
    assert "Do it: metaclaw ablate" in metaclaw(*words).out
    assert list_runs(open_home(home)) == ()


def test_the_papers_plan_counts_its_days(metaclaw):
    found = metaclaw("ablate", "--plan-only", "--n", 10, "--seeds", 2, "--json").json
    assert (found["test_tasks"], found["day_tasks"]) == (10, [24] * 6)
    assert found["attempts"] == 3 * 2 * (10 + 144)


def test_runs_are_listed_the_newest_first(metaclaw, home):
    made_run(home, snapshot_plan(n=5))
    made_run(home, stream_plan(n=5), [], state=AblationState.PLANNED)
    listed = metaclaw("ablate", "list", "--json").json["runs"]
    assert [(one["number"], one["state"], one["tasks"]) for one in listed] == [
        (2, "planned", "practice:held-out"),
        (1, "done", "tasks.jsonl"),
    ]
    assert "Nothing has been attempted yet." in metaclaw("ablate", "list").out


def test_one_damaged_run_does_not_hide_the_others(metaclaw, home):
    (made_run(home, snapshot_plan(n=5)).path / "state.json").write_text("{")
    made_run(home, snapshot_plan(n=5))
    listed = metaclaw("ablate", "list", "--json").json["runs"]
    assert [one["state"] for one in listed] == ["done", "damaged"]


def test_one_that_is_being_deleted_does_not_hide_the_others(metaclaw, home):
    (made_run(home, snapshot_plan(n=5)).path / "plan.json").unlink()
    made_run(home, snapshot_plan(n=5))
    listed = metaclaw("ablate", "list", "--json").json["runs"]
    assert [one["state"] for one in listed] == ["done", "damaged"]


def test_without_runs_the_next_step_is_told(metaclaw):
    assert "metaclaw ablate --plan-only" in metaclaw("ablate", "list").out


def test_a_run_is_exported(metaclaw, home, tmp_path):
    made_run(home, snapshot_plan(n=5))
    ran = metaclaw("ablate", "export", 1, "--as", "csv", "--out", tmp_path / "all.csv", "--json")
    assert ran.json["file"] == str(tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_text().startswith("arm,task,seed")
    assert metaclaw("ablate", "export", 1, "--out", tmp_path).code == 0
    assert json.loads((tmp_path / "ablation-1.ipynb").read_text())["nbformat"] == 4


def test_a_run_is_deleted(metaclaw, home):
    made_run(home, snapshot_plan(n=5))
    assert metaclaw("ablate", "delete", 1).code == 0
    assert metaclaw("ablate", "show", 1).code == 1


def test_stopping_what_does_not_run_is_said(metaclaw, home):
    plan = snapshot_plan(n=5)
    made_run(home, plan, list(attempts_of(plan))[:3], state=AblationState.CANCELLED)
    ran = metaclaw("ablate", "stop", 1)
    assert ran.code == 2
    assert "does not run: it is cancelled" in ran.err


def test_what_is_done_is_not_resumed(metaclaw, home):
    made_run(home, snapshot_plan(n=5))
    assert "Ablation 1 is done." in metaclaw("ablate", "resume", 1).err


def test_arms_and_tasks_are_listed(metaclaw):
    assert [one["name"] for one in metaclaw("ablate", "arms", "--json").json["arms"]][:3] == [
        "baseline",
        "skills",
        "full",
    ]
    assert "placebo " in metaclaw("ablate", "arms").out
    specs = [one["spec"] for one in metaclaw("ablate", "tasks", "--json").json["task_sets"]]
    assert "practice:held-out" in specs
    assert "practice:held-out" in metaclaw("ablate", "tasks").out


def test_what_an_arm_cannot_do_is_a_usage_error(metaclaw):
    assert metaclaw("ablate", "--arms", "baseline,given", "--tasks", "log").code == 2
    assert metaclaw("ablate", "--arms", "nobody").code == 2
    assert metaclaw("ablate", "show").code == 2


def test_help_has_the_line_of_the_manual():
    words = [sys.executable, "-m", "metaclaw_jlab.cli.main", "ablate", "--help"]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "--arms baseline,skills,full --tasks practice:held-out --n 200 --seeds 3 --json" in told
