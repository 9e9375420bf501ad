"""Nothing of a trajectory remains when it is forgotten."""

import sqlite3

import pytest

from metaclaw_jlab.core.errors import InvariantViolation
from metaclaw_jlab.core.evolution import Source
from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.trajectory import InjectedSkill, Stamp
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.feedback import Feedbacks
from metaclaw_jlab.store.index_texts import IndexTexts
from metaclaw_jlab.store.skills import Lesson, Skills
from metaclaw_jlab.store.support import Decision, Support
from metaclaw_jlab.store.trajectories import Trajectories
from metaclaw_jlab.store.undecided import Undecided
from metaclaw_jlab.store.uses import Effect, Uses
from tests.store.samples import dump, ended, skill, step

TABLES = (
    "trajectories",
    "steps",
    "feedback",
    "settlements",
    "uses",
    "lineage",
    "index_texts",
    "undecided_wordings",
)


@pytest.fixture
def filled(database: Database, trajectories: Trajectories, skills: Skills) -> Database:
    """A trajectory with something of it in every table."""
    stamp = Stamp(0, (InjectedSkill("a", "aa", 1.0),), "tiny")
    trajectories.record(ended("t1", stamp=stamp, steps=(step(0),)))
    Feedbacks(database).add(Feedback("t1", FeedbackKind.BAD, "why"))
    Support(database).settle("t1", Decision.KEPT, "no")
    Uses(database).record_effect("t1", "a", "aa", Effect.HURT)
    IndexTexts(database).add("a", "sort FILE", "t1")
    Undecided(database).put("a", "aa", ["One."], [Source("t1", "why")])
    return database


def test_nothing_of_it_remains(filled: Database, trajectories: Trajectories) -> None:
    trajectories.forget("t1")
    assert dump(filled, *TABLES) == []
    assert dump(filled, "forgotten") == [("t1",)]
    assert filled.problems() == ()


def test_nothing_of_it_remains_whoever_deletes_it(filled: Database) -> None:
    bare = sqlite3.connect(filled.path)
    bare.execute("DELETE FROM trajectories")
    bare.commit()
    bare.close()
    assert dump(filled, *TABLES) == []


def test_all_of_it_remains_where_it_is_support(
    filled: Database, trajectories: Trajectories, skills: Skills
) -> None:
    lesson = Lesson("a", Source("t1", "why"))
    skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"], lessons=[lesson])
    before = dump(filled, *TABLES)
    with pytest.raises(InvariantViolation, match="never deleted"):
        trajectories.forget("t1")
    assert dump(filled, *TABLES) == before
    assert len(dump(filled, "lineage")) == 1
