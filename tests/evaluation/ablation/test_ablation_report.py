"""What is told of an ablation."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from statistics import fmean

import pytest

from metaclaw_jlab.core.ablation import AblationState, Attempt
from metaclaw_jlab.core.comparison import compare, compare_all
from metaclaw_jlab.evaluation.ablation.report import ablation_report, report_of
from metaclaw_jlab.evaluation.ablation.run_folder import RunState
from tests.evaluation.ablation.made_up_runs import attempts_of, made_run, snapshot_plan, stream_plan

DONE = RunState(AblationState.DONE, of=0, created_at=1.0)


def told(plan, attempts, **parts):
    found = tuple(attempts)
    return report_of(7, plan, replace(DONE, **{"of": len(found), **parts}), found)


def find(report, arm, reference):
    (one,) = [one for one in report["comparisons"] if (one["arm"], one["reference"]) == (arm, reference)]
    return one


def test_a_run_is_read_and_told_as_json(tmp_path):
    plan = stream_plan()
    run = made_run(tmp_path, plan)
    report = ablation_report(run)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert (report["number"], report["state"], report["done"]) == (run.number, "done", report["of"])
    assert report["seconds"] == 60.0
    assert "Told." in report["notes"]


def test_a_mean_counts_each_task_once_however_often_it_was_attempted():
    attempts = [
        *(Attempt("baseline", "often", 1, sample, 1.0) for sample in range(9)),
        Attempt("baseline", "once", 1, 0, 0.0),
    ]
    assert told(snapshot_plan("baseline"), attempts)["arms"]["baseline"]["mean"] == 0.5


def test_comparisons_are_those_of_the_statistics_with_their_correction():
    plan = snapshot_plan(samples=2)
    attempts = list(attempts_of(plan))
    report = told(plan, attempts)
    for expected in compare_all([one.outcome() for one in attempts], "baseline"):
        found = find(report, expected.arm, "baseline")
        assert found["difference"] == pytest.approx(expected.difference.estimate, abs=1e-4)
        assert (found["p"], found["adjusted"]) == (expected.p_value, expected.adjusted)
        assert found["tasks"] == 60


def test_the_papers_second_step_is_compared_too():
    report = told(plan := snapshot_plan("baseline,skills,full"), attempts_of(plan))
    assert [(one["arm"], one["reference"]) for one in report["comparisons"]] == [
        ("skills", "baseline"),
        ("full", "baseline"),
        ("full", "skills"),
    ]


@pytest.mark.parametrize("reference", ["skills", "full"])
def test_the_second_step_is_not_compared_twice(reference):
    plan = snapshot_plan("baseline,skills,full", reference=reference)
    pairs = [
        frozenset((one["arm"], one["reference"])) for one in told(plan, attempts_of(plan))["comparisons"]
    ]
    assert len(pairs) == len(set(pairs)) == 2


def test_trainings_are_told_one_by_one_and_never_pooled():
    plan = stream_plan()
    attempts = list(attempts_of(plan))
    report = told(plan, attempts)
    assert [(one["arm"], one["reference"]) for one in report["comparisons"]] == [("skills", "baseline")]
    against_baseline, against_skills = report["training_seeds"]
    assert (against_baseline["arm"], against_baseline["reference"]) == ("full", "baseline")
    assert (against_skills["arm"], against_skills["reference"]) == ("full", "skills")
    assert [one["seed"] for one in against_baseline["seeds"]] == [1, 2, 3]
    worst = min(against_baseline["seeds"], key=lambda one: one["difference"])
    assert against_baseline["worst"] == worst["seed"]
    assert f"the worst is seed {worst['seed']}" in against_baseline["sentence"]
    of_seed = [one.outcome() for one in attempts if one.seed == 2 and one.day is None]
    assert against_baseline["seeds"][1]["p"] == compare(of_seed, "full", "baseline").p_value


def test_where_the_reference_is_trained_its_trainings_are_told():
    plan = stream_plan("full,baseline")
    report = told(plan, attempts_of(plan))
    assert report["comparisons"] == []
    assert [(one["arm"], one["reference"]) for one in report["training_seeds"]] == [("full", "baseline")]


def test_a_trained_arm_is_better_only_where_every_training_is():
    plan = stream_plan("baseline,full")
    lucky = [
        replace(one, value=float(one.seed != 2)) if one.arm == "full" and one.day is None else one
        for one in attempts_of(plan)
    ]
    (found,) = told(plan, lucky)["training_seeds"]
    assert [one["difference"] > 0 for one in found["seeds"]] == [True, False, True]
    assert found["finding"] == "not shown"


def test_the_family_holds_trainings_beside_pooled_comparisons():
    plan = stream_plan()
    report = told(plan, attempts_of(plan))
    hardest = [max(seed["p"] for seed in one["seeds"]) for one in report["training_seeds"]]
    (pooled,) = report["comparisons"]
    assert pooled["adjusted"] == pytest.approx(3 * min([pooled["p"], *hardest]))


def test_what_was_learnt_in_one_stream_may_be_luck():
    one, three = stream_plan("baseline,skills", seeds=(1,)), stream_plan("baseline,skills")
    assert any("learnt once in one stream" in note for note in told(one, attempts_of(one))["notes"])
    assert any("once in each of 3 streams" in note for note in told(three, attempts_of(three))["notes"])


def test_in_a_snapshot_nothing_is_trained():
    report = told(plan := snapshot_plan("baseline,full"), attempts_of(plan))
    assert report["training_seeds"] == []
    assert find(report, "full", "baseline")["tasks"] == 60


def test_tasks_of_the_days_count_in_the_curve_alone():
    plan = stream_plan()
    attempts = list(attempts_of(plan))
    report = told(plan, attempts)
    assert report["arms"]["skills"]["tasks"] == 120
    assert report["arms"]["skills"]["attempts"] == 120 + 72
    by_day = defaultdict(list)
    for one in attempts:
        if one.arm == "skills" and one.day is not None:
            by_day[one.day].append(one.value)
    assert [(point["day"], point["n"]) for point in report["days"]["skills"]] == [(1, 24), (2, 24), (3, 24)]
    for point in report["days"]["skills"]:
        assert point["mean"] == pytest.approx(fmean(by_day[point["day"]]), abs=1e-4)
        assert point["ci95"][0] <= point["mean"] <= point["ci95"][1]


def test_only_streams_have_days_and_seeds_of_their_own():
    report = told(plan := snapshot_plan(), attempts_of(plan))
    assert report["days"] is None
    assert "by_seed" not in report["arms"]["baseline"]


def test_of_a_run_that_goes_on_only_what_both_did_is_compared():
    plan = snapshot_plan("baseline,skills")
    whole = list(attempts_of(plan))
    part = [one for one in whole if one.arm == "baseline" or int(one.task[1:]) < 10]
    report = told(plan, part, of=len(whole), state=AblationState.RUNNING)
    assert find(report, "skills", "baseline")["tasks"] == 10
    assert report["arms"]["baseline"]["tasks"] == 60
    assert any("100 of 240 attempts are missing" in note for note in report["notes"])
    assert report["verdict"].startswith("So far (140 of 240 attempts): ")


def test_a_task_that_two_arms_did_with_other_seeds_is_no_pair():
    plan = snapshot_plan("baseline,skills")
    report = told(plan, [Attempt("baseline", "t", 1, 0, 0.0), Attempt("skills", "t", 2, 0, 1.0)])
    assert report["comparisons"] == []
    assert "skills and baseline have no task in common yet." in report["notes"]


def test_an_arm_without_attempts_has_no_mean():
    plan = stream_plan()
    report = told(plan, [one for one in attempts_of(plan) if one.arm != "full"], of=999)
    assert (report["arms"]["full"]["mean"], report["arms"]["full"]["ci95"]) == (None, None)
    assert report["days"]["full"] == []
    assert report["training_seeds"] == []


def test_a_plan_without_attempts_is_told_too():
    report = told(stream_plan(), [], of=500, state=AblationState.PLANNED)
    assert report["verdict"] == "Nothing has been attempted yet."


def test_cost_is_reckoned_from_the_prices_of_all_attempts():
    plan = stream_plan()
    report = told(plan, attempts_of(plan))
    assert report["arms"]["full"]["tokens"] == 192 * 110
    assert report["arms"]["full"]["cost"] == pytest.approx(192 * (100 * 1 + 10 * 2) / 1e6)


def test_failures_are_counted_with_an_example():
    attempts = [
        Attempt("baseline", "a", 1, 0, 0.0, failure="The endpoint went away."),
        Attempt("baseline", "b", 1, 0, 1.0),
    ]
    found = told(snapshot_plan("baseline"), attempts)["arms"]["baseline"]
    assert found["failures"] == {"n": 1, "example": "The endpoint went away."}
    assert found["mean"] == 0.5
