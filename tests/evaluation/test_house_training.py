"""The slow loop of a house: its gate's prompts, and how a training is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from metaclaw_jlab.core.estimate import Interval
from metaclaw_jlab.core.gate import Comparison, GateReport, Verdict
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.training import PromptKind, RunState, TrainingRun
from metaclaw_jlab.evaluation.house_run import HouseRun, Plan
from metaclaw_jlab.evaluation.house_training import (
    GATE_TASKS,
    LOCAL_GATE_TASKS,
    gate_prompts,
    gate_tasks,
    render_training,
    train_house,
    training_report,
)
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.learning import outer_loop
from metaclaw_jlab.learning.outer_loop import OuterLoop
from metaclaw_jlab.policies.scripted import ScriptedPolicy
from metaclaw_jlab.practice import from_dict
from metaclaw_jlab.store.skills import Skills
from tests.evaluation.houses import house_of, trained

GAIN = Comparison("gain", 400, 0.75, 0.5, Interval(0.25, 0.2, 0.3), True, "Better.")
GATE = GateReport(Verdict.PROMOTE, "It is better.", (GAIN,), 1)


@pytest.fixture
def house(tmp_path: Path, arm_pool: SandboxPool) -> Iterator[HouseRun]:
    policy = ScriptedPolicy([])
    plan = Plan(tasks=2, stream=2)
    with house_of(plan, tmp_path / "home", policy, arm_pool, lambda _: policy) as run:
        yield run


def test_a_gate_has_fresh_validation_tasks_of_the_house(house: HouseRun) -> None:
    first, second = gate_prompts(house, 1, 20), gate_prompts(house, 2, 20)
    options = house.stream.household.house.options
    for prompt in first:
        task = from_dict(json.loads(prompt.start.practice or ""))
        assert task.split == "validation"
        assert task.options == {rule: options[rule] for rule in task.rules}
        assert (prompt.kind, prompt.step) == (PromptKind.QUERY, 0)
    assert not {p.task.text for p in first} & {p.task.text for p in second}
    assert len({p.id for p in (*first, *second)}) == 40
    assert gate_prompts(house, 1, 20) == first


def test_its_prompts_hold_what_the_library_says_of_them(house: HouseRun) -> None:
    assert not any("<skill>" in prompt.messages[0].content for prompt in gate_prompts(house, 1, 10))
    given = house.stream.household.skills
    Skills(house.workspace.database()).commit_generation(Cause.USER, given, [])
    told = [prompt.messages[0].content.count("<skill>") for prompt in gate_prompts(house, 1, 40)]
    assert max(told) == 3
    assert min(told) >= 1


def test_an_endpoint_is_not_trained(house: HouseRun) -> None:
    said: list[str] = []
    assert train_house(replace(house, say=said.append)) is None
    assert "not trained here" in said[0]


@pytest.mark.parametrize("state", [RunState.PAUSED, RunState.DONE])
def test_a_training_that_was_stopped_stops_the_measurement(
    state: RunState, house: HouseRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train_once(loop: OuterLoop, *, seed: int) -> TrainingRun:
        assert (loop.home, seed) == (house.workspace.home, house.plan.seed)
        return replace(trained(None).run, state=state, adapter=None)

    monkeypatch.setattr(outer_loop, "train_once", train_once)
    del house.workspace.overrides["policy.base_url"]
    if state is RunState.DONE:
        found = train_house(house)
        assert found is not None
        assert (found.gate, found.served) == (None, None)
    else:
        with pytest.raises(KeyboardInterrupt):
            train_house(house)


def test_a_training_is_reported_with_its_gate() -> None:
    report = training_report(replace(trained(1), gate=GATE))
    assert report is not None
    assert json.loads(json.dumps(report)) == report
    assert (report["steps"], report["seconds"], report["reward"]) == (2, 5.0, [-0.5, 0.25])
    assert report["gate"]["comparisons"][0]["interval"] == [0.2, 0.3]


def test_people_are_told_what_the_gate_said_and_what_serves() -> None:
    lines = render_training(training_report(replace(trained(1), gate=GATE)))
    assert lines[0].startswith("trained 2 steps in 5 s, mean reward -0.50 to 0.25: done.")
    assert lines[1:] == ["the gate said promote: It is better.", "adapter v1 serves"]


def test_people_are_told_that_what_was_not_promoted_does_not_serve() -> None:
    gate = replace(GATE, verdict=Verdict.INSUFFICIENT, reason="40 tasks are missing.")
    lines = render_training(training_report(replace(trained(None), gate=gate)))
    assert lines[1:] == [
        "the gate said insufficient: 40 tasks are missing.",
        "the base alone serves: full is skills, and adapter is baseline",
    ]


def test_nothing_is_told_of_no_training() -> None:
    assert render_training(training_report(None)) == []


def test_a_gate_of_a_real_model_has_fewer_tasks_and_as_many_as_are_asked_for(house: HouseRun) -> None:
    house.workspace.overrides["policy.base_url"] = None
    assert gate_tasks(house) == GATE_TASKS
    house.workspace.overrides["policy.local_model"] = "elsewhere"
    assert gate_tasks(house) == LOCAL_GATE_TASKS
    house.workspace.overrides["training.gate_tasks"] = 12
    assert gate_tasks(house) == 12


def test_a_house_has_no_more_skills_in_a_prompt_than_its_policy_follows(house: HouseRun) -> None:
    own = house.workspace.settings().skills.max_skills
    for most, found in ((None, own), (1, 1), (own + 1, own)):
        prompting = replace(house.conditions.prompting, max_skills=most)
        assert replace(house, conditions=replace(house.conditions, prompting=prompting)).most_skills == found
