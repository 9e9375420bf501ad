"""Plans: as JSON and back, and whether one can be carried out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.ablation import AblationPlan, Budget, Days
from metaclaw_jlab.core.arm import Arm, Learning, SkillSource
from metaclaw_jlab.core.errors import AblationError, UsageMistake
from metaclaw_jlab.evaluation.ablation.arms import PRESETS, parse_arm, preset
from metaclaw_jlab.evaluation.ablation.plans import check_plan, is_practice, plan_of, plan_record, settings_of

PRACTICE = "practice:held-out"
ENDPOINT = {"policy.base_url": "http://127.0.0.1:9/v1"}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with closing(open_workspace(tmp_path / "home")) as opened:
        yield opened


def plan(*arms: Arm, tasks: str = PRACTICE, days: Days | None = None) -> AblationPlan:
    return AblationPlan(arms, tasks, arms[0].name, days=days)


def test_a_record_gives_the_same_plan() -> None:
    whole = AblationPlan(
        arms=(*(one.arm for one in PRESETS.values()), parse_arm("few=skills,skills.max_skills=1")),
        tasks="log",
        reference="skills",
        n=7,
        seeds=(3, 1),
        samples=2,
        days=Days(10, nights=2),
        budget=Budget(tokens=5, seconds=1.5, prompt_price=0.1),
        parallel=3,
        settings={"agent.steps": 2},
    )
    assert plan_of(json.loads(json.dumps(plan_record(whole)))) == whole


def test_what_is_no_plan_is_told() -> None:
    record = plan_record(plan(preset("baseline")))
    with pytest.raises(AblationError, match="no plan"):
        plan_of({**record, "seeds": None})


def test_a_plan_that_contradicts_itself_is_a_mistake() -> None:
    record = plan_record(plan(preset("baseline")))
    with pytest.raises(UsageMistake, match="no arm skills"):
        plan_of({**record, "reference": "skills"})


def test_an_arm_goes_over_what_holds_for_all() -> None:
    arm = Arm("few", settings={"skills.max_skills": 1})
    whole = replace(plan(arm), settings={"skills.max_skills": 2, "agent.steps": 3})
    assert settings_of(whole, arm) == {"skills.max_skills": 1, "agent.steps": 3}


@pytest.mark.parametrize(
    ("spec", "practice"), [(PRACTICE, True), ("practice", True), ("practice.jsonl", False)]
)
def test_practice_tasks_are_known_by_their_spec(spec: str, practice: bool) -> None:
    assert is_practice(spec) is practice


def test_the_papers_arms_can_be_carried_out(workspace: Workspace) -> None:
    arms = (preset("baseline"), preset("skills"), preset("full"))
    check_plan(plan(*arms), workspace)
    check_plan(plan(*arms, days=Days(10)), workspace)


@pytest.mark.parametrize(
    ("arm", "told"),
    [
        (Arm("odd", settings={"skills.max_skills": 99}), "Arm odd cannot be configured"),
        (Arm("odd", settings={"skills.most": 1}), "Arm odd cannot be configured"),
        (Arm("odd", generation=99), "generation 99"),
        (Arm("odd", adapter="v7"), "adapter v7"),
        (Arm("odd", SkillSource.NONE, generation=0), "no skills in its prompts"),
        (preset("wrong-10"), "without days nothing is learnt"),
    ],
)
def test_an_arm_that_cannot_be_is_named(workspace: Workspace, arm: Arm, told: str) -> None:
    with pytest.raises(UsageMistake, match=told) as caught:
        check_plan(plan(preset("baseline"), arm), workspace)
    assert arm.name in str(caught.value)
    assert caught.value.next_step


def test_given_skills_are_for_practice_houses(workspace: Workspace) -> None:
    check_plan(plan(preset("given")), workspace)
    with pytest.raises(UsageMistake, match="has no house"):
        check_plan(plan(preset("given"), tasks="mine.jsonl"), workspace)


def test_an_endpoint_has_no_versions(workspace: Workspace) -> None:
    with pytest.raises(UsageMistake, match="endpoint answers"):
        check_plan(plan(Arm("odd", adapter="v1", settings=ENDPOINT)), workspace)


def test_the_weights_of_an_endpoint_are_not_trained(workspace: Workspace) -> None:
    with pytest.raises(UsageMistake, match="trains weights"):
        check_plan(plan(replace(preset("full"), settings=ENDPOINT), days=Days(2)), workspace)


def test_what_learns_nothing_cannot_learn_otherwise(workspace: Workspace) -> None:
    arm = Arm("odd", learning=Learning(wrong=0.1))
    with pytest.raises(UsageMistake, match="learns nothing"):
        check_plan(plan(arm, days=Days(2)), workspace)


@pytest.mark.parametrize(
    "budget", [Budget(tokens=0), Budget(seconds=-1), Budget(money=1), Budget(prompt_price=-1)]
)
def test_a_budget_that_allows_nothing_is_refused(workspace: Workspace, budget: Budget) -> None:
    with pytest.raises(UsageMistake):
        check_plan(replace(plan(preset("baseline")), budget=budget), workspace)
