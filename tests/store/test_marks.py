from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.marks import Mark, Marks
from metaclaw_jlab.store.skills import Skills


def test_marks_are_kept_by_skill(database: Database) -> None:
    marks = Marks(database)
    marks.mark("a", Mark.PINNED)
    marks.mark("a", Mark.DISABLED, "aa")
    marks.mark("b", Mark.QUARANTINED, "bb")
    assert marks.all() == {
        "a": {Mark.PINNED: None, Mark.DISABLED: "aa"},
        "b": {Mark.QUARANTINED: "bb"},
    }


def test_a_mark_is_of_the_content_that_was_marked_last(database: Database) -> None:
    marks = Marks(database)
    marks.mark("a", Mark.PINNED, "aa")
    marks.mark("a", Mark.PINNED)
    assert marks.all() == {"a": {Mark.PINNED: None}}


def test_a_mark_is_taken_away_alone(database: Database) -> None:
    marks = Marks(database)
    marks.mark("a", Mark.PINNED)
    marks.mark("a", Mark.DISABLED)
    assert marks.unmark("a", Mark.PINNED)
    assert not marks.unmark("a", Mark.PINNED)
    assert marks.all() == {"a": {Mark.DISABLED: None}}


def test_a_mark_makes_no_generation(database: Database, skills: Skills) -> None:
    Marks(database).mark("a", Mark.PINNED)
    assert skills.current_generation().number == 0
