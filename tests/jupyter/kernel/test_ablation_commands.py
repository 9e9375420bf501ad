"""`%metaclaw ablate` in a shell without a notebook, where what it shows is text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from IPython.core.error import UsageError

from metaclaw_jlab.core.ablation import AblationState
from metaclaw_jlab.evaluation.ablation import running
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, list_runs
from metaclaw_jlab.runtime.leases import lease
from tests.evaluation.ablation.made_run import made_run
from tests.jupyter.kernel.conftest import run, session

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


@pytest.fixture
def made(shell: InteractiveShell) -> RunFolder:
    """A run of the session's home, which was stopped."""
    return made_run(session(shell).workspace().home, state=AblationState.CANCELLED)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[RunFolder]:
    """What was begun; nothing runs."""
    found: list[RunFolder] = []
    monkeypatch.setattr(running, "start_beside", found.append)
    return found


def test_without_a_run_it_says_how_to_begin(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    run(shell, "%metaclaw ablate")
    assert "No ablation yet: %metaclaw ablate --arms" in capsys.readouterr().out


def test_a_run_is_begun_beside_the_notebook(
    shell: InteractiveShell, begun: list[RunFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    run(shell, "%metaclaw ablate --arms baseline,skills --n 20 --seeds 2 --days 0")
    (found,) = begun
    plan = found.plan()
    assert ([arm.name for arm in plan.arms], plan.n, plan.seeds) == (["baseline", "skills"], 20, (1, 2))
    told = capsys.readouterr().out
    assert f"ablation {found.number} has begun" in told
    assert f"Ablation {found.number}: practice:held-out" in told


def test_what_this_session_has_otherwise_goes_with_it(
    shell: InteractiveShell, begun: list[RunFolder]
) -> None:
    session(shell).workspace().overrides.update({"policy.base_url": "http://127.0.0.1:9/v1"})
    run(shell, "%metaclaw ablate --arms baseline,skills --days 0 --set skills.max_skills=2")
    assert begun[0].plan().settings == {
        "policy.base_url": "http://127.0.0.1:9/v1",
        "skills.max_skills": 2,
    }


def test_a_plan_can_be_looked_at_alone(
    shell: InteractiveShell, begun: list[RunFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    run(shell, "%metaclaw ablate --arms baseline,skills --n 20 --plan-only")
    told = capsys.readouterr().out
    assert "20 test tasks at most of practice:held-out" in told
    assert "metaclaw ablate --arms baseline,skills" in told
    assert begun == []


@pytest.mark.parametrize(
    "words",
    ["--arms nobody", "show", "stop 99", "--tasks missing.jsonl", "list --n 3", "--n none", "other"],
)
def test_what_cannot_be_is_a_mistake_of_one_sentence(shell: InteractiveShell, words: str) -> None:
    with pytest.raises((UsageError, ValueError), match=r"\S"):
        run(shell, f"%metaclaw ablate {words}")
    assert list_runs(session(shell).workspace().home) == ()


def test_runs_are_listed_and_shown(
    shell: InteractiveShell, made: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    run(shell, "%metaclaw ablate list")
    assert "baseline, full" in capsys.readouterr().out
    run(shell, f"%metaclaw ablate show {made.number}")
    assert "Learning helped: full is" in capsys.readouterr().out


@pytest.mark.parametrize(("what", "word"), [("arms", "placebo"), ("tasks", "practice:held-out")])
def test_what_there_is_to_choose_from_is_listed(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], what: str, word: str
) -> None:
    run(shell, f"%metaclaw ablate {what}")
    assert word in capsys.readouterr().out


def test_one_that_runs_is_asked_to_stop(
    shell: InteractiveShell, made: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with lease(made.home, made.lease_name):
        made.change(state=AblationState.RUNNING)
        run(shell, f"%metaclaw ablate stop {made.number}")
    assert made.wants_stop()
    assert "stops as soon as" in capsys.readouterr().out


def test_one_that_was_stopped_goes_on(
    shell: InteractiveShell, made: RunFolder, begun: list[RunFolder]
) -> None:
    run(shell, f"%metaclaw ablate resume {made.number}")
    assert begun == [made]


def test_an_export_takes_the_place_of_no_other_file(
    shell: InteractiveShell, made: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("ablation-1.csv").write_text("mine")
    run(shell, f"%metaclaw ablate export {made.number} --as csv")
    assert "ablation-1-2.csv" in capsys.readouterr().out
    assert Path("ablation-1.csv").read_text() == "mine"
    assert Path("ablation-1-2.csv").read_text().startswith("arm,task,")


def test_one_can_be_deleted(shell: InteractiveShell, made: RunFolder) -> None:
    run(shell, f"%metaclaw ablate delete {made.number}")
    assert list_runs(made.home) == ()


def test_it_explains_itself(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    run(shell, "%metaclaw ablate --help")
    assert "%metaclaw ablate export 3 --as csv" in capsys.readouterr().out


def test_one_whose_budget_is_spent_goes_on_with_another(
    shell: InteractiveShell, made: RunFolder, begun: list[RunFolder]
) -> None:
    made.change(state=AblationState.SPENT, reason="Its budget of 3 minutes is spent.")
    with pytest.raises(UsageError, match="--budget-minutes"):
        run(shell, f"%metaclaw ablate resume {made.number}")
    assert not begun
    run(shell, f"%metaclaw ablate resume {made.number} --budget-minutes 60")
    assert begun
    assert made.plan().budget.seconds == 3600
