"""Tasks are drawn as asked, and the same ones for the same arguments."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import pytest

from metaclaw_jlab.core.errors import PracticeError
from metaclaw_jlab.practice import (
    FAMILIES,
    RULE_NAMES,
    SPLITS,
    PracticeTask,
    draw_house,
    from_dict,
    sample_task,
    task_set,
    to_dict,
)

RULE_WORDS = ("indent", "separator", "docstring", "backup", "rounded", "label", "heading", "sorted")


@pytest.mark.parametrize("split", SPLITS)
def test_a_set_is_deterministic(split: str) -> None:
    assert task_set(split, 3, 20) == task_set(split, 3, 20)
    assert task_set(split, 3, 20) != task_set(split, 4, 20)


def test_a_longer_set_begins_with_the_shorter_one() -> None:
    assert task_set("test", 3, 30)[:10] == task_set("test", 3, 10)


def test_ids_are_unique() -> None:
    tasks = task_set("test", 3, 200)
    assert len({task.id for task in tasks}) == 200


@pytest.mark.parametrize("names", ["random", "natural"])
def test_a_task_survives_json(names: str) -> None:
    style = "natural" if names == "natural" else "random"
    for task in task_set("validation", 6, 60, names=style):  # type: ignore[arg-type]
        assert from_dict(json.loads(json.dumps(to_dict(task)))) == task


def test_half_of_a_set_is_compound() -> None:
    tasks = task_set("test", 3, 200)
    assert sum(task.compound for task in tasks) == 100


def test_most_single_tasks_have_one_rule() -> None:
    counts = Counter(len(task.rules) for task in task_set("test", 3, 400, compound_share=0))
    assert counts[1] > 0.7 * 400


def test_compounds_have_two_or_three_rules_but_for_a_few() -> None:
    counts = Counter(len(task.rules) for task in task_set("test", 3, 400, compound_share=1))
    assert counts[1] == 0
    assert counts[2] + counts[3] > 0.9 * 400
    assert sum(counts.values()) - counts[2] - counts[3] > 0


def test_every_family_and_rule_occurs() -> None:
    tasks = task_set("test", 3, 600)
    assert {part.family for task in tasks for part in task.parts} == set(FAMILIES)
    assert {rule for task in tasks for rule in task.rules} == set(RULE_NAMES)


@pytest.mark.parametrize("rule", RULE_NAMES)
@pytest.mark.parametrize("split", SPLITS)
def test_each_rule_can_apply_alone(rule: str, split: str) -> None:
    house = draw_house(Random(1), split)
    task = sample_task(Random(2), split, house, compound=False, rule=rule, rules=1)
    assert (task.rules, task.options) == ((rule,), {rule: house.options[rule]})


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_compound_has_as_many_rules_as_asked(count: int) -> None:
    task = sample_task(Random(2), "test", draw_house(Random(1), "test"), compound=True, rules=count)
    assert len(task.rules) >= count if count == 4 else len(task.rules) == count


def test_a_family_can_be_asked_for() -> None:
    house = draw_house(Random(1), "test")
    assert sample_task(Random(2), "test", house, family="scale").family == "scale"
    assert sample_task(Random(2), "test", house, family="statistic+scale").family == "statistic+scale"


def test_what_cannot_be_is_refused() -> None:
    house = draw_house(Random(1), "train")
    with pytest.raises(PracticeError, match="no house rule"):
        sample_task(Random(2), "train", house, rule="politeness")
    with pytest.raises(PracticeError, match="No task"):
        sample_task(Random(2), "train", house, compound=False, family="write_json", rule="output-folder")


def spoken(task: PracticeTask) -> str:
    return task.text.lower()


def test_the_text_never_tells_a_rule() -> None:
    for task in task_set("train", 8, 400):
        assert not any(word in spoken(task).split() for word in RULE_WORDS)
