"""Demonstrations obey singles, and drop the last told rule of most compounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from metaclaw_jlab.practice import (
    RULE_NAMES,
    RULES,
    Demonstration,
    Outcome,
    PracticeTask,
    check,
    demonstrate,
    solution,
)

Runner = Callable[[PracticeTask, Sequence[str]], Outcome]


def drawn(count: int, seed: int = 0, **settings: float) -> list[Demonstration]:
    rng = Random(seed)
    return [demonstrate(rng, **settings) for _ in range(count)]  # type: ignore[arg-type]


def test_at_most_three_skills_are_in_the_prompt() -> None:
    assert {len(d.skills) for d in drawn(500)} == {0, 1, 2, 3}


def test_told_rules_are_obeyed_in_single_tasks() -> None:
    for d in drawn(400, compound_share=0):
        assert d.dropped is None
        assert all(d.used[rule] == d.task.options[rule] for rule in d.given)


def test_the_last_told_rule_is_dropped_in_the_asked_share_of_compounds() -> None:
    able = [d for d in drawn(1500, compound_share=1) if len(d.given) > 1]
    dropped = [d for d in able if d.dropped]
    assert 0.6 < len(dropped) / len(able) < 0.7
    for d in dropped:
        assert d.dropped == max(d.given, key=RULE_NAMES.index)
        assert d.used[str(d.dropped)] == RULES[str(d.dropped)].habit
        others = [rule for rule in d.given if rule != d.dropped]
        assert all(d.used[rule] == d.task.options[rule] for rule in others)


def test_nothing_is_dropped_without_a_habit() -> None:
    assert all(d.dropped is None for d in drawn(300, habit_share=0.0))


def test_no_rule_is_rare() -> None:
    given = [rule for d in drawn(2000) for rule in d.given]
    assert min(given.count(rule) for rule in RULE_NAMES) > 0.4 * len(given) / len(RULE_NAMES)


def test_the_steps_run_and_print_what_is_foretold(run_steps: Runner) -> None:
    for d in drawn(25, seed=9):
        outcome = run_steps(d.task, d.steps)
        assert outcome.stdout == "".join(d.observations)
        assert check(d.task, outcome).task_right


def test_a_step_is_short() -> None:
    assert max(len(step) for d in drawn(800) for step in d.steps) < 300


def test_a_compound_has_two_steps() -> None:
    for d in drawn(100):
        assert len(solution(d.task, d.used)) == len(d.steps) == (2 if d.task.compound else 1)
