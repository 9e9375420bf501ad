from dataclasses import replace

import pytest

from metaclaw_jlab.core.evolution import Source
from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import CheckResult, Task
from metaclaw_jlab.core.trajectory import InjectedSkill, Purpose, Stamp, StopReason, Trajectory
from metaclaw_jlab.store.attempts import Attempt, Attempts
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.feedback import VALUES, Feedbacks
from metaclaw_jlab.store.skills import Lesson, Skills
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import TASK, ended

RULE = Skill("rule", "What it does.", "Do it.")
USED = (InjectedSkill("rule", RULE.sha256, 1.0),)


@pytest.fixture
def attempts(database: Database, skills: Skills, trajectories: Trajectories) -> Attempts:
    """Generation 1 has the rule, learnt from the failure `bad` of the task."""
    trajectories.record(ended("bad"))
    lesson = Lesson("rule", Source("bad", "No file."))
    skills.commit_generation(Cause.EVOLVER, [RULE], ["bad"], lessons=[lesson])
    return Attempts(database)


def passed(id: str, **changes: object) -> Trajectory:  # noqa: A002
    held = {"stop": StopReason.DONE, "checks": (CheckResult(TASK.checks[0], True),)}
    return ended(id, **{**held, "score": Score(1.0, ScoreSource.OUTCOME), **changes})


def unchecked(id: str, **changes: object) -> Trajectory:  # noqa: A002
    return passed(id, checks=(), score=None, **changes)


def judge(database: Database, id: str, kind: FeedbackKind) -> None:  # noqa: A002
    """The user's word, and the score that it leads to."""
    Feedbacks(database).add(Feedback(id, kind, "why"))
    Trajectories(database).score(id, Score(VALUES[kind], ScoreSource.USER))


def test_checks_tell_how_attempts_with_a_skill_went(attempts: Attempts, trajectories: Trajectories) -> None:
    trajectories.record(passed("good", stamp=Stamp(1, USED, "tiny")))
    trajectories.record(ended("worse", stamp=Stamp(1, USED, "tiny")))
    assert attempts.having("rule") == (Attempt(TASK.text_sha256, True), Attempt(TASK.text_sha256, False))


def test_what_nobody_judged_counts_as_nothing(attempts: Attempts, trajectories: Trajectories) -> None:
    trajectories.record(unchecked("unknown", stamp=Stamp(1, USED, "tiny")))
    raised = passed("raised", checks=(), stamp=Stamp(1, USED, "tiny"), stop=StopReason.OUT_OF_STEPS)
    trajectories.record(replace(raised, score=Score(-1.0, ScoreSource.OUTCOME)))
    assert attempts.having("rule") == ()


@pytest.mark.parametrize(("kind", "right"), [(FeedbackKind.GOOD, True), (FeedbackKind.BAD, False)])
def test_a_word_of_the_user_tells_where_checks_do_not(
    kind: FeedbackKind, right: bool, attempts: Attempts, trajectories: Trajectories, database: Database
) -> None:
    trajectories.record(unchecked("judged", stamp=Stamp(1, USED, "tiny")))
    judge(database, "judged", kind)
    assert [attempt.right for attempt in attempts.having("rule")] == [right]


def test_a_word_of_the_user_counts_more_than_checks(
    attempts: Attempts, trajectories: Trajectories, database: Database
) -> None:
    trajectories.record(passed("judged", stamp=Stamp(1, USED, "tiny")))
    judge(database, "judged", FeedbackKind.BAD)
    assert [attempt.right for attempt in attempts.having("rule")] == [False]


def test_the_failure_behind_a_skill_is_an_attempt_before_it(attempts: Attempts) -> None:
    assert attempts.learnt_from("rule") == {TASK.text_sha256}
    assert attempts.before("rule", 1, {TASK.text_sha256}) == (Attempt(TASK.text_sha256, False),)


def test_only_the_same_tasks_before_the_skill_count(attempts: Attempts, trajectories: Trajectories) -> None:
    trajectories.record(passed("elsewhere", task=Task("Draw a line", checks=TASK.checks)))
    trajectories.record(passed("later", stamp=Stamp(1, (), "tiny")))
    assert len(attempts.before("rule", 1, {TASK.text_sha256})) == 1


def test_what_only_measures_is_no_attempt(attempts: Attempts, trajectories: Trajectories) -> None:
    trajectories.record(passed("ablation", purpose=Purpose.ABLATION))
    assert len(attempts.before("rule", 1, {TASK.text_sha256})) == 1


def test_no_task_is_asked_for_and_none_is_found(attempts: Attempts) -> None:
    assert attempts.before("rule", 1, ()) == ()


def test_a_place_says_what_was_asked_where(attempts: Attempts) -> None:
    places = attempts.places(["bad", "gone"])
    assert list(places) == ["bad"]
    assert (places["bad"].text, places["bad"].notebook, places["bad"].cell_id) == (TASK.text, "a.ipynb", "c1")
