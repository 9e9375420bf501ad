"""Tasks with the skills of their prompt: which skills, and how the sets of two splits keep apart."""

from __future__ import annotations

from random import Random

import pytest

from metaclaw_jlab.practice import RULES, draw_house
from metaclaw_jlab.practice.regression_set import regression_set, regression_sha256
from metaclaw_jlab.practice.replay_set import replay_set, replay_sha256
from metaclaw_jlab.practice.splits import pool
from metaclaw_jlab.practice.told_tasks import ToldTask

SETS = {"replay": replay_set(), "regression": regression_set()}


@pytest.fixture(params=SETS)
def told(request: pytest.FixtureRequest) -> tuple[ToldTask, ...]:
    return SETS[request.param]


def options(tasks: tuple[ToldTask, ...]) -> set[tuple[str, str]]:
    return {(rule, option.lower()) for told in tasks for rule, option in told.task.options.items()}


def wordings(tasks: tuple[ToldTask, ...]) -> set[str]:
    return {
        wording
        for told in tasks
        for part in told.task.parts
        for wording in part.wording.split("/")
        if wording
    }


def bodies(tasks: tuple[ToldTask, ...]) -> set[str]:
    return {body for told in tasks for body in told.bodies}


def test_the_sets_are_the_frozen_ones() -> None:
    assert replay_sha256() == "a365387039c7ccadfffe5d1833e38e6911046d04903681ec304ced9149e635c4"
    assert regression_sha256() == "a0c639d8deba782afd93fc7351c1732edf559aa87f9f6957eb551fae76534b69"


def test_they_are_as_large_as_a_training_and_a_gate_need() -> None:
    assert (len(SETS["replay"]), len(SETS["regression"])) == (400, 240)


def test_every_applying_rule_is_told_within_three_skills(told: tuple[ToldTask, ...]) -> None:
    for one in told:
        names = [skill.name for skill in one.skills]
        assert len(names) == len(set(names)) <= 3
        assert set(one.task.rules) <= set(names)


def test_some_prompts_hold_irrelevant_skills_and_some_do_not(told: tuple[ToldTask, ...]) -> None:
    assert {len(one.skills) - len(one.task.rules) for one in told} == {0, 1, 2}


def test_the_relevant_skill_stands_at_every_place(told: tuple[ToldTask, ...]) -> None:
    places = {
        [skill.name for skill in one.skills].index(one.task.rules[0])
        for one in told
        if len(one.task.rules) == 1 and len(one.skills) == 3
    }
    assert places == {0, 1, 2}


def test_half_are_compounds_and_no_text_occurs_twice(told: tuple[ToldTask, ...]) -> None:
    assert sum(one.task.compound for one in told) == len(told) / 2
    assert len({one.task.text for one in told}) == len({one.task.id for one in told}) == len(told)


def test_every_rule_occurs(told: tuple[ToldTask, ...]) -> None:
    assert {rule for one in told for rule in one.task.rules} == set(RULES)


def test_most_tasks_contradict_any_one_house(told: tuple[ToldTask, ...]) -> None:
    for seed in range(5):
        house = draw_house(Random(seed), "test")
        other = [one for one in told if any(house.options[r] != o for r, o in one.task.options.items())]
        assert len(other) > 0.8 * len(told)


def test_replay_and_regression_share_no_task_option_phrasing_wording_or_name() -> None:
    replay, regression = SETS["replay"], SETS["regression"]
    assert not {one.task.text for one in replay} & {one.task.text for one in regression}
    assert not options(replay) & options(regression)
    assert not bodies(replay) & bodies(regression)
    assert not wordings(replay) & wordings(regression)
    assert not {p for one in replay for p in one.task.files} & {
        p for one in regression for p in one.task.files
    }


def test_a_shorter_set_is_the_begin_of_a_longer_one() -> None:
    assert replay_set(7) == SETS["replay"][:7]


def test_natural_names_and_fewer_skills_make_another_set() -> None:
    told = replay_set(40, names="natural", most_skills=1)
    assert all(len(one.skills) == len(one.task.rules) == 1 for one in told)
    assert not any(one.task.compound for one in told)
    tables = {path for one in told for path in one.task.files if path.endswith(".csv")}
    assert tables
    assert {path.removesuffix(".csv").rstrip("0123456789") for path in tables} <= set(pool("files", "replay"))
    assert told[:7] == replay_set(7, names="natural", most_skills=1)


def test_natural_sets_share_no_text_and_no_option() -> None:
    replay, regression = (one(60, names="natural", most_skills=1) for one in (replay_set, regression_set))
    assert not {one.task.text for one in replay} & {one.task.text for one in regression}
    assert not options(replay) & options(regression)
    assert not bodies(replay) & bodies(regression)
