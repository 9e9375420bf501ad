import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import ConfigError
from metaclaw_jlab.inspection.finding import Level
from metaclaw_jlab.inspection.judge import judge
from metaclaw_jlab.settings.configuration import set_value
from metaclaw_jlab.store.judging import Judging

REASON = "m does not tell right from wrong well enough."


def configure(workspace: Workspace, **values: str) -> None:
    for name, value in {"base_url": "http://127.0.0.1:9/v1", "model": "m", **values}.items():
        set_value(workspace.home.config, f"judge.{name}", value)


def test_without_a_judge_all_is_well(workspace: Workspace) -> None:
    assert judge(workspace).level is Level.OK


@pytest.mark.parametrize("setting", ["training.judged", "proxy.train_judged"])
def test_judged_training_without_a_judge_fails(workspace: Workspace, setting: str) -> None:
    set_value(workspace.home.config, setting, "true")
    found = judge(workspace)
    assert found.level is Level.FAIL
    assert "judge.base_url" in found.next_step
    assert setting in found.next_step


def test_a_judge_that_was_not_tried_is_no_fault(workspace: Workspace) -> None:
    configure(workspace)
    found = judge(workspace)
    assert found.level is Level.OK
    assert "not been tried" in found.sentence


def test_a_judge_that_is_not_used_says_why(workspace: Workspace) -> None:
    configure(workspace)
    Judging(workspace.database()).record("m", False, 0.6, ("an empty answer",), REASON)
    found = judge(workspace)
    assert found.level is Level.WARN
    assert REASON in found.sentence
    assert found.next_step


def test_only_the_last_trial_of_this_judge_counts(workspace: Workspace) -> None:
    configure(workspace)
    store = Judging(workspace.database())
    store.record("m", False, 0.6, (), REASON)
    store.record("m", True, 0.9, (), "m was taken in by no canary.")
    store.record("other", False, 0.1, (), REASON)
    found = judge(workspace)
    assert found.level is Level.OK
    assert "no canary" in found.sentence


def test_a_policy_that_judges_itself_is_told(workspace: Workspace) -> None:
    local = workspace.settings().policy.local_model
    configure(workspace, model=local)
    with pytest.raises(ConfigError, match="itself"):
        judge(workspace)
    configure(workspace, model=local, same_model="true")
    assert judge(workspace).level is Level.OK
