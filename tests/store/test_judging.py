import pytest

from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.judging import JudgeTest, Judging
from tests.store.samples import Attack, dump


@pytest.fixture
def judging(database: Database) -> Judging:
    return Judging(database, clock=lambda: 6.0)


def test_the_last_test_of_a_judge_counts(judging: Judging) -> None:
    assert judging.latest() is None
    judging.record("one", True, 0.8, (), "It tells good from bad.")
    judging.record("one", False, None, ("empty answer", "rubric"), "It paid for an empty answer.")
    judging.record("two", True, 0.9, (), "It tells good from bad.")
    failed = JudgeTest("one", False, None, ("empty answer", "rubric"), "It paid for an empty answer.", 6.0)
    assert judging.latest("one") == failed
    assert judging.latest("three") is None
    newest = judging.latest()
    assert newest is not None
    assert newest.model == "two"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM judge_tests",
        "UPDATE judge_tests SET usable = 1",
        "INSERT OR REPLACE INTO judge_tests VALUES (1, 'one', 1, 1.0, '[]', '', 0)",
        "INSERT INTO judge_tests VALUES (9, 'one', 1, 1.0, '[]', '', 0)",
    ],
)
def test_a_test_is_kept(database: Database, judging: Judging, attack: Attack, statement: str) -> None:
    judging.record("one", False, 0.5, (), "A coin does as well.")
    before = dump(database, "judge_tests")
    attack(statement)
    assert dump(database, "judge_tests") == before
