"""Which rule a skill states, and how well its skills are found: known from what was said about failures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.evaluation.evolved_rules import Recall, oracle, recall, stated_rule, to_be_told
from metaclaw_jlab.practice import RULE_NAMES, RULES, PracticeTask, task_set
from metaclaw_jlab.practice.feedback import feedback
from metaclaw_jlab.practice.rules import habits

TASKS = task_set("train", 41, 200)


def task_of(rule: str) -> PracticeTask:
    return next(task for task in TASKS if rule in to_be_told(task))


def skill(rule: str) -> Skill:
    return Skill(f"s-{rule}", "A rule.", f"About {rule}.")


def rule_of(skill: Skill) -> str | None:
    return skill.name.removeprefix("s-")


@pytest.mark.parametrize("rule", RULE_NAMES)
def test_the_sentence_about_a_rule_tells_it(rule: str) -> None:
    task = task_of(rule)
    said = feedback(rule, task.options[rule], task.id)
    for text in (said, said.capitalize() + ".", f"  {said}\n"):
        assert stated_rule([("t", text)], {"t": task}) == rule


def test_most_sentences_decide() -> None:
    first, second = task_of("rounding"), task_of("csv-separator")
    said = [
        ("a", feedback("rounding", first.options["rounding"], first.id)),
        ("b", feedback("csv-separator", second.options["csv-separator"], second.id)),
        ("b", feedback("csv-separator", second.options["csv-separator"], second.id)),
    ]
    assert stated_rule(said, {"a": first, "b": second}) == "csv-separator"


@pytest.mark.parametrize("said", ["", "expected a new csv file", "the code raised KeyError: 'x'"])
def test_other_sentences_tell_no_rule(said: str) -> None:
    assert stated_rule([("t", said)], {"t": task_of("rounding")}) is None


def test_the_sentences_of_unknown_trajectories_are_left_out() -> None:
    task = task_of("rounding")
    assert stated_rule([("t", feedback("rounding", task.options["rounding"], task.id))], {}) is None


def test_only_rules_against_the_habit_must_be_told() -> None:
    task = TASKS[0]
    assert to_be_told(replace(task, options=habits(task.rules))) == ()
    assert all(task.options[rule] != RULES[rule].habit for rule in to_be_told(task))


def test_recall_counts_what_is_needed_known_and_found() -> None:
    task = next(task for task in TASKS if len(to_be_told(task)) == 2)
    first, second = map(skill, to_be_told(task))
    found = recall([task], [first, second], lambda _: (Match(first, 1.0),), rule_of, 3)
    assert found == Recall(needed=2, known=2, found=1)
    assert recall([task], [first], lambda _: (Match(first, 1.0),), rule_of, 3).share_of_known == 1.0


def test_tasks_that_need_more_than_fit_are_left_out_of_recall() -> None:
    task = next(task for task in TASKS if len(to_be_told(task)) == 2)
    assert recall([task], [], lambda _: (), rule_of, 1) == Recall(0, 0, 0)
    assert recall([task], [], lambda _: (), rule_of, 1).share is None


def test_the_oracle_gives_one_skill_for_each_applying_rule_the_first_of_several() -> None:
    task = next(task for task in TASKS if len(task.rules) == 3)
    twin = replace(skill(task.rules[0]), body="Said otherwise.")
    library = [skill("other"), *map(skill, reversed(task.rules)), twin]
    assert [match.skill.body for match in oracle(task, library, rule_of, 3)] == [
        f"About {rule}." for rule in task.rules
    ]
    assert len(oracle(task, library, rule_of, 2)) == 2
