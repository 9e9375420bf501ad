"""Files of trials: what is written is read back, what was cut off is left out."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import WorkerFailed
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.training_folder import TrainingFolder, training_folder
from metaclaw_jlab.runtime.trials import (
    Attempt,
    Suite,
    TrialPlan,
    outcomes_file,
    read_attempts,
    read_plan,
    suite_file,
    write_plan,
)

SUITES = (Suite("held_out", ("new", "old"), (0.0, 0.5), 2), Suite("regression", ("new", "base"), (0.0,)))


@pytest.fixture
def folder(tmp_path: Path) -> TrainingFolder:
    folder = training_folder(open_home(tmp_path / "home"), 1)
    for suite in SUITES:
        suite_file(folder, suite.name).write_text("")
    (tmp_path / "v2").mkdir()
    (tmp_path / "v2" / "adapter_model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def plan(folder: TrainingFolder, tmp_path: Path) -> TrialPlan:
    plan = TrialPlan("tiny", {"new": str(tmp_path / "v2"), "old": None, "base": None}, SUITES, 1, 100, 3)
    write_plan(folder, plan)
    return plan


def line(suite: str, arm: str, task: str, score: float | None = 1.0, **more: object) -> str:
    return json.dumps(asdict(Attempt(suite, arm, task, 0.0, 0, score, score == 1.0, 9)) | more) + "\n"


def test_a_plan_is_read_as_it_was_written(folder: TrainingFolder, plan: TrialPlan) -> None:
    assert read_plan(folder) == plan


@pytest.mark.parametrize("text", ["", "{}", '{"suites": [{}]}'])
def test_what_is_no_plan_is_refused(folder: TrainingFolder, text: str) -> None:
    (folder.trials / "plan.json").write_text(text)
    with pytest.raises(WorkerFailed, match="cannot be read"):
        read_plan(folder)


def test_an_attempt_counts_for_every_arm_of_its_adapter(folder: TrainingFolder, plan: TrialPlan) -> None:
    new = plan.arms["new"] or ""
    path = outcomes_file(folder, plan)
    path.write_text(line("regression", new, "b") + line("held_out", "", "a") + line("regression", "", "b"))
    assert [(a.suite, a.arm, a.task) for a in read_attempts(folder)] == [
        ("held_out", "old", "a"),
        ("regression", "new", "b"),
        ("regression", "base", "b"),
    ]


def test_a_later_line_says_more_of_the_same_attempt(folder: TrainingFolder, plan: TrialPlan) -> None:
    path = outcomes_file(folder, plan)
    path.write_text(line("held_out", "", "a", reply="x") + line("held_out", "", "a", kl=0.5))
    assert [attempt.kl for attempt in read_attempts(folder)] == [0.5]


def test_a_line_that_was_cut_off_is_none(folder: TrainingFolder, plan: TrialPlan) -> None:
    path = outcomes_file(folder, plan)
    path.write_text(line("held_out", "", "a")[:-20] + "\n" + line("held_out", "", "b"))
    assert [attempt.task for attempt in read_attempts(folder)] == ["b"]


def test_other_weights_or_prompts_have_another_file(folder: TrainingFolder, plan: TrialPlan) -> None:
    files = [outcomes_file(folder, plan)]
    (Path(plan.arms["new"] or "") / "adapter_model.safetensors").write_bytes(b"others")
    files.append(outcomes_file(folder, plan))
    suite_file(folder, "regression").write_text("{}")
    files.append(outcomes_file(folder, plan))
    write_plan(folder, replace(plan, seed=2))
    files.append(outcomes_file(folder, plan))
    assert len(set(files)) == 4


def test_nothing_is_there_before_the_first_attempt(folder: TrainingFolder, plan: TrialPlan) -> None:
    assert read_attempts(folder) == ()
