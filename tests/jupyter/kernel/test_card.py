from __future__ import annotations

from collections.abc import Callable

import pytest

from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import InjectedSkill, Stamp, Step, Trajectory
from metaclaw_jlab.jupyter.kernel.card import UPDATE_SECONDS, Card


class Stage:
    """What a card shows, and the time, which passes when it is told to."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.now = 0.0
        self.due: tuple[float, Callable[[], None]] | None = None
        self.card = Card(self.shown.append, clock=lambda: self.now, later=self._later)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        if self.due is not None and self.due[0] <= self.now:
            (_, do), self.due = self.due, None
            do()

    def _later(self, seconds: float, do: Callable[[], None]) -> Callable[[], None]:
        self.due = (self.now + seconds, do)

        def call_off() -> None:
            self.due = None

        return call_off


@pytest.fixture
def stage() -> Stage:
    return Stage()


def begun(*names: str) -> Trajectory:
    skills = tuple(InjectedSkill(name, "0" * 64, 1.0) for name in names)
    return Trajectory("a1", Task("Do it"), Stamp(7, skills, "small-model"))


def test_it_tells_who_is_asked_and_what_was_found(stage: Stage) -> None:
    stage.card.begun(begun("iso-dates", "snake-names"))
    assert stage.shown == ["MetaClaw: asks small-model · step 1 · skills: iso-dates, snake-names · g7"]


def test_a_stream_of_pieces_is_shown_five_times_a_second(stage: Stage) -> None:
    stage.card.begun(begun())
    for _ in range(1000):
        stage.pass_time(0.001)
        stage.card.piece()
    assert len(stage.shown) <= 1 + 1 / UPDATE_SECONDS
    assert "about 999 tokens" in stage.shown[-1] or "about 1,000 tokens" in stage.shown[-1]


def test_what_came_too_soon_is_shown_a_little_later(stage: Stage) -> None:
    stage.card.begun(begun())
    stage.card.runs(Step(0, (), "", "a = 1\nb = 2"))
    assert len(stage.shown) == 1
    stage.pass_time(UPDATE_SECONDS)
    assert stage.shown[-1].startswith("MetaClaw: runs 2 lines of code · step 1")


def test_the_step_counts_on(stage: Stage) -> None:
    stage.card.begun(begun())
    stage.card.observed(Step(0, (), "", "x"))
    stage.pass_time(UPDATE_SECONDS)
    assert "· step 1 ·" in stage.shown[-1]
    stage.card.piece()
    stage.pass_time(UPDATE_SECONDS)
    stage.card.piece()
    assert "· step 2 ·" in stage.shown[-1]


def test_nothing_is_shown_after_the_end(stage: Stage) -> None:
    stage.card.seeks()
    stage.card.begun(begun())
    stage.card.end()
    stage.pass_time(1.0)
    stage.card.piece()
    stage.pass_time(1.0)
    assert stage.shown == ["MetaClaw: looking for skills"]


def test_the_name_of_a_model_cannot_steer_a_terminal(stage: Stage) -> None:
    stage.card.begun(Trajectory("a1", Task("Do it"), Stamp(7, (), "\x1b[2Jmodel")))
    assert "\x1b" not in stage.shown[0]


def test_it_is_one_line(stage: Stage) -> None:
    stage.card.begun(Trajectory("a1", Task("Do it"), Stamp(7, (), "two\nlines")))
    assert "\n" not in stage.shown[0]
