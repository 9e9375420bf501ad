import pytest

from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.feedback import Feedbacks
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import Attack, dump, ended, opened


@pytest.fixture
def feedbacks(database: Database, trajectories: Trajectories) -> Feedbacks:
    trajectories.record(ended("t1"))
    trajectories.begin(opened("t2"))
    return Feedbacks(database, clock=lambda: 7.5)


def test_every_word_is_kept_in_order(feedbacks: Feedbacks) -> None:
    first = feedbacks.add(Feedback("t1", FeedbackKind.BAD, "Dates need \udc80 ISO.", 3.0))
    second = feedbacks.add(Feedback("t1", FeedbackKind.GOOD))
    feedbacks.add(Feedback("t2", FeedbackKind.EDITED, "x = 1"))
    assert feedbacks.of("t1") == (first, second)
    assert feedbacks.of("t9") == ()


def test_what_has_no_time_gets_that_of_now(feedbacks: Feedbacks) -> None:
    assert feedbacks.add(Feedback("t1", FeedbackKind.GOOD)).at == 7.5
    assert feedbacks.add(Feedback("t1", FeedbackKind.GOOD, at=3.0)).at == 3.0


def test_feedback_is_on_a_trajectory(feedbacks: Feedbacks) -> None:
    with pytest.raises(NotFound, match="t9"):
        feedbacks.add(Feedback("t9", FeedbackKind.BAD))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE feedback SET kind = 'good'",
        "UPDATE feedback SET text = ''",
        "DELETE FROM feedback",
        "INSERT OR REPLACE INTO feedback VALUES ('t1', 0, 'good', '', 0)",
        "INSERT INTO feedback VALUES ('t1', 2, 'good', '', 0)",
        "INSERT INTO feedback VALUES ('t1', 1, 'maybe', '', 0)",
        "INSERT INTO feedback VALUES ('t9', 0, 'good', '', 0)",
    ],
)
def test_feedback_never_changes(
    database: Database, feedbacks: Feedbacks, attack: Attack, statement: str
) -> None:
    feedbacks.add(Feedback("t1", FeedbackKind.BAD, "why"))
    before = dump(database, "feedback")
    attack(statement)
    assert dump(database, "feedback") == before
