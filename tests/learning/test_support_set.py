from dataclasses import replace

from metaclaw_jlab.core.evolution import FailureKind
from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import ExecutionError, Observation, Step
from metaclaw_jlab.learning.support_set import describe, pending_failures
from tests.learning.homes import SAID, Ground, failed, passed, with_skill

KEY = "sk-proj-" + "a1B2c3D4e5F6g7H8i9J0" * 2


def said(kind: FeedbackKind, text: str = "") -> Feedback:
    return Feedback("t", kind, text, at=2.0)


def test_a_failed_check_is_described_with_its_sentence() -> None:
    failure = describe(failed(), (), ())
    assert (failure.kind, failure.feedback, failure.code) == (
        FailureKind.CHECK,
        (SAID,),
        "df.to_csv('dear.csv')",
    )


def test_what_the_user_said_outweighs_the_check_and_comes_first() -> None:
    failure = describe(failed(), (said(FeedbackKind.BAD, "Use semicolons."),), ())
    assert failure.kind is FailureKind.BAD
    assert failure.feedback == ("Use semicolons.", SAID)


def test_an_edit_gives_the_code_that_ran_instead() -> None:
    edited = describe(passed(), (said(FeedbackKind.EDITED, "df.to_csv('dear.csv', sep=';')"),), ())
    assert edited.kind is FailureKind.EDITED
    assert edited.instead == "df.to_csv('dear.csv', sep=';')"


def test_an_exception_is_told_by_name_and_message() -> None:
    observation = Observation(error=ExecutionError("KeyError", "'price'"))
    raised = replace(failed(), checks=(), steps=(Step(0, (), "r", "df['price']", observation),))
    failure = describe(raised, (), ())
    assert (failure.kind, failure.feedback) == (FailureKind.EXCEPTION, ("KeyError: 'price'",))
    assert failure.observation == "KeyError: 'price'"


def test_secrets_are_out_of_everything_that_an_evolver_sees() -> None:
    steps = (Step(0, (), "r", f"key = '{KEY}'", Observation(stdout=KEY)),)
    trajectory = replace(failed(), steps=steps, task=Task(f"Call it with {KEY}"))
    failure = describe(trajectory, (said(FeedbackKind.BAD, f"not {KEY}"), said(FeedbackKind.EDITED, KEY)), ())
    assert KEY not in repr(failure)


def test_the_skills_of_the_prompt_are_those_of_then(home_ground: Ground) -> None:
    from metaclaw_jlab.core.generation import Cause

    old = Skill("csv", "Use when a csv is saved.", "old")
    home_ground.skills.commit_generation(Cause.USER, [old])
    home_ground.record(with_skill(failed(), old, 1))
    home_ground.skills.commit_generation(Cause.USER, [replace(old, body="new")])
    assert pending_failures(home_ground.database, 9)[0].failure.skills == (old,)


def test_what_passed_or_may_not_teach_does_not_wait(home_ground: Ground) -> None:
    waiting = failed()
    home_ground.record(passed("another"), failed("private", learn=False), waiting)
    assert [entry.failure.trajectory for entry in pending_failures(home_ground.database, 9)] == [waiting.id]
