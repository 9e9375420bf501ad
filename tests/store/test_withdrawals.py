import pytest

from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.evolution import Source
from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.trajectory import Role, StopReason
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.feedback import Feedbacks, Withdrawal
from metaclaw_jlab.store.skills import Lesson, Skills
from metaclaw_jlab.store.support import Decision, Support
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import Attack, dump, ended, skill

BAD, GOOD = FeedbackKind.BAD, FeedbackKind.GOOD
OUTCOME = Score(1.0, ScoreSource.OUTCOME, "done")


@pytest.fixture
def feedbacks(database: Database, trajectories: Trajectories) -> Feedbacks:
    trajectories.record(ended("passed", stop=StopReason.DONE, checks=(), score=OUTCOME))
    trajectories.record(ended("failed"))
    return Feedbacks(database, clock=lambda: 7.5)


def say(
    database: Database, trajectory: str, kind: FeedbackKind, why: str = "", value: float = -1.0
) -> Feedback:
    said = Feedbacks(database, clock=lambda: 7.5).add(Feedback(trajectory, kind, why))
    Trajectories(database).score(trajectory, Score(value, ScoreSource.USER, why))
    return said


def test_a_word_that_is_taken_back_gives_the_score_back(database: Database, feedbacks: Feedbacks) -> None:
    said = say(database, "passed", BAD, "No units.")
    assert feedbacks.withdraw("passed") == Withdrawal(said)
    assert Trajectories(database).get("passed").score == OUTCOME
    assert feedbacks.of("passed") == ()
    assert feedbacks.of("passed", withdrawn=True) == (said,)


def test_what_waited_because_of_the_word_waits_no_more(database: Database, feedbacks: Feedbacks) -> None:
    say(database, "passed", BAD)
    assert Support(database).pending(9) == ("passed", "failed")
    feedbacks.withdraw("passed")
    assert Support(database).pending(9) == ("failed",)


def test_a_failure_that_was_called_good_waits_again(database: Database, feedbacks: Feedbacks) -> None:
    say(database, "failed", GOOD, value=1.0)
    assert Support(database).pending(9) == ()
    feedbacks.withdraw("failed")
    assert Support(database).pending(9) == ("failed",)


def test_the_word_before_counts_again(database: Database, feedbacks: Feedbacks) -> None:
    first = say(database, "passed", BAD, "No units.")
    second = say(database, "passed", GOOD, value=1.0)
    assert feedbacks.withdraw("passed") == Withdrawal(second, stands=first)
    assert Trajectories(database).get("passed").score == Score(-1.0, ScoreSource.USER, "No units.")
    assert "passed" in Support(database).pending(9)
    assert feedbacks.withdraw("passed") == Withdrawal(first)
    assert feedbacks.withdraw("passed") is None
    assert Trajectories(database).get("passed").score == OUTCOME


def test_a_new_word_after_that_counts(database: Database, feedbacks: Feedbacks) -> None:
    say(database, "passed", BAD)
    feedbacks.withdraw("passed")
    say(database, "passed", BAD, "Still.")
    assert "passed" in Support(database).pending(9)
    assert Trajectories(database).get("passed").score == Score(-1.0, ScoreSource.USER, "Still.")
    feedbacks.withdraw("passed")
    assert Trajectories(database).get("passed").score == OUTCOME


def test_an_edit_is_no_word(database: Database, feedbacks: Feedbacks) -> None:
    feedbacks.add(Feedback("passed", FeedbackKind.EDITED, "x = 1"))
    assert feedbacks.withdraw("passed") is None


def test_a_decision_that_did_not_hear_of_it_is_not_written(database: Database, feedbacks: Feedbacks) -> None:
    say(database, "passed", BAD)
    heard = feedbacks.heard("passed")
    feedbacks.withdraw("passed")
    assert not Support(database).settle("passed", Decision.KEPT, "It teaches nothing.", heard=heard)


def test_support_stays_support(database: Database, skills: Skills, feedbacks: Feedbacks) -> None:
    say(database, "passed", BAD, "No units.")
    lesson = Lesson("units", Source("passed", "No units."), "")
    skills.commit_generation(Cause.EVOLVER, [skill("units")], ("passed",), lessons=[lesson])
    feedbacks.withdraw("passed")
    trajectory = Trajectories(database).get("passed")
    assert (trajectory.role, trajectory.score) == (Role.SUPPORT, OUTCOME)
    assert Support(database).settlement("passed") is not None


def test_nothing_is_taken_back_of_what_is_not_there(feedbacks: Feedbacks) -> None:
    with pytest.raises(NotFound, match="t9"):
        feedbacks.withdraw("t9")


def test_it_goes_with_its_trajectory(database: Database, feedbacks: Feedbacks) -> None:
    say(database, "passed", BAD)
    feedbacks.withdraw("passed")
    Trajectories(database).forget("passed")
    assert dump(database, "withdrawals") == []
    assert database.problems() == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE withdrawals SET at = 0",
        "DELETE FROM withdrawals",
        "INSERT OR REPLACE INTO withdrawals VALUES ('passed', 0, 0)",
        "INSERT INTO withdrawals VALUES ('passed', 2, 0)",
        "INSERT INTO withdrawals VALUES ('passed', 9, 0)",
        "INSERT INTO withdrawals VALUES ('t9', 0, 0)",
        "UPDATE trajectories SET unsettled = 0 WHERE id = 'failed'",
    ],
)
def test_what_was_taken_back_stays_so(
    database: Database, feedbacks: Feedbacks, attack: Attack, statement: str
) -> None:
    say(database, "passed", BAD)
    feedbacks.withdraw("passed")
    say(database, "passed", BAD)
    feedbacks.add(Feedback("passed", FeedbackKind.EDITED, "x = 1"))
    before = dump(database, "withdrawals", "trajectories")
    attack(statement)
    assert dump(database, "withdrawals", "trajectories") == before
