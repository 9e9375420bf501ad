from pathlib import Path

import pytest

from metaclaw_jlab.core.ablation import AblationState
from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog
from metaclaw_jlab.evaluation.ablation.live_run import LiveRun, LiveRuns, count_attempts, run_line, verdict_of
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.leases import lease
from tests.evaluation.ablation.made_run import RIGHT, TASKS, attempt, made_run


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return made_run(open_home(tmp_path / "home"))


def test_what_is_new_is_read_and_reckoned(run: RunFolder) -> None:
    live = LiveRun(run)
    before = live.report()
    AttemptsLog(run.jobs / "two").append(attempt("full", TASKS, right=True))
    assert (before["done"], live.report()["done"]) == (2 * TASKS, 2 * TASKS + 1)
    assert before["verdict"].startswith("Learning helped")


def test_what_is_not_new_is_not_reckoned_again(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    live = LiveRun(run)
    before = live.report()
    monkeypatch.setattr("metaclaw_jlab.evaluation.ablation.report.report_of", None)
    assert live.report() == before


def test_one_that_is_taken_up_again_is_read_anew(run: RunFolder) -> None:
    live = LiveRun(run)
    live.report()
    (run.jobs / "one.jsonl").write_bytes(b"")
    run.change(started_at=99.0)
    assert live.report()["done"] == 0


def test_the_time_that_is_left_is_told_while_it_runs(run: RunFolder) -> None:
    with lease(run.home, run.lease_name):
        run.change(state=AblationState.RUNNING, started_at=100.0, ended_at=None, of=4 * TASKS)
        found = LiveRun(run, clock=lambda: 148.0).report()
    assert (found["state"], found["eta_seconds"], found["seconds"]) == ("running", 48.0, 48.0)


def test_a_cell_of_the_grid_opens_with_any_seed_that_there_is(run: RunFolder) -> None:
    live = LiveRun(run)
    assert len(live.grid()["tasks"]) == TASKS
    pair = live.pair("t5")
    assert (pair["seed"], pair["seeds"]) == (1, [1])
    assert [one["steps"][0]["stdout"] for one in pair["attempts"]] == ["baseline 5\n", "full 5\n"]


def test_a_task_that_nobody_attempted_is_not_found(run: RunFolder) -> None:
    with pytest.raises(NotFound):
        LiveRun(run).pair("nothing")


def test_a_line_tells_a_run_without_its_attempts(run: RunFolder) -> None:
    line = run_line(run)
    assert (line["number"], line["state"], line["arms"], line["done"]) == (1, "done", list(RIGHT), 2 * TASKS)
    assert count_attempts(run) == 2 * TASKS


def test_a_damaged_run_says_so_in_the_list(run: RunFolder) -> None:
    (run.path / "plan.json").write_text("{")
    assert run_line(run)["state"] == "failed"
    assert "plan.json" in run_line(run)["reason"]


def test_a_deleted_run_is_not_found(run: RunFolder) -> None:
    runs = LiveRuns(run.home)
    assert runs.get(1) is runs.get(1)
    run.delete()
    with pytest.raises(NotFound):
        runs.get(1)


def test_a_verdict_is_kept_until_something_new_is_there(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.change(state=AblationState.CANCELLED, ended_at=200.0)
    said = verdict_of(run)
    with monkeypatch.context() as patch:
        patch.setattr("metaclaw_jlab.evaluation.ablation.report.report_of", None)
        assert verdict_of(run) == said
    (run.jobs / "one.jsonl").write_bytes(b"")
    assert verdict_of(run) == "Nothing has been attempted yet."
