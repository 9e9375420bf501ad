"""Replays: the same task under other skills, alike each time, and in other names with the same sentences."""

from __future__ import annotations

from random import Random

import pytest

from metaclaw_jlab.core.errors import PolicyUnavailable
from metaclaw_jlab.core.policy import Policy, Sampling
from metaclaw_jlab.core.replay import Case, Replayed
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.evaluation.other_names import in_other_names
from metaclaw_jlab.evaluation.practice_attempt import Conditions
from metaclaw_jlab.evaluation.practice_replays import PracticeReplayer
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.policies.scripted import ScriptedPolicy
from metaclaw_jlab.practice import task_set
from tests.evaluation.obeying import ObeyingPolicy

SKILL = Skill("rule", "A rule.", "Do as the house does.")
TASK = next(
    task
    for task in task_set("train", 31, 80)
    if task.family == "statistic" and all(option != "none" for option in task.options.values())
)
VARIED = in_other_names(TASK, Random(f"{TASK.id}/1"))


def replayer(policy: Policy, pool: SandboxPool) -> PracticeReplayer:
    return PracticeReplayer({"t1": TASK}, Conditions(policy=policy, pool=pool, sampling=Sampling()))


@pytest.fixture
def policy() -> ObeyingPolicy:
    return ObeyingPolicy([TASK, VARIED])


def test_a_skill_that_is_obeyed_passes(policy: ObeyingPolicy, arm_pool: SandboxPool) -> None:
    assert replayer(policy, arm_pool).replay(Case("t1", (SKILL,))) == Replayed(True)


def test_each_broken_rule_has_its_sentence(policy: ObeyingPolicy, arm_pool: SandboxPool) -> None:
    found = replayer(policy, arm_pool).replay(Case("t1", ()))
    assert found is not None
    assert not found.passed
    assert len(found.feedback) == len(TASK.rules)


def test_a_variation_is_another_text_with_the_same_sentences(
    policy: ObeyingPolicy, arm_pool: SandboxPool
) -> None:
    replays = replayer(policy, arm_pool)
    assert replays.replay(Case("t1", (), 1)) == replays.replay(Case("t1", ()))
    assert policy.asked == [VARIED.text, TASK.text]


def test_a_replay_is_not_done_twice(policy: ObeyingPolicy, arm_pool: SandboxPool) -> None:
    replays = replayer(policy, arm_pool)
    assert replays.replay(Case("t1", (SKILL,))) == replays.replay(Case("t1", (SKILL,)))
    assert len(policy.asked) == 1


def test_an_unknown_trajectory_cannot_be_replayed(policy: ObeyingPolicy, arm_pool: SandboxPool) -> None:
    assert replayer(policy, arm_pool).replay(Case("t2", ())) is None


def test_a_policy_that_fails_is_no_result_and_is_asked_again(arm_pool: SandboxPool) -> None:
    policy = ScriptedPolicy([PolicyUnavailable("gone")] * 2)
    replays = replayer(policy, arm_pool)
    assert replays.replay(Case("t1", ())) is None
    assert replays.replay(Case("t1", ())) is None
    assert len(policy.requests) == 2
