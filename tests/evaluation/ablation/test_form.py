from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.errors import TaskSetInvalid, UsageMistake
from metaclaw_jlab.evaluation.ablation.form import checked, choices, plan_of_form, task_spec

FILLED: dict[str, Any] = {
    "arms": ["baseline", "skills"],
    "extra": ["few=skills,skills.max_skills=1"],
    "tasks": "practice:held-out",
    "n": 20,
    "seeds": 2,
}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = open_workspace(tmp_path / "home")
    yield made
    made.close()


def test_what_is_offered_can_be_carried_out(workspace: Workspace) -> None:
    found = choices(workspace)
    defaults = found["defaults"]
    plan = plan_of_form(workspace, extra=(), **defaults)
    assert [arm.name for arm in plan.arms] == defaults["arms"]
    assert {one["spec"] for one in found["task_sets"] if one["why_not"] is None} >= {defaults["tasks"]}


def test_every_part_that_is_offered_changes_an_arm(workspace: Workspace) -> None:
    keys = {one["key"] for one in choices(workspace)["parts"]}
    assert {"skills", "gated", "skills.max_skills", "training.steps"} <= keys


def test_a_filled_form_is_the_plan_of_the_command_line(workspace: Workspace) -> None:
    plan = plan_of_form(workspace, **FILLED, days=3, budget_minutes=5)
    assert [arm.name for arm in plan.arms] == ["baseline", "skills", "few"]
    assert (plan.reference, plan.n, plan.seeds) == ("baseline", 20, (1, 2))
    assert plan.days is not None
    assert (plan.days.number, plan.budget.seconds) == (3, 300)


def test_without_days_nothing_is_learnt(workspace: Workspace) -> None:
    assert plan_of_form(workspace, **FILLED).days is None


def test_what_a_session_has_otherwise_holds_in_all_arms(workspace: Workspace) -> None:
    plan = checked(plan_of_form(workspace, **FILLED), workspace, {"skills.max_skills": 2})
    assert plan.settings == {"skills.max_skills": 2}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"arms": [], "extra": []}, UsageMistake),
        ({"arms": ["nobody"]}, UsageMistake),
        ({"extra": ["few"]}, UsageMistake),
        ({"tasks": ""}, TaskSetInvalid),
        ({"tasks": "log"}, TaskSetInvalid),
        ({"tasks": "missing.jsonl"}, TaskSetInvalid),
        ({"reference": "other"}, UsageMistake),
    ],
)
def test_what_cannot_be_is_refused(
    workspace: Workspace, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        plan_of_form(workspace, **{**FILLED, **changes})


def test_a_file_of_tasks_is_named_from_the_root(tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl").write_text("{}\n")
    assert task_spec("tasks.jsonl", tmp_path) == str(tmp_path / "tasks.jsonl")
    assert task_spec("jsonl:tasks.jsonl", tmp_path) == f"jsonl:{tmp_path / 'tasks.jsonl'}"
    assert task_spec("log:last-20", tmp_path) == "log:last-20"
