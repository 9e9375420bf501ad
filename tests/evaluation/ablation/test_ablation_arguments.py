"""Words that ask for an ablation, and the words that a plan would be asked for with."""

from __future__ import annotations

import argparse
import shlex

import pytest

from metaclaw_jlab.core.ablation import Budget, Days
from metaclaw_jlab.core.arm import Arm, Learning, SkillSource
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.evaluation.ablation.arguments import (
    PRACTICE_DAYS,
    add_ablate_arguments,
    arm_line,
    asks_for_a_plan,
    check_arguments,
    command_of,
    expected_power,
    plan_from,
    seed_words,
)
from metaclaw_jlab.evaluation.ablation.arms import PRESETS, parse_arm, preset


def parsed(words):
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_ablate_arguments(parser)
    arguments = parser.parse_args(shlex.split(words))
    check_arguments(arguments)
    return arguments


def planned(words):
    return plan_from(parsed(words))


def test_without_words_it_is_the_papers_ablation_on_practice_tasks():
    plan = planned("")
    assert [arm.name for arm in plan.arms] == ["baseline", "skills", "full"]
    assert (plan.reference, plan.tasks, plan.seeds, plan.days) == (
        "baseline",
        "practice:held-out",
        (1,),
        PRACTICE_DAYS,
    )


def test_the_command_of_the_manual():
    plan = planned("--arms baseline,skills,full --tasks practice:held-out --n 200 --seeds 3")
    assert (plan.n, plan.seeds, plan.days) == (200, (1, 2, 3), Days(6, 24, nights=3))


def test_other_tasks_have_no_days_unless_they_are_asked_for():
    assert planned("--tasks tasks.jsonl").days is None
    assert planned("--tasks tasks.jsonl --days 4 --day-tasks 5 --nights 2").days == Days(4, 5, nights=2)
    assert planned("--tasks practice:held-out --days 0").days is None


def test_arms_in_a_line_stand_behind_those_by_name():
    plan = planned("--arms skills --arm few=skills,skills.max_skills=1 --arm old=full,adapter=v3")
    assert [arm.name for arm in plan.arms] == ["skills", "few", "old"]
    assert plan.arms[1] == parse_arm("few=skills,skills.max_skills=1")


def test_seeds_are_a_number_or_a_list():
    assert planned("--seeds 1,5,9").seeds == (1, 5, 9)
    assert planned("--seeds 7,").seeds == (7,)


def test_a_budget_and_what_holds_for_all_arms():
    plan = planned(
        "--budget-minutes 2 --budget-tokens 5000 --budget-money 1.5 --prices 0.5,2 --set skills.max_skills=2 "
        "--parallel 3"
    )
    assert plan.budget == Budget(5000, 1.5, 120.0, 0.5, 2.0)
    assert (dict(plan.settings), plan.parallel) == ({"skills.max_skills": 2}, 3)


@pytest.mark.parametrize(
    "words",
    [
        "--budget-money 3",
        "--budget-money 3 --prices 1",
        "--prices a,b",
        "--seeds none",
        "--seeds 0",
        "--seeds 1,1",
        "--arms nobody",
        "--arm few",
        "--reference nobody",
        "--set skills",
        "--set skills.nothing=1",
        "--tasks tasks.jsonl --day-tasks 5",
        "show",
        "list 3",
        "3",
        "--as csv",
        "show 3 --n 5",
        "stop 3 --budget-minutes 5",
        "list --detach",
        "resume 3 --plan-only",
    ],
)
def test_what_cannot_be_asked_for_is_said(words):
    with pytest.raises((UsageMistake, argparse.ArgumentError)):
        planned(words)


def test_a_run_may_be_resumed_with_another_budget():
    assert parsed("resume 3 --budget-minutes 5 --detach").number == 3


def test_whether_anything_was_asked_for():
    assert not asks_for_a_plan(parsed(""))
    assert asks_for_a_plan(parsed("--days 0"))
    assert asks_for_a_plan(parsed("--plan-only"))
    assert asks_for_a_plan(parsed("--budget-tokens 9"))


@pytest.mark.parametrize(
    "arm",
    [
        *(one.arm for one in PRESETS.values()),
        Arm("own", SkillSource.LIBRARY, 12, "v3", 0.7, Learning(True, True, False, 0.2, 5.0, True, False)),
        Arm(
            "set",
            SkillSource.NONE,
            None,
            "base",
            "best",
            settings={"skills.max_skills": 1, "policy.model": "5"},
        ),
        Arm("frozen"),
    ],
    ids=lambda arm: arm.name,
)
def test_the_line_of_an_arm_makes_the_arm_again(arm):
    assert parse_arm(arm_line(arm)) == arm


@pytest.mark.parametrize(
    "words",
    [
        "",
        "--arms skills,baseline --reference baseline --seeds 4,2 --samples 3 --n 7",
        "--arm few=skills,skills.max_skills=1 --tasks 'my tasks.jsonl'",
        "--arms baseline --arm wet=full,wrong=0.25,window_minutes=7 --days 3 --day-tasks 9 --nights 2",
        "--arms placebo,random --budget-minutes 1.5 --budget-money 3 --prices 1,2 --set evolver.model=some",
    ],
)
def test_the_command_of_a_plan_asks_for_it_again(words):
    plan = planned(words + " --parallel 2")
    again = command_of(plan)
    assert again.startswith("metaclaw ablate ")
    assert planned(again.removeprefix("metaclaw ablate ") + " --parallel 2") == plan


def test_presets_are_called_by_their_names():
    assert "--arms baseline,skills,full " in command_of(planned("--n 3"))
    assert arm_line(preset("full")) == "full=full"


def test_seeds_are_written_as_short_as_they_can_be():
    assert [seed_words(seeds) for seeds in ((1, 2, 3), (1,), (5,), (3, 1))] == ["3", "1", "5,", "3,1"]


def test_what_a_plan_could_show_is_said_beforehand():
    told = expected_power(planned("--arms baseline,skills"), 200)
    assert told.startswith("Where the arms differ at 30 % of the tasks, 200 tasks show differences of ")
    assert "to see 5 points you need about 930" in told


def test_tasks_of_several_streams_count_together():
    assert ", 600 tasks show" in expected_power(planned("--seeds 3"), 200)
    assert ", 200 tasks show" in expected_power(planned("--seeds 3 --days 0"), 200)
    # A file has the same tasks in every stream.
    assert ", 200 tasks show" in expected_power(planned("--seeds 3 --days 2 --tasks a.jsonl"), 200)


def test_what_is_trained_is_said_to_be_compared_by_training():
    assert "What is trained (full) is compared within each training, over 200." in expected_power(
        planned("--seeds 3"), 200
    )
    assert "trained" not in expected_power(planned("--arms baseline,skills --seeds 3"), 200)
