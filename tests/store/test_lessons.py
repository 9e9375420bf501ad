"""What a commit of a generation teaches besides its members: lineage and texts of the index, in one transaction."""

import pytest

from metaclaw_jlab.core.errors import InvariantViolation
from metaclaw_jlab.core.evolution import Source
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.index_texts import IndexText, IndexTexts
from metaclaw_jlab.store.lineage import Lineage, Origin
from metaclaw_jlab.store.skills import Lesson, Skills
from metaclaw_jlab.store.support import Support
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import Attack, dump, ended, skill

TABLES = ("generations", "settlements", "lineage", "index_texts", "counters", "skills")


@pytest.fixture
def lineage(database: Database, trajectories: Trajectories) -> Lineage:
    for id_ in ("t1", "t2", "t3"):
        trajectories.record(ended(id_))
    return Lineage(database)


def test_a_skill_knows_where_it_came_from(lineage: Lineage, skills: Skills) -> None:
    lessons = [Lesson("a", Source("t1", "Dates \udc80.")), Lesson("a", Source("t1", "Names."))]
    skills.commit_generation(Cause.EVOLVER, [skill("a"), skill("b")], ["t1"], lessons=lessons)
    amended = skill("a", "Do it otherwise.")
    skills.commit_generation(
        Cause.EVOLVER, [amended], ["t2"], lessons=[Lesson("a", Source("t2", "Dates again."))]
    )
    assert lineage.sources("a") == (
        Origin(1, skill("a").sha256, "t1", "Dates \udc80."),
        Origin(1, skill("a").sha256, "t1", "Names."),
        Origin(2, amended.sha256, "t2", "Dates again."),
    )
    assert lineage.sources("b") == ()


def test_an_amendment_may_name_the_support_of_an_older_generation(lineage: Lineage, skills: Skills) -> None:
    skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"])
    amended = skill("a", "Do it otherwise.")
    skills.commit_generation(Cause.EVOLVER, [amended], lessons=[Lesson("a", Source("t1", "Dates."))])
    assert lineage.sources("a") == (Origin(2, amended.sha256, "t1", "Dates."),)


def test_the_history_tells_what_changed_a_skill(lineage: Lineage, skills: Skills) -> None:
    a, other = skill("a"), skill("a", "Do it otherwise.")
    for members in ([a], [a, skill("b")], [other], [], [skill("b")], [other], [skill("b")]):
        skills.commit_generation(Cause.USER, members)
    assert [(step.generation, step.sha256) for step in lineage.history("a")] == [
        (1, a.sha256),
        (3, other.sha256),
        (4, None),
        (6, other.sha256),
        (7, None),
    ]
    assert lineage.history("b")[0].generation == 2
    assert lineage.history("b")[0].cause is Cause.USER
    assert lineage.history("c") == ()


def test_the_index_takes_up_the_texts(database: Database, lineage: Lineage, skills: Skills) -> None:
    texts = IndexTexts(database)
    lessons = [
        Lesson("a", Source("t1", "Dates."), "count FILE"),
        Lesson("a", Source("t2", "Dates."), "count FILE"),
        Lesson("a", Source("t2", "Names.")),
    ]
    skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1", "t2"], lessons=lessons)
    assert texts.of_all() == {"a": (IndexText("count FILE", "t1"),)}
    assert texts.version() == 1


@pytest.mark.parametrize(
    "lesson",
    [
        Lesson("b", Source("t1", "Of a skill that is no member."), "x"),
        Lesson("a", Source("t2", "Of a failure that is no support."), "x"),
        Lesson("a", Source("t9", "Of nothing."), "x"),
    ],
)
def test_a_lesson_of_nothing_stops_the_whole_generation(
    database: Database, lineage: Lineage, skills: Skills, lesson: Lesson
) -> None:
    before = dump(database, *TABLES)
    good = Lesson("a", Source("t1", "Dates."), "count FILE")
    with pytest.raises(InvariantViolation):
        skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"], lessons=[good, lesson])
    assert dump(database, *TABLES) == before
    assert lineage.sources("a") == ()


def test_where_nothing_changes_nothing_is_learnt(
    database: Database, lineage: Lineage, skills: Skills
) -> None:
    skills.commit_generation(Cause.USER, [skill("a")])
    before = dump(database, *TABLES)
    lesson = Lesson("a", Source("t1", "Dates."), "count FILE")
    skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"], lessons=[lesson])
    assert dump(database, *TABLES) == before
    assert Support(database).pending(9) == ("t1", "t2", "t3")
    assert lineage.sources("a") == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE lineage SET said = 'x'",
        "UPDATE lineage SET trajectory = 't2'",
        "DELETE FROM lineage",
        "INSERT OR REPLACE INTO lineage VALUES (2, 0, 'a', 't1', 'other')",
        "INSERT INTO lineage VALUES (1, 7, 'a', 't1', 'late')",
        "INSERT INTO lineage VALUES (2, 7, 'b', 't1', 'no member')",
        "INSERT INTO lineage VALUES (2, 7, 'a', 't3', 'no support')",
    ],
)
def test_lineage_never_changes(
    database: Database, lineage: Lineage, skills: Skills, attack: Attack, statement: str
) -> None:
    for number, id_ in enumerate(("t1", "t2")):
        made = [skill("a", f"Do it {number}.")]
        skills.commit_generation(Cause.EVOLVER, made, [id_], lessons=[Lesson("a", Source(id_, "Dates."))])
    before = dump(database, "lineage")
    attack(statement)
    assert dump(database, "lineage") == before
    assert len(lineage.sources("a")) == 2
