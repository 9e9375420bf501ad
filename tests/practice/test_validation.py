"""Validation tasks of a house, fresh for every seed."""

from __future__ import annotations

from random import Random

import pytest

from metaclaw_jlab.practice import House, draw_house, validation_tasks
from metaclaw_jlab.practice.splits import held_out_wordings, pool
from metaclaw_jlab.practice.wordings import COMPOUNDS


@pytest.fixture
def house() -> House:
    return draw_house(Random(3), "test")


def test_they_are_of_the_house_and_of_the_validation_split(house: House) -> None:
    tasks = validation_tasks(house, 4, 40)
    assert {task.split for task in tasks} == {"validation"}
    assert all(task.options == {rule: house.options[rule] for rule in task.rules} for task in tasks)
    assert sum(task.compound for task in tasks) == 20
    assert any(word in pool("names", "validation") for task in tasks for word in task.text.split())


def test_every_seed_has_tasks_of_its_own(house: House) -> None:
    one, two = ({task.text for task in validation_tasks(house, seed, 100)} for seed in (1, 2))
    assert len(one) == 100
    assert not one & two


def test_their_parts_are_joined_as_in_training(house: House) -> None:
    (held_out,) = held_out_wordings("compound", "validation")
    assert COMPOUNDS[held_out] == "First {a} and after that {b}"
    assert not any("and after that" in task.text for task in validation_tasks(house, 5, 200))
