"""Each rule of each variant decides, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pytest

from metaclaw_jlab.practice import FAMILIES, RULES, Outcome, PracticeTask, check, draw_house, solution
from metaclaw_jlab.practice.families.base import Variant
from metaclaw_jlab.practice.names import Names
from metaclaw_jlab.practice.rules import in_order
from metaclaw_jlab.practice.splits import values
from metaclaw_jlab.practice.task import Part

Runner = Callable[[PracticeTask, Sequence[str]], Outcome]


def options_of(rule: str) -> tuple[str, ...]:
    return (RULES[rule].habit, *values(rule, "test"))


def drawn(family: str, variant: Variant, rng: Random) -> PracticeTask:
    draft = FAMILIES[family].draw(rng, Names(rng, "test"), variant)
    house = draw_house(rng, "test")
    return PracticeTask(
        id="drawn",
        family=family,
        text="",
        files=draft.files,
        rules=in_order(variant.rules),
        options={rule: house.options[rule] for rule in variant.rules},
        parts=(Part(family, variant.name, draft.params, ""),),
        split="test",
    )


def every() -> list[tuple[str, str]]:
    return [(family.name, variant.name) for family in FAMILIES.values() for variant in family.variants]


@pytest.mark.parametrize(("family", "name"), every())
def test_each_option_of_each_rule_is_obeyed_and_told_apart(family: str, name: str, run_steps: Runner) -> None:
    variant = next(v for v in FAMILIES[family].variants if v.name == name)
    task = drawn(family, variant, Random(f"{family}/{name}"))
    for rule in task.rules:
        for option in options_of(rule):
            used = {**task.options, rule: option}
            outcome = run_steps(task, solution(task, used))
            assert check(replace(task, options=used), outcome).strict
            others = [other for other in options_of(rule) if other != option]
            for other in others:
                assert check(replace(task, options={**used, rule: other}), outcome).broken == (rule,)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_doing_nothing_is_wrong(family: str) -> None:
    for variant in FAMILIES[family].variants:
        task = drawn(family, variant, Random(family))
        untouched = {path: text.encode() for path, text in task.files.items()}
        verdict = check(task, Outcome(None, "", untouched, {}))
        assert (verdict.ran, verdict.task_right, verdict.strict) == (True, False, False)
        assert verdict.feedback


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_an_extra_line_or_file_is_wrong(family: str, run_steps: Runner) -> None:
    for variant in FAMILIES[family].variants:
        task = drawn(family, variant, Random(family))
        outcome = run_steps(task, solution(task, task.options))
        assert not check(task, replace(outcome, stdout=f"{outcome.stdout}well\n13 and more 7\n")).task_right
        assert not check(task, replace(outcome, files={**outcome.files, "stray.log": b"x"})).task_right


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_damage_to_a_start_file_is_wrong(family: str, run_steps: Runner) -> None:
    for variant in FAMILIES[family].variants:
        task = drawn(family, variant, Random(family))
        outcome = run_steps(task, solution(task, task.options))
        for path in task.files:
            damaged = {**outcome.files, path: b"damaged"}
            assert not check(task, replace(outcome, files=damaged)).task_right
