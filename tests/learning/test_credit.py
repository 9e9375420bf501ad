from dataclasses import replace

import pytest

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.replay import Case, Replayed
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.trajectory import Trajectory
from metaclaw_jlab.learning.credit import effect_of, verify_uses
from metaclaw_jlab.store.index_texts import IndexTexts
from metaclaw_jlab.store.uses import Effect, Uses
from tests.learning.homes import SAID, Ground, failed, passed, with_skill

SKILL = Skill("csv", "Use when a csv is saved.", "Use semicolons")
OTHER = "the file has no copy"


class Again:
    """What doing a task again without its skill gives."""

    concurrency = 2

    def __init__(self, replayed: Replayed | None) -> None:
        self.replayed = replayed
        self.cases: list[Case] = []

    def replay(self, case: Case) -> Replayed | None:
        self.cases.append(case)
        return self.replayed


@pytest.mark.parametrize(
    ("with_it", "without", "effect"),
    [
        (passed(), Replayed(False, (SAID,)), Effect.HELPED),
        (passed(), Replayed(True), Effect.NONE),
        (failed(), Replayed(True), Effect.HURT),
        (failed(), Replayed(False, (f"{SAID}; {OTHER}",)), Effect.HELPED),
        (failed(), Replayed(False, (OTHER,)), Effect.NONE),
    ],
)
def test_the_effect_is_what_changes_without_the_skill(
    with_it: Trajectory, without: Replayed, effect: Effect
) -> None:
    assert effect_of(with_it, without) is effect


def used(home_ground: Ground, trajectory: Trajectory) -> str:
    if home_ground.skills.current_generation().number == 0:
        home_ground.skills.commit_generation(Cause.USER, [SKILL])
    (id_,) = home_ground.record(with_skill(trajectory, SKILL, 1))
    return id_


def test_a_task_that_a_skill_helped_makes_it_easier_to_find(home_ground: Ground) -> None:
    used(home_ground, passed())
    again = Again(Replayed(False, (SAID,)))
    found = verify_uses(home_ground.database, again, limit=9, seconds=60)
    assert (found.helped, found.hurt, found.none) == (1, 0, 0)
    assert again.cases[0].skills == ()
    assert Uses(home_ground.database).of("csv").helped == 1
    (text,) = IndexTexts(home_ground.database).of_all()["csv"]
    assert "rows" in text.text


def test_a_use_is_looked_at_once(home_ground: Ground) -> None:
    used(home_ground, passed())
    again = Again(Replayed(True))
    for _ in range(2):
        verify_uses(home_ground.database, again, limit=9, seconds=60)
    assert len(again.cases) == 1


def test_a_text_that_led_to_no_use_leaves_again(home_ground: Ground) -> None:
    teacher = used(home_ground, passed())
    IndexTexts(home_ground.database).add("csv", "save the rows of csv", teacher)
    verify_uses(home_ground.database, Again(Replayed(True)), limit=9, seconds=60)
    assert len(IndexTexts(home_ground.database).of_all()["csv"]) == 1
    used(home_ground, replace(passed(), id="aa"))
    verify_uses(home_ground.database, Again(Replayed(True)), limit=9, seconds=60)
    assert dict(IndexTexts(home_ground.database).of_all()) == {}


def test_what_cannot_be_done_again_tells_nothing(home_ground: Ground) -> None:
    used(home_ground, passed())
    found = verify_uses(home_ground.database, Again(None), limit=9, seconds=60)
    assert (found.helped, found.hurt, found.none) == (0, 0, 0)
    assert dict(IndexTexts(home_ground.database).of_all()) == {}


def test_when_the_time_is_over_the_rest_waits(home_ground: Ground) -> None:
    used(home_ground, passed())
    ticks = iter([0.0])
    verify_uses(
        home_ground.database, Again(Replayed(True)), limit=9, seconds=1, clock=lambda: next(ticks, 5.0)
    )
    assert len(Uses(home_ground.database).unverified(9)) == 1
