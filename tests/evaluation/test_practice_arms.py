"""The arms: the agent as it is, on tasks that are drawn by seed, judged by what really happened."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.core.config import SkillSettings
from metaclaw_jlab.core.errors import PolicyUnavailable
from metaclaw_jlab.core.policy import Policy, Sampling
from metaclaw_jlab.core.prompting import Prompting
from metaclaw_jlab.core.trajectory import StopReason
from metaclaw_jlab.evaluation.practice_arms import (
    Household,
    draw_households,
    measure,
    retrieved_skills,
)
from metaclaw_jlab.evaluation.practice_attempt import Conditions
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.policies.scripted import ScriptedPolicy
from metaclaw_jlab.practice import PracticeTask, solution
from metaclaw_jlab.practice.rules import habits
from metaclaw_jlab.practice.splits import pool


def conditions(policy: Policy, pool: SandboxPool) -> Conditions:
    return Conditions(policy=policy, pool=pool, sampling=Sampling())


@pytest.fixture(scope="module")
def households() -> tuple[Household, ...]:
    return draw_households(3, 16, houses=4)


@pytest.fixture(scope="module")
def tasks(households: tuple[Household, ...]) -> list[PracticeTask]:
    return [task for household in households for task in household.tasks]


def test_equal_seeds_draw_equal_tasks_and_others_others(households: tuple[Household, ...]) -> None:
    assert draw_households(3, 16, houses=4) == households
    assert draw_households(4, 16, houses=4) != households


def test_half_of_the_tasks_are_compound_and_every_id_is_one_task(tasks: list[PracticeTask]) -> None:
    assert sum(task.compound for task in tasks) == 8
    assert len({task.id for task in tasks}) == len({task.text for task in tasks}) == 16


def test_tasks_keep_to_their_house(households: tuple[Household, ...]) -> None:
    for household in households:
        for task in household.tasks:
            assert {rule: household.house.options[rule] for rule in task.rules} == task.options


def test_more_tasks_than_houses_divide_into_are_all_drawn() -> None:
    assert sum(len(household.tasks) for household in draw_households(1, 7, houses=3)) == 7


def test_solutions_are_strict(tasks: list[PracticeTask], arm_pool: SandboxPool, answering: Any) -> None:
    policy = answering(tasks, lambda task: solution(task, task.options))
    attempts = measure("a", tasks, conditions(policy, arm_pool))
    assert [attempt.task for attempt in attempts] == tasks
    assert [a.verdict.feedback for a in attempts if not a.verdict.strict] == []


def test_habits_are_right_but_not_strict(
    tasks: list[PracticeTask], arm_pool: SandboxPool, answering: Any
) -> None:
    policy = answering(tasks, lambda task: solution(task, habits(task.rules)))
    attempts = measure("a", tasks, conditions(policy, arm_pool))
    assert all(attempt.verdict.task_right for attempt in attempts)
    obeyed = [habits(task.rules) == task.options for task in tasks]
    assert [attempt.verdict.strict for attempt in attempts] == obeyed
    assert sum(obeyed) <= 4


def test_an_error_that_a_later_step_mends_does_not_count(
    tasks: list[PracticeTask], arm_pool: SandboxPool, answering: Any
) -> None:
    task = next(task for task in tasks if not task.compound)
    policy = answering([task], lambda task: ["raise ValueError('no')", *solution(task, task.options)])
    (attempt,) = measure("a", [task], conditions(policy, arm_pool))
    assert attempt.steps == 2
    assert attempt.verdict.strict


def test_a_reply_without_code_is_not_right(tasks: list[PracticeTask], arm_pool: SandboxPool) -> None:
    (attempt,) = measure("a", tasks[:1], conditions(ScriptedPolicy(["I cannot."]), arm_pool))
    assert attempt.stop is StopReason.NO_ACTION
    assert not attempt.verdict.task_right
    assert attempt.failure is None


def test_a_policy_that_fails_is_told_and_not_right(tasks: list[PracticeTask], arm_pool: SandboxPool) -> None:
    policy = ScriptedPolicy([PolicyUnavailable("Nothing answers.")] * 2)
    attempts = measure("a", tasks[:2], conditions(policy, arm_pool))
    assert [attempt.failure for attempt in attempts] == ["Nothing answers."] * 2
    assert not any(attempt.verdict.task_right for attempt in attempts)


def test_a_task_has_the_same_seed_in_every_arm_and_another_than_other_tasks(
    tasks: list[PracticeTask], arm_pool: SandboxPool, answering: Any
) -> None:
    seeds = []
    for arm in ("a", "b"):
        policy = answering(tasks[:4], lambda task: ["pass"] * 6)
        measure(arm, tasks[:4], replace(conditions(policy, arm_pool), sampling=Sampling(seed=7), max_steps=1))
        seeds.append(policy.seeds)
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0].values())) == 4


def test_progress_is_told_in_the_callers_thread(
    tasks: list[PracticeTask], arm_pool: SandboxPool, answering: Any
) -> None:
    told: list[tuple[str, int]] = []
    policy = answering(tasks, lambda task: ["pass"])
    measure(
        "a",
        tasks[:3],
        conditions(policy, arm_pool),
        on_progress=lambda attempt: told.append((attempt.task.id, threading.get_ident())),
    )
    assert sorted(told) == sorted((task.id, threading.get_ident()) for task in tasks[:3])


def test_retrieval_reads_the_library_of_the_tasks_own_house(
    households: tuple[Household, ...], tasks: list[PracticeTask], arm_pool: SandboxPool, answering: Any
) -> None:
    skills_of = retrieved_skills(households, SkillSettings())
    policy = answering(tasks, lambda task: ["pass"])
    attempts = measure("a", tasks, conditions(policy, arm_pool), skills_of=skills_of)
    bodies = {task.id: {s.name: s.body for s in h.skills} for h in households for task in h.tasks}
    for attempt in attempts:
        assert 0 < len(attempt.skills) <= 3
        for name in attempt.skills:
            assert bodies[attempt.task.id][name] in policy.systems[attempt.task.text]


def test_a_task_is_told_where_every_rule_has_its_skill_in_the_prompt(
    tasks: list[PracticeTask], arm_pool: SandboxPool, answering: Any, households: tuple[Household, ...]
) -> None:
    policy = answering(tasks, lambda task: ["pass"])
    without = measure("a", tasks[:2], conditions(policy, arm_pool))
    skills_of = retrieved_skills(households, SkillSettings(threshold=0.0))
    given = measure("b", tasks, conditions(policy, arm_pool), skills_of=skills_of)
    assert not any(attempt.told for attempt in without)
    assert sum(attempt.told for attempt in given) >= 8


def test_tasks_with_natural_names_have_no_random_letters() -> None:
    tasks = [task for one in draw_households(3, 12, houses=2, names="natural") for task in one.tasks]
    known = {word for kind in ("files", "columns", "words") for word in pool(kind, "test")}
    stems = {Path(name).stem.rstrip("0123456789") for task in tasks for name in task.files if "." in name}
    assert stems
    assert stems <= known


def test_the_share_of_compound_tasks_can_be_chosen() -> None:
    (household,) = draw_households(3, 8, houses=1, compound_share=0.25)
    assert sum(task.compound for task in household.tasks) == 2


def test_a_policy_that_follows_one_skill_gets_one(households: tuple[Household, ...]) -> None:
    one = retrieved_skills(households, SkillSettings(threshold=0.0), Prompting(max_skills=1))
    tasks = [task for household in households for task in household.tasks]
    assert {len(one(task)) for task in tasks} == {1}
    none = retrieved_skills(households, SkillSettings(threshold=0.0), Prompting(threshold=1e9))
    assert not any(none(task) for task in tasks)


def test_repairs_are_counted(tasks: list[PracticeTask], arm_pool: SandboxPool, answering: Any) -> None:
    task = next(task for task in tasks if not task.compound)
    policy = answering([task], lambda task: ["raise ValueError('no')", *solution(task, task.options)])
    (mended,) = measure("a", [task], conditions(policy, arm_pool))
    assert (mended.repairs, mended.mended) == (1, True)
    policy = answering([task], lambda task: ["raise ValueError('no')", "raise KeyError('no')"])
    (broken,) = measure("a", [task], replace(conditions(policy, arm_pool), max_steps=2))
    assert (broken.repairs, broken.mended) == (1, False)


@pytest.mark.parametrize("again", ["raise ValueError()", ""], ids=["the same code", "no code"])
def test_an_error_after_which_nothing_ran_is_not_mended(
    again: str, tasks: list[PracticeTask], arm_pool: SandboxPool
) -> None:
    replies = ("```python\nraise ValueError()\n```", f"```python\n{again}\n```" if again else "I cannot.")
    (found,) = measure("a", tasks[:1], conditions(ScriptedPolicy(replies), arm_pool))
    assert (found.repairs, found.mended) == (1, False)
