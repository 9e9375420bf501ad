"""What there was no time to try is tried later: planted skills, the real loop, a real store."""

import threading
from dataclasses import dataclass, field, replace

import pytest

from metaclaw_jlab.core.replay import Case, Replayed
from metaclaw_jlab.learning.inner_loop import InnerLoop, evolve_once
from metaclaw_jlab.learning.rewording import reword
from metaclaw_jlab.store.marks import Mark, Marks
from metaclaw_jlab.store.undecided import Undecided
from tests.learning.homes import SAID, Ground, failed

TAKEN = "Use semicolons in csv files"
BETTER = "Put semicolons between the values of a csv."


@dataclass
class Reader:
    """A policy that does it right with one body, and as before with all others."""

    helps: str = ""
    concurrency: int = 2

    def replay(self, case: Case) -> Replayed | None:
        right = any(skill.body == self.helps for skill in case.skills)
        return Replayed(True) if right else Replayed(False, (SAID,))


@dataclass
class Slow(Reader):
    """A policy that answers without the skill, and with it only when it is released."""

    released: threading.Event = field(default_factory=threading.Event)

    def replay(self, case: Case) -> Replayed | None:
        if case.skills:
            self.released.wait(60)
        return super().replay(case)


def judging(ground: Ground, reader: Reader, seconds: float = 60.0) -> InnerLoop:
    return replace(ground.loop(), replayer=reader, wording_seconds=seconds, judges=True)


@pytest.fixture
def cut(home_ground: Ground) -> Ground:
    """A home with a skill that there was no time to judge."""
    home_ground.record(failed())
    slow = Slow()
    evolve_once(judging(home_ground, slow, 0.2))
    slow.released.set()
    assert home_ground.bodies() == {"csv-semicolons": TAKEN}
    return home_ground


def waiting(ground: Ground) -> list[str]:
    return [entry.name for entry in Undecided(ground.database).take()]


def test_a_skill_that_there_was_no_time_to_judge_waits(cut: Ground) -> None:
    assert waiting(cut) == ["csv-semicolons"]


def test_a_skill_that_proves_useless_later_is_taken_out(cut: Ground) -> None:
    assert reword(judging(cut, Reader())) == ("csv-semicolons",)
    assert cut.bodies() == {}
    assert waiting(cut) == []
    assert "did not help" in cut.notices[-1]
    assert "rollback" in cut.notices[-1]


def test_a_skill_that_proves_useful_later_stays(cut: Ground) -> None:
    assert reword(judging(cut, Reader(TAKEN))) == ()
    assert cut.bodies() == {"csv-semicolons": TAKEN}
    assert waiting(cut) == []


def test_what_cannot_be_judged_in_time_twice_stays(cut: Ground) -> None:
    slow = Slow()
    assert reword(judging(cut, slow, 0.2)) == ()
    slow.released.set()
    assert cut.bodies() == {"csv-semicolons": TAKEN}
    assert waiting(cut) == []


def test_a_skill_that_its_user_pinned_stays(cut: Ground) -> None:
    Marks(cut.database).mark("csv-semicolons", Mark.PINNED)
    assert reword(judging(cut, Reader())) == ()
    assert cut.bodies() == {"csv-semicolons": TAKEN}


def test_a_wording_that_proves_better_takes_its_place(cut: Ground) -> None:
    (entry,) = Undecided(cut.database).take()
    Undecided(cut.database).put(entry.name, entry.sha256, (BETTER,), entry.sources)
    assert reword(judging(cut, Reader(BETTER))) == ("csv-semicolons",)
    assert cut.bodies() == {"csv-semicolons": BETTER}


def test_where_skills_are_not_judged_none_is_taken_out(cut: Ground) -> None:
    assert reword(replace(judging(cut, Reader()), judges=False)) == ()
    assert cut.bodies() == {"csv-semicolons": TAKEN}
