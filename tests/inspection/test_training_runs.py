"""Training runs in a list, and one of them whole."""

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.gate import Verdict
from metaclaw_jlab.core.training import RunState
from metaclaw_jlab.inspection.training_runs import list_runs, run_account
from tests.learning.trained import begun, finished


def test_without_runs_the_list_is_empty(workspace: Workspace) -> None:
    assert list_runs(workspace, 5) == ()


def test_runs_are_listed_the_newest_first_with_their_last_reward_and_verdict(workspace: Workspace) -> None:
    finished(workspace.home, workspace.database(), Verdict.REJECT)
    finished(workspace.home, workspace.database())
    begun(workspace.database())
    listed = list_runs(workspace, 5)
    assert [(run.number, run.state, run.verdict) for run in listed] == [
        (3, RunState.TRAINING, None),
        (2, RunState.DONE, Verdict.PROMOTE),
        (1, RunState.DONE, Verdict.REJECT),
    ]
    assert [run.reward for run in listed] == [None, pytest.approx(0.3), pytest.approx(0.3)]


def test_a_page_goes_on_where_the_one_before_ended(workspace: Workspace) -> None:
    for _ in range(3):
        finished(workspace.home, workspace.database())
    assert [run.number for run in list_runs(workspace, 2)] == [3, 2]
    assert [run.number for run in list_runs(workspace, 2, before=2)] == [1]


def test_one_run_is_told_with_its_curves_and_its_gate(workspace: Workspace) -> None:
    finished(workspace.home, workspace.database())
    found = run_account(workspace, 1)
    assert found.curves.step == (1, 2, 3)
    assert found.gate is not None
    assert found.gate.verdict is Verdict.PROMOTE


def test_a_run_that_is_none_is_not_found(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        run_account(workspace, 1)
