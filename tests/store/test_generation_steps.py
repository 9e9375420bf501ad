import random
from dataclasses import replace

import pytest

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.generation_steps import generation_steps
from metaclaw_jlab.store.skills import Skills


def skill(name: str, body: str = "Do it.") -> Skill:
    return Skill(name, "What it does.", body)


def test_a_generation_is_told_by_what_it_changed(database: Database, skills: Skills) -> None:
    a, b, amended = skill("a"), skill("b"), skill("a", "Do it well.")
    skills.commit_generation(Cause.IMPORT, [a, b])
    skills.commit_generation(Cause.USER, [amended])
    first, second = generation_steps(database, 1, 2)
    assert (first.before, first.after, first.skills) == ({}, {"a": a.sha256, "b": b.sha256}, 2)
    assert second.before == {"a": a.sha256, "b": b.sha256}
    assert (second.after, second.cause, second.skills) == ({"a": amended.sha256}, Cause.USER, 1)


def test_the_beginning_changes_nothing(database: Database) -> None:
    (only,) = generation_steps(database, 0, 5)
    assert (only.number, only.parent, only.before, only.after, only.skills) == (0, None, {}, {}, 0)


@pytest.mark.parametrize("seed", range(5))
def test_the_changes_are_those_between_the_members(seed: int, database: Database, skills: Skills) -> None:
    chance = random.Random(seed)
    library: dict[str, Skill] = {}
    for number in range(30):
        for _ in range(chance.randint(1, 4)):
            name = f"{chance.choice('abz')}-{chance.randint(0, 12)}"
            if name in library and chance.random() < 0.4:
                del library[name]
            else:
                library[name] = replace(skill(name), body=f"Text {chance.randint(0, 2)} of {number % 3}.")
        skills.commit_generation(Cause.USER, list(library.values()))
    last = skills.current_number()
    members = [set(skills.generation(number).members) for number in range(last + 1)]
    for step in generation_steps(database, 1, last):
        old, new = members[step.number - 1], members[step.number]
        assert (set(step.before.items()), set(step.after.items())) == (old - new, new - old)
        assert step.skills == len(new)


def test_what_was_read_before_is_told_again_with_what_came_since(database: Database, skills: Skills) -> None:
    a = skill("a")
    skills.commit_generation(Cause.USER, [a])
    before = generation_steps(database, 0, 1)
    skills.commit_generation(Cause.USER, [a, skill("b")])
    assert generation_steps(database, 0, 1) == before
    assert [sorted(step.after) for step in generation_steps(database, 0, 2)] == [[], ["a"], ["b"]]


def test_nothing_is_told_of_no_generation(database: Database) -> None:
    assert generation_steps(database, 3, 2) == ()
    assert generation_steps(database, 5, 6) == ()
