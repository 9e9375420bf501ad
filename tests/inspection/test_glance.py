from dataclasses import replace

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.inspection.glance import glance, settle
from metaclaw_jlab.inspection.library_index import catalogue
from metaclaw_jlab.skills.library import write_skill
from metaclaw_jlab.store.skills import Skills
from tests.inspection.learning_samples import RULE


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def names(workspace: Workspace) -> list[str]:
    return [name for name, _ in Skills(workspace.database()).current_generation().members]


def test_a_small_library_is_looked_at_before_the_answer(learnt: Workspace) -> None:
    write_skill(learnt.home.skills, replace(RULE, name="mine"))
    (learnt.home.skills / "broken").mkdir()
    assert [problem.folder for problem in glance(learnt)] == ["broken"]
    assert names(learnt) == ["csv-separator", "mine"]


def test_a_large_library_is_looked_at_beside_the_answer(learnt: Workspace) -> None:
    write_skill(learnt.home.skills, replace(RULE, name="mine"))
    (learnt.home.skills / "broken").mkdir()
    clock = Clock()
    assert glance(learnt, at_once=0, later=0.0, clock=clock) == ()
    settle(learnt)
    assert [problem.folder for problem in glance(learnt, at_once=0, clock=clock)] == ["broken"]
    assert names(learnt) == ["csv-separator", "mine"]


def test_a_look_at_a_large_library_prepares_its_list(
    learnt: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    glance(learnt, at_once=0, later=0.0)
    settle(learnt)

    def read_again(*_: object) -> None:
        raise AssertionError("the texts are read a second time")

    monkeypatch.setattr(Skills, "contents", read_again)
    assert [entry.name for entry in catalogue(learnt).entries] == ["csv-separator"]


def test_a_large_library_is_not_looked_at_all_the_time(learnt: Workspace) -> None:
    clock = Clock()
    glance(learnt, at_once=0, later=0.0, clock=clock)
    settle(learnt)
    (learnt.home.skills / "broken").mkdir()
    for seconds, folders in ((1.0, []), (1.5, ["broken"])):
        clock.now += seconds
        glance(learnt, at_once=0, later=0.0, clock=clock)
        settle(learnt)
        assert [problem.folder for problem in glance(learnt, at_once=0, later=0.0, clock=clock)] == folders
