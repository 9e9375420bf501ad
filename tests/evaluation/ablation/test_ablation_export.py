"""What leaves the house, and that a notebook comes to the same numbers in a kernel of its own."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import nbformat
import pytest
from nbclient import NotebookClient

from metaclaw_jlab.core.ablation import AblationState
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.evaluation.ablation.export import export, write_export
from metaclaw_jlab.evaluation.ablation.figures import MIME, figure_spec
from metaclaw_jlab.evaluation.ablation.publication import public, public_name
from metaclaw_jlab.evaluation.ablation.report import ablation_report
from tests.evaluation.ablation.made_up_runs import attempts_of, made_run, snapshot_plan, stream_plan


def text_of(run, kind, **parts):
    return export(run, kind, **parts)[1].decode()


def executed(run, folder):
    notebook = nbformat.reads(text_of(run, "ipynb"), as_version=4)
    nbformat.validate(notebook)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return notebook


def test_a_notebook_of_a_stream_runs_and_comes_to_the_reports_numbers(tmp_path):
    run = made_run(tmp_path / "home", stream_plan(n=20))
    report = ablation_report(run)
    notebook = executed(run, tmp_path)
    tables = [
        output["data"]["text/plain"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "text/plain" in output.get("data", {})
    ]
    means = next(table for table in tables if "reported interval" in table and "full" in table)
    for arm in report["arms"].values():
        assert f"{round(arm['mean'], 4):.4f}"[:5] in means
    shown = [output for output in notebook.cells[-2].outputs if MIME in output["data"]]
    assert shown[0]["data"][MIME] == figure_spec(report)


def test_a_notebook_of_a_part_of_a_snapshot_runs(tmp_path):
    plan = snapshot_plan("baseline,skills", n=20, samples=2)
    part = [one for one in attempts_of(plan) if one.arm == "baseline" or one.task < "t15"]
    executed(made_run(tmp_path / "home", plan, part, state=AblationState.CANCELLED), tmp_path)


def test_a_notebook_of_days_before_any_test_runs(tmp_path):
    plan = stream_plan("baseline,skills", n=5, seeds=(1,))
    days = [one for one in attempts_of(plan) if one.day is not None]
    executed(made_run(tmp_path / "home", plan, days, state=AblationState.CANCELLED), tmp_path)


def test_a_notebook_takes_every_id_of_a_task_as_it_is(tmp_path):
    plan = snapshot_plan("baseline,skills", n=20, seeds=(1,))
    renamed = {"t1": "NA", "t2": "null", "t3": "07"}
    made = [replace(one, task=renamed.get(one.task, one.task)) for one in attempts_of(plan)]
    executed(made_run(tmp_path / "home", plan, made), tmp_path)


def test_what_a_failed_run_said_of_tasks_stays_at_home(tmp_path):
    run = made_run(tmp_path / "home", snapshot_plan(n=3), state=AblationState.FAILED)
    run.change(reason="1 test task is known to what is measured: 'Count the rows of payroll' (t1).")
    for kind in ("ipynb", "csv", "json", "vega"):
        assert "payroll" not in text_of(run, kind)
    assert json.loads(text_of(run, "json"))["report"]["state"] == "failed"


def test_failures_are_counted_and_what_they_say_stays_at_home(tmp_path):
    plan = snapshot_plan(n=3)
    made = [replace(one, failure="No payroll." if one.task == "t1" else None) for one in attempts_of(plan)]
    run = made_run(tmp_path / "home", plan, made)
    arm = json.loads(text_of(run, "json"))["report"]["arms"]["skills"]
    assert arm["failures"] == {"n": 2, "example": None}
    assert "payroll" in text_of(run, "json", with_texts=True)


def test_a_notebook_that_was_tampered_with_stops(tmp_path):
    run = made_run(tmp_path / "home", snapshot_plan("baseline,skills", n=20))
    notebook = nbformat.reads(text_of(run, "ipynb"), as_version=4)
    data = next(cell for cell in notebook.cells if cell.source.startswith("ATTEMPTS"))
    data.source = data.source.replace("baseline,t1,1,0,,0", "baseline,t1,1,0,,1")
    assert "baseline,t1,1,0,,1" in data.source
    with pytest.raises(Exception, match="AssertionError"):
        NotebookClient(notebook, timeout=300, kernel_name="python3").execute()


def test_a_notebook_says_what_was_compared_and_how_to_do_it_again(tmp_path):
    run = made_run(tmp_path, stream_plan())
    notebook = nbformat.reads(text_of(run, "ipynb"), as_version=4)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    told = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert "no skills, no adapter" in told
    assert "metaclaw ablate --arms baseline,skills,full --tasks practice:held-out --n 40 --seeds 3" in told
    assert all(cell.get("execution_count") is None for cell in notebook.cells)


def test_the_same_run_makes_the_same_notebook(tmp_path):
    run = made_run(tmp_path, snapshot_plan())
    assert text_of(run, "ipynb") == text_of(run, "ipynb")


def test_a_table_has_a_row_for_each_attempt(tmp_path):
    plan = snapshot_plan()
    rows = list(csv.DictReader(io.StringIO(text_of(made_run(tmp_path, plan), "csv"))))
    made = list(attempts_of(plan))
    assert len(rows) == len(made)
    assert [(row["arm"], row["task"], float(row["value"]), row["day"]) for row in rows] == [
        (one.arm, one.task, one.value, "") for one in made
    ]
    assert "title" not in rows[0]


def test_json_has_the_report_and_the_attempts(tmp_path):
    plan = stream_plan()
    run = made_run(tmp_path, plan)
    whole = json.loads(text_of(run, "json"))
    assert whole["report"]["comparisons"] == ablation_report(run)["comparisons"]
    assert len(whole["attempts"]) == len(list(attempts_of(plan)))


def test_the_figure_is_a_file(tmp_path):
    run = made_run(tmp_path, stream_plan())
    name, content, mime = export(run, "vega")
    assert (name, mime) == (f"ablation-{run.number}.vl.json", MIME)
    assert json.loads(content) == figure_spec(ablation_report(run))


@pytest.mark.parametrize("kind", ["ipynb", "csv", "json", "vega"])
def test_no_folder_no_prompt_and_no_secret_leaves(tmp_path, kind):
    home = tmp_path / "somebody"
    plan = snapshot_plan("baseline,skills", tasks="/home/somebody/secret-project/tasks.jsonl", n=5)
    attempts = [
        replace(
            one,
            task=f"/home/somebody/secret-project/a.ipynb#{one.task}",
            group="/home/somebody/secret-project/a.ipynb",
            failure="No file /home/somebody/secret-project/x.csv, key sk-proj-abcdefghijklmnopqrstuvwxyz123456.",
        )
        for one in attempts_of(plan)
    ]
    run = made_run(home, plan, attempts, traced=[one.task for one in attempts])
    run.note(f"A copy lies in {run.path}/home.")
    text = text_of(run, kind)
    for word in ("secret-project", "somebody", "sk-proj", "Sum the column", str(tmp_path)):
        assert word not in text
    assert kind == "vega" or "a.ipynb#t1" in text


@pytest.mark.parametrize("kind", ["ipynb", "csv", "json"])
def test_what_tasks_say_leaves_where_that_is_asked_for(tmp_path, kind):
    plan = snapshot_plan("baseline", n=2)
    run = made_run(tmp_path, plan, traced=["t0", "t1"])
    assert "Sum the column of t1." in text_of(run, kind, with_texts=True)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/ann/work/tasks.jsonl", "tasks.jsonl"),
        ("log:~/work/x.ipynb#3", "log:x.ipynb#3"),
        ("C:\\Users\\ann\\tasks.jsonl", "tasks.jsonl"),
        ("metaclaw-bench:/home/ann/bench", "metaclaw-bench:bench"),
        ("file:///home/ann/tasks.jsonl", "tasks.jsonl"),
        ("practice:held-out", "practice:held-out"),
        ("data/tasks.jsonl", "data/tasks.jsonl"),
        (
            "https://vega.github.io/schema/vega-lite/v5.json",
            "https://vega.github.io/schema/vega-lite/v5.json",
        ),
        ("50 % of a/b", "50 % of a/b"),
    ],
)
def test_of_a_path_its_last_name_stays(text, shown):
    assert public_name(text) == shown
    assert public({"a": [text]}) == {"a": [shown]}


def test_a_title_is_no_formula(tmp_path):
    from metaclaw_jlab.evaluation.ablation.export import attempts_csv

    one = next(attempts_of(snapshot_plan("baseline", n=1)))
    assert "'=1+1" in attempts_csv([one], {one.task: "=1+1"})


def test_an_unknown_kind_is_a_usage_mistake(tmp_path):
    with pytest.raises(UsageMistake, match="no export as 'pdf'"):
        export(made_run(tmp_path, snapshot_plan("baseline", n=1)), "pdf")


def test_a_file_that_is_there_is_not_written_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = made_run(tmp_path / "home", snapshot_plan("baseline", n=1))
    (tmp_path / "ablation-1.csv").write_text("mine")
    with pytest.raises(UsageMistake, match="There is a file"):
        write_export(run, "csv", None)
    assert write_export(run, "csv", tmp_path / "ablation-1.csv").read_text().startswith("arm,task")
    assert write_export(run, "csv", None).read_text().startswith("arm,task")
