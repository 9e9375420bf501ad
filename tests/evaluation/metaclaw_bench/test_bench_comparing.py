"""Arms held against each other, day by day; the curve; how far a run is."""

import pytest

from metaclaw_jlab.evaluation.metaclaw_bench.comparing import comparisons
from metaclaw_jlab.evaluation.metaclaw_bench.curve import render_curve, spark
from metaclaw_jlab.evaluation.metaclaw_bench.progress import Course
from metaclaw_jlab.evaluation.metaclaw_bench.report import bench_report, render_report
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import DayResult, RoundResult


def day(number, *scores):
    rounds = [
        RoundResult(f"r{place}", "file_check", float(score), score == 1, "")
        for place, score in enumerate(scores)
    ]
    return DayResult(f"day{number:02}", tuple(rounds))


def arm(*means):
    return [day(number, mean) for number, mean in enumerate(means, 1)]


def test_the_unit_is_the_day_however_many_rounds_it_has():
    one = [day(1, 1, 1, 1, 1), day(2, 0)]
    other = [day(1, 0, 0, 0, 0), day(2, 0)]
    (found,) = comparisons({"skills": one, "baseline": other}, "baseline")
    assert (found["days"], found["difference"]) == (2, 0.5)


def test_arms_are_paired_by_day():
    better = [0.2, 0.9, 0.4, 0.7, 0.1, 0.8, 0.3, 0.6]
    (found,) = comparisons(
        {"skills": arm(*(mean + 0.1 for mean in better)), "baseline": arm(*better)}, "baseline"
    )
    assert found["difference"] == pytest.approx(0.1)
    assert found["finding"] == "better"
    assert found["sentence"].startswith("skills is 10 points better than baseline: +10.0 points over 8 days")
    assert "task" not in found["sentence"] + found["test"]


def test_days_that_only_one_arm_has_count_nowhere():
    (found,) = comparisons({"skills": arm(1, 1, 0), "baseline": arm(0, 0)}, "baseline")
    assert (found["days"], found["difference"]) == (2, 1.0)


@pytest.mark.parametrize("arms", [{"baseline": arm(0, 1)}, {"skills": arm(1), "baseline": arm(0)}])
def test_where_there_is_nothing_to_compare_nothing_is(arms):
    assert comparisons(arms, "baseline") == []


def test_full_is_held_against_skills_too():
    arms = {"baseline": arm(0, 0), "skills": arm(0, 1), "full": arm(1, 1)}
    pairs = [(found["arm"], found["reference"]) for found in comparisons(arms, "baseline")]
    assert pairs == [("skills", "baseline"), ("full", "baseline"), ("full", "skills")]


def test_days_under_zero_count_as_zero():
    (found,) = comparisons({"skills": arm(-0.5, 0), "baseline": arm(0, 0)}, "baseline")
    assert found["difference"] == 0


def test_sanity_policies_are_compared_with_nothing(small):
    arms = {"null": arm(0, 0), "baseline": arm(0, 0), "skills": arm(0.5, 1)}
    found = bench_report(small, arms, reference="baseline")["comparisons"]
    assert [one["arm"] for one in found] == ["skills"]


def test_the_text_has_the_curve_of_every_arm_and_the_findings(small):
    text = render_report(
        bench_report(small, {"baseline": arm(0, 0), "skills": arm(0, 1)}, reference="baseline")
    )
    assert "day    baseline   skills\nday01     0.0 %    0.0 %\nday02     0.0 %  100.0 %" in text
    assert "skills    ▁█  first half 0.0 %, second half 100.0 %" in text
    assert "No difference shown between skills and baseline" in text
    assert "The unit of each comparison is the day" in text


def test_one_day_is_no_curve(small):
    assert render_curve(bench_report(small, {"baseline": arm(0)})) == []


def test_bars_are_on_the_whole_scale():
    assert spark([0, 0.5, 0.999, 1, -0.2]) == "▁▅██▁"


# ---------------------------------------------------------------- how far it is


class Ticking:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self):
        return self.now


def test_the_rest_is_told_from_the_rounds_that_were_run():
    said, clock = [], Ticking()
    course = Course(10, said.append, clock=clock)
    kept, ran = day(1, 1, 0, 1, 0), day(2, 1, 1)
    course.day("skills", kept, False)
    for one in ran.rounds:
        clock.now += 30
        course.round("skills", one)
    course.day("skills", ran, True)
    assert said == [
        "skills day01: 2 of 4 right, kept from before · 4 of 10 rounds",
        "skills day02: 2 of 2 right · 6 of 10 rounds, about 2 min left",
    ]


def test_each_round_is_shown_and_the_end_has_no_rest():
    shown = []
    course = Course(1, lambda _: None, shown.append, clock=Ticking())
    course.round("baseline", RoundResult("r1", "file_check", 0.0, False, ""))
    assert shown == ["baseline r1: wrong · 1 of 1 rounds"]
