"""The one sentence that people read."""

from __future__ import annotations

from metaclaw_jlab.core.ablation import AblationState
from metaclaw_jlab.evaluation.ablation.report import report_of
from metaclaw_jlab.evaluation.ablation.run_folder import RunState
from tests.evaluation.ablation.made_up_runs import SHARES, attempts_of, snapshot_plan, stream_plan


def said(plan, shares=SHARES):
    attempts = tuple(attempts_of(plan, shares))
    return report_of(1, plan, RunState(AblationState.DONE, of=len(attempts)), attempts)["verdict"]


def test_it_says_first_that_learning_helped():
    verdict = said(snapshot_plan())
    assert verdict.startswith("Learning helped: skills is ")
    assert "points better than baseline (95 % interval +" in verdict
    assert "no difference shown between placebo and baseline" in verdict


def test_it_says_that_nothing_was_shown_and_what_it_would_take():
    verdict = said(snapshot_plan("baseline,skills"), {"baseline": 0.4, "skills": 0.4})
    assert verdict.startswith(
        "It is not shown that learning helped: no difference shown between skills and baseline"
    )
    assert "where 5 points would take about " in verdict


def test_it_says_that_learning_did_harm():
    assert said(snapshot_plan("baseline,skills"), {"baseline": 0.8, "skills": 0.3}).startswith(
        "Learning did harm: skills is "
    )


def test_a_placebo_is_no_learning():
    assert said(snapshot_plan("baseline,placebo"), {"baseline": 0.2, "placebo": 0.8}).startswith(
        "placebo is "
    )


def test_where_the_reference_has_learnt_the_question_is_another():
    assert said(snapshot_plan("skills,baseline")).startswith("baseline is ")


def test_trainings_are_told_with_the_worst():
    verdict = said(stream_plan("baseline,full"))
    assert verdict.startswith(
        "Learning helped: full is better than baseline in each of 3 trainings (the worst at +"
    )


def test_one_training_is_told_to_be_one():
    verdict = said(stream_plan("baseline,full", seeds=(1,)))
    assert "in its one training, and how much of that is luck is not known" in verdict


def test_one_arm_has_nothing_to_be_compared_with():
    assert said(snapshot_plan("baseline")) == "There is one arm alone, and nothing to compare it with."
