"""Which tasks become query once they have ended, and which say why they do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.trajectory import Purpose, Role, StopReason, Trajectory
from metaclaw_jlab.learning.admission import admit_settled
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.feedback import Feedbacks
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.support import Decision, Support
from metaclaw_jlab.store.trajectories import Trajectories
from tests.learning.homes import failed, passed

SKILL = Skill("csv-semicolons", "Use when a csv is saved.", "Use semicolons")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "metaclaw.db")
    yield opened
    opened.close()


def put(database: Database, trajectory: Trajectory, start: StartState | None = StartState()) -> str:  # noqa: B008
    Trajectories(database).record(trajectory)
    if start is not None:
        StartStates(database).keep(trajectory.id, start)
    return trajectory.id


def role(database: Database, id_: str) -> Role:
    return Trajectories(database).get(id_).role


def reason(database: Database, id_: str) -> str:
    return Trajectories(database).role_reason(id_)


def test_what_passed_is_admitted(database: Database) -> None:
    id_ = put(database, passed())
    assert admit_settled(database) == 1
    assert role(database, id_) is Role.QUERY


def test_a_failure_waits_until_it_is_decided_on(database: Database) -> None:
    id_ = put(database, failed())
    assert admit_settled(database) == 0
    assert (role(database, id_), reason(database, id_)) == (Role.NEITHER, "")
    Support(database).settle(id_, Decision.EXPLAINED, "A skill says it.")
    assert admit_settled(database) == 1


def test_a_failure_that_nobody_makes_skills_of_need_not_wait(database: Database) -> None:
    id_ = put(database, failed())
    assert admit_settled(database, pending=True) == 1
    assert role(database, id_) is Role.QUERY


def test_a_failure_that_evolved_stays_support(database: Database) -> None:
    id_ = put(database, failed())
    Skills(database).commit_generation(Cause.EVOLVER, [SKILL], [id_])
    assert admit_settled(database) == 0
    assert role(database, id_) is Role.SUPPORT


def test_without_a_start_nothing_is_admitted_and_the_reason_stays(database: Database) -> None:
    bare, told = put(database, passed(), None), put(database, passed(), None)
    Trajectories(database).set_role_reason(told, "df is 120 MB.")
    assert admit_settled(database) == 0
    assert (reason(database, bare), reason(database, told)) == ("", "df is 120 MB.")


def test_what_has_a_reason_is_not_looked_at_again(database: Database) -> None:
    id_ = put(database, passed())
    Trajectories(database).set_role_reason(id_, "Its code used df.")
    assert admit_settled(database) == 0
    assert role(database, id_) is Role.NEITHER


def test_what_ran_under_an_older_generation_is_left_alone(database: Database) -> None:
    id_ = put(database, passed())
    Skills(database).commit_generation(Cause.USER, [SKILL])
    assert admit_settled(database) == 0
    assert role(database, id_) is Role.NEITHER


@pytest.mark.parametrize(
    "stop",
    [StopReason.CANCELLED, StopReason.EXPIRED, StopReason.POLICY_FAILED, StopReason.INTERRUPTED],
)
def test_what_broke_off_says_so(database: Database, stop: StopReason) -> None:
    id_ = put(database, replace(passed(), stop=stop, checks=(), score=None))
    assert admit_settled(database) == 0
    assert "nobody knows" in reason(database, id_) or "broke off" in reason(database, id_)


def test_what_its_user_ended_with_a_word_is_a_task_to_train_on(database: Database) -> None:
    score = Score(1.0, ScoreSource.USER, "")
    put(database, replace(passed(), stop=StopReason.CANCELLED, checks=(), score=score))
    assert admit_settled(database) == 1


def test_what_has_no_prompt_says_so(database: Database) -> None:
    id_ = put(database, passed(steps=()))
    assert admit_settled(database) == 0
    assert "before its policy had answered" in reason(database, id_)


def test_an_open_one_is_left_alone(database: Database) -> None:
    id_ = put(database, replace(passed(), stop=None, checks=(), score=None))
    assert admit_settled(database) == 0
    assert reason(database, id_) == ""


@pytest.mark.parametrize("purpose", [one for one in Purpose if one not in (Purpose.USER, Purpose.RETRY)])
def test_other_purposes_are_never_admitted(database: Database, purpose: Purpose) -> None:
    id_ = put(database, passed(purpose=purpose), None)
    assert admit_settled(database, pending=True) == 0
    assert role(database, id_) is Role.NEITHER


def test_only_those_asked_for_are_admitted(database: Database) -> None:
    first, second = put(database, passed()), put(database, passed())
    assert admit_settled(database, [second, "unknown"]) == 1
    assert (role(database, first), role(database, second)) == (Role.NEITHER, Role.QUERY)


def test_late_praise_lets_a_failure_in(database: Database) -> None:
    id_ = put(database, failed())
    Feedbacks(database).add(Feedback(id_, FeedbackKind.GOOD))
    assert admit_settled(database) == 1


def test_the_share_that_is_held_out_is_the_callers(database: Database) -> None:
    id_ = put(database, passed())
    admit_settled(database, held_out_share=1.0)
    assert Query(database).held_out() == (id_,)
