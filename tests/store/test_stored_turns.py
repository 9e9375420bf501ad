from dataclasses import replace

import pytest

from metaclaw_jlab.core.errors import InvariantViolation
from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.score import Score, ScoreSource, Unscored
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Purpose, Role, StopReason, Trajectory
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.feedback import Feedbacks
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.support import Support
from metaclaw_jlab.store.trajectories import Trajectories
from metaclaw_jlab.store.turns import Turn, Turns
from tests.store.samples import Attack, dump, opened, step

WRONG = Score(-1.0, ScoreSource.JUDGE, "3 of 3 votes: It has no units.")
RIGHT = Score(1.0, ScoreSource.JUDGE, "3 of 3 votes")


def turn_of(trajectory: str, **changes: object) -> Turn:
    return replace(Turn(trajectory, "s1", conversation=f"hash of {trajectory}", at=5.0), **changes)  # type: ignore[arg-type]


def proxied(trajectory: str, **changes: object) -> Trajectory:
    return opened(trajectory, task=Task("How long is it?"), purpose=Purpose.PROXY, **changes)


def begin(database: Database, trajectory: str, *, learn: bool = True, **changes: object) -> None:
    Turns(database).begin(proxied(trajectory, learn=learn), turn_of(trajectory, **changes))


def finished(database: Database, trajectory: str, **changes: object) -> None:
    begin(database, trajectory, **changes)  # type: ignore[arg-type]
    Trajectories(database).close(trajectory, StopReason.DONE)


def test_a_turn_is_a_trajectory_of_its_session(database: Database) -> None:
    begin(database, "t1", client="k1")
    begin(database, "t2", session="s2")
    begin(database, "t3", client="k1")
    turns = Turns(database)
    assert turns.of("t1") == turn_of("t1", client="k1")
    assert [turn.trajectory for turn in turns.of_session("s1", "k1")] == ["t1", "t3"]
    assert turns.of("t9") is None
    assert turns.counts() == {"main": 3}


def test_a_conversation_tells_its_session(database: Database) -> None:
    begin(database, "t1", client="k1")
    turns = Turns(database)
    turns.went_on("t1", "later", 6.0)
    assert turns.session_of(["unknown", "later"], "k1") == "s1"
    assert turns.session_of(["later"], "") is None
    assert turns.session_of(["hash of t1"], "k1") is None


def test_open_turns_that_were_not_heard_of_are_silent(database: Database) -> None:
    begin(database, "t1")
    begin(database, "t2")
    finished(database, "t3")
    Turns(database).went_on("t2", "later", 9.0)
    assert Turns(database).silent(8.0) == ("t1",)


def test_no_process_owns_a_turn(database: Database) -> None:
    begin(database, "t1")
    assert Trajectories(database).interrupt_orphans(lambda _: False) == ()


def test_a_side_turn_never_teaches(database: Database) -> None:
    with pytest.raises(InvariantViolation, match="main turn"):
        begin(database, "t1", kind="side")
    begin(database, "t1", kind="side", learn=False)
    assert Turns(database).of("t1") is not None
    Trajectories(database).close("t1", StopReason.DONE)
    with pytest.raises(InvariantViolation, match="may teach"):
        StartStates(database).keep("t1", StartState())
    assert not Trajectories(database).admit("t1")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE turns SET kind = 'side'",
        "UPDATE turns SET session = 'other'",
        "DELETE FROM turns",
        "INSERT OR REPLACE INTO turns VALUES ('t1', 's1', 'main', '', '', 0)",
    ],
)
def test_whose_turn_it_was_cannot_be_told_otherwise(
    database: Database, attack: Attack, statement: str
) -> None:
    finished(database, "t1")
    before = dump(database, "turns", "trajectories")
    attack(statement)
    assert dump(database, "turns", "trajectories") == before


def test_a_turn_that_a_judge_calls_wrong_waits_to_be_learnt_from(database: Database) -> None:
    finished(database, "t1")
    finished(database, "t2")
    finished(database, "t3", learn=False)
    for trajectory, score in (("t1", WRONG), ("t2", RIGHT), ("t3", WRONG)):
        assert Turns(database).score(trajectory, score)
    assert Support(database).pending(9) == ("t1",)


def test_only_turns_fail_by_a_judge(database: Database, trajectories: Trajectories) -> None:
    trajectories.record(opened("t1", task=Task("Count"), stop=StopReason.DONE))
    trajectories.score("t1", WRONG)
    assert Support(database).pending(9) == ()


def test_what_is_unscored_is_no_failure_and_may_be_scored_later(database: Database) -> None:
    finished(database, "t1")
    turns = Turns(database)
    assert turns.unscored(9) == ("t1",)
    turns.score("t1", Unscored("No majority."))
    assert (turns.unscored(9), Support(database).pending(9)) == ((), ())
    assert turns.score("t1", RIGHT)
    assert Trajectories(database).get("t1").score == RIGHT


def test_the_users_word_outweighs_the_judge(database: Database) -> None:
    finished(database, "t1")
    Feedbacks(database).add(Feedback("t1", FeedbackKind.GOOD))
    said = Score(1.0, ScoreSource.USER)
    Trajectories(database).score("t1", said)
    Turns(database).score("t1", WRONG)
    assert (Trajectories(database).get("t1").score, Support(database).pending(9)) == (said, ())
    Feedbacks(database).withdraw("t1")
    assert (Trajectories(database).get("t1").score, Support(database).pending(9)) == (WRONG, ("t1",))


def test_a_turn_that_never_was_is_not_scored(database: Database) -> None:
    assert not Turns(database).score("t9", RIGHT)


def test_judged_main_turns_of_now_are_admissible(database: Database) -> None:
    for trajectory in ("right", "wrong", "unjudged"):
        finished(database, trajectory)
    finished(database, "side", kind="side", learn=False)
    for trajectory, score in (("right", RIGHT), ("wrong", WRONG), ("side", RIGHT)):
        Turns(database).score(trajectory, score)
    assert Turns(database).admissible() == ("right",)
    StartStates(database).keep("right", StartState())
    assert Trajectories(database).admit("right")
    assert Trajectories(database).get("right").role is Role.QUERY


def test_a_turn_that_calls_tools_is_no_proposal(database: Database, trajectories: Trajectories) -> None:
    begin(database, "t1")
    trajectories.append("t1", step(0, observed=False))
    assert trajectories.waiting() == ()
    assert trajectories.expire(99.0) == ()


def test_tasks_are_found_among_many_turns(database: Database, trajectories: Trajectories) -> None:
    trajectories.record(opened("task"))
    for number in range(5):
        finished(database, f"t{number}")
    assert [one.id for one in trajectories.recent(2, purposes=(Purpose.USER,))] == ["task"]
    assert [one.id for one in trajectories.recent(2)] == ["t4", "t3"]


def test_a_turn_is_forgotten_whole(database: Database, trajectories: Trajectories) -> None:
    begin(database, "t1")
    trajectories.forget("t1")
    assert dump(database, "turns") == []
    assert database.problems() == ()
