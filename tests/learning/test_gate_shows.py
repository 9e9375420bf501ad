"""What the gate lets pass and what not, shown on the practice model itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from metaclaw_jlab.agent.practice_prompts import practice_prompt
from metaclaw_jlab.agent.rooms import SandboxRooms
from metaclaw_jlab.assembly.slow_loop import regression_prompts
from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.gate import GateReport, Verdict
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt
from metaclaw_jlab.engines.adapter_trials import attempt_all
from metaclaw_jlab.engines.grpo import GrpoPlan, train
from metaclaw_jlab.engines.local_models import load
from metaclaw_jlab.engines.stopping import StopFlag
from metaclaw_jlab.engines.work import Work
from metaclaw_jlab.engines.worker_line import Line
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.learning.gating import BASE, CANDIDATE, GAIN, REGRESSION, SERVING, judged
from metaclaw_jlab.practice import draw_house, sample_task, validation_tasks
from metaclaw_jlab.practice.house import House, rule_skill
from metaclaw_jlab.practice.rules import habits
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.training_folder import Job, training_folder
from metaclaw_jlab.runtime.trials import (
    Attempt,
    Suite,
    TrialPlan,
    read_attempts,
    suite_file,
    write_plan,
)
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.prompts import write_prompts

RULE, OPTION = "csv-separator", "semicolon"  # now and then the model does so unasked
PRELOAD = ["pandas", "matplotlib"]
WORSE, ONE_RULE = "worse", "one rule"
GAIN_TASKS, REGRESSION_TASKS = 60, 160
MOST_TOKENS = 96
pytestmark = pytest.mark.timeout(600)


def untold(split: str, n: int) -> tuple[TrainingPrompt, ...]:
    """Tasks of a house with one rule that is no habit, which no skill tells."""
    house = House("one-rule", habits() | {RULE: OPTION}, split)
    found = []
    for number in range(n):
        task = sample_task(Random(f"{split}/{number}"), split, house, compound=False, rules=1, rule=RULE)
        found.append(practice_prompt(task, [], f"{split}-{number}", PromptKind.QUERY))
    return tuple(found)


def told(n: int) -> tuple[TrainingPrompt, ...]:
    """Validation tasks of a house whose skills are in the prompt."""
    rng = Random("told")
    house = draw_house(rng, "validation")
    found = []
    for task in validation_tasks(house, 3, n):
        bodies = [rule_skill(rule, task.options[rule], rng, split="validation").body for rule in task.rules]
        found.append(practice_prompt(task, bodies, task.id, PromptKind.QUERY))
    return tuple(found)


def save_worse(folder: Path) -> Path:
    """An adapter with random weights, strong enough to hurt."""
    import torch
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    model: Any = get_peft_model(load(EMBEDDED_MODEL).model, config)
    drawn = torch.Generator().manual_seed(5)
    for name, weights in model.named_parameters():
        if "lora_" in name:
            weights.data = torch.randn(weights.shape, generator=drawn) * 0.2
    model.save_pretrained(folder)
    return folder


def train_on_one_rule(folder: Path) -> Path:
    """An adapter that was trained on one rule, without its skill and without replay."""
    plan = GrpoPlan(
        run=1,
        model=EMBEDDED_MODEL,
        seed=3,
        steps=8,
        prompts=8,
        group=8,
        lr=5e-3,
        rank=16,
        temperature=1.0,
        replay_share=0.0,
        beta=0.0,
        process_weight=0.0,
        micro_batch=0,
        max_tokens=MOST_TOKENS,
        max_steps=2,
    )
    with SandboxPool(2, preload=PRELOAD) as pool:
        return train(plan, untold("train", 64), (), SandboxRooms(pool), folder=folder, on_step=lambda _: None)


@pytest.fixture(scope="module")
def attempts(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Attempt]:
    """What the two adapters and the base did, all in one run of trials."""
    path = tmp_path_factory.mktemp("shows")
    home = open_home(path / "home")
    folder = training_folder(home, 1)
    suites = {
        WORSE: told(GAIN_TASKS),
        ONE_RULE: untold("validation", GAIN_TASKS),
        REGRESSION: regression_prompts()[:REGRESSION_TASKS],
    }
    for name, prompts in suites.items():
        write_prompts(suite_file(folder, name), prompts)
    plan = TrialPlan(
        model=EMBEDDED_MODEL,
        arms={
            WORSE: str(save_worse(path / "worse")),
            ONE_RULE: str(train_on_one_rule(path)),
            BASE: None,
        },
        suites=(
            Suite(WORSE, (WORSE, BASE), (0.0,)),
            Suite(ONE_RULE, (ONE_RULE, BASE), (0.0,)),
            Suite(REGRESSION, (WORSE, ONE_RULE, BASE), (0.0,)),
        ),
        seed=1,
        max_tokens=MOST_TOKENS,
        max_steps=3,
    )
    write_plan(folder, plan)
    job = Job({}, {"preload": PRELOAD}, unattended=True)
    with closing(open_database(home.database)) as database, open(os.devnull, "w") as nobody:
        line = Line(nobody.fileno(), StopFlag())
        attempt_all(Work(home, 1, folder, job, line, database), resume=False)
    return read_attempts(folder)


def report(attempts: Sequence[Attempt], candidate: str) -> GateReport:
    """What the gate says of one of the adapters, the base being what serves."""
    seen = []
    for one in attempts:
        suite = GAIN if one.suite == candidate else one.suite
        if suite not in (GAIN, REGRESSION) or one.arm not in (candidate, BASE):
            continue
        reference = SERVING if suite == GAIN else BASE
        arm = CANDIDATE if one.arm == candidate else reference
        seen.append(replace(one, suite=suite, arm=arm))
    return judged(seen, {CANDIDATE: candidate, SERVING: None, BASE: None}, looks=1)


def test_a_candidate_made_worse_on_purpose_is_rejected(attempts: Sequence[Attempt]) -> None:
    found = report(attempts, WORSE)
    assert found.verdict is Verdict.REJECT
    assert {"gain", "regression/base/T=0"} <= {one.name for one in found.comparisons if not one.passed}
    assert "the candidate is worse" in found.reason


def test_an_adapter_of_one_rule_without_replay_is_rejected_by_the_regression_set_alone(
    attempts: Sequence[Attempt],
) -> None:
    found = report(attempts, ONE_RULE)
    assert found.verdict is Verdict.REJECT
    assert [one.name for one in found.comparisons if not one.passed] == ["regression/base/T=0"]
    gain = found.comparisons[0]
    assert gain.reference < 0.1
    assert gain.candidate > 0.8
