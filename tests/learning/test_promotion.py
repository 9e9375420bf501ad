import pytest

from metaclaw_jlab.core.gate import Comparison, GateReport, Paired, Verdict
from metaclaw_jlab.learning.promotion import Demands, decide, level_at


def pairs(wins: int, losses: int, tasks: int) -> list[Paired]:
    scores = [(1.0, 0.0)] * wins + [(0.0, 1.0)] * losses + [(1.0, 1.0)] * (tasks - wins - losses)
    return [Paired(f"task-{n}", *both) for n, both in enumerate(scores)]


STEADY = {"base/T=0": pairs(5, 5, 200), "best/T=0": pairs(5, 5, 200)}
BETTER = pairs(80, 40, 400)


def named(report: GateReport, name: str) -> Comparison:
    return next(one for one in report.comparisons if one.name == name)


def test_a_gain_without_a_regression_is_promoted_with_its_numbers() -> None:
    report = decide(BETTER, STEADY, looks=1)
    assert report.verdict is Verdict.PROMOTE
    assert "Mean gain 0.10 (0.05 to 0.15) over 400 held-out tasks" in report.reason
    assert report.missing == 0


def test_every_comparison_is_reported() -> None:
    report = decide(BETTER, STEADY, looks=1, lengths=(20.0, 18.0), kl_to_base=0.1)
    assert [one.name for one in report.comparisons] == [
        "gain",
        "regression/base/T=0",
        "regression/best/T=0",
        "length",
        "kl",
    ]
    assert (named(report, "gain").candidate, named(report, "gain").reference) == (0.9, 0.8)


def test_twelve_tasks_are_not_enough_and_the_report_says_how_many_are_missing() -> None:
    report = decide(pairs(12, 0, 12), STEADY, looks=1)
    assert (report.verdict, report.missing) == (Verdict.INSUFFICIENT, 38)
    assert "38 more tasks" in report.reason


def test_no_tasks_are_not_enough() -> None:
    report = decide([], STEADY, looks=1)
    assert (report.verdict, report.missing) == (Verdict.INSUFFICIENT, Demands().fewest)


def test_five_wins_of_five_differing_tasks_do_not_promote() -> None:
    report = decide(pairs(5, 0, 400), STEADY, looks=1)
    assert report.verdict is not Verdict.PROMOTE
    assert decide(pairs(5, 0, 60), STEADY, looks=1).verdict is Verdict.INSUFFICIENT


def test_what_is_missing_grows_with_the_discordance() -> None:
    calm, noisy = decide(pairs(12, 5, 100), STEADY, looks=1), decide(pairs(32, 25, 100), STEADY, looks=1)
    assert calm.verdict is noisy.verdict is Verdict.INSUFFICIENT
    assert 0 < calm.missing < noisy.missing


def test_a_candidate_made_worse_is_rejected() -> None:
    report = decide(pairs(40, 80, 400), STEADY, looks=1)
    assert report.verdict is Verdict.REJECT
    assert "worse" in report.reason


def test_a_candidate_clearly_worse_is_rejected_by_few_tasks() -> None:
    assert decide(pairs(0, 6, 12), STEADY, looks=1).verdict is Verdict.REJECT


def test_a_candidate_that_changes_nothing_is_rejected() -> None:
    report = decide(pairs(0, 0, 400), STEADY, looks=1)
    assert report.verdict is Verdict.REJECT
    assert "least worth having" in report.reason


def test_a_regression_against_the_best_ever_is_rejected_whatever_the_gain() -> None:
    report = decide(BETTER, {**STEADY, "best/T=0.7": pairs(10, 40, 200)}, looks=1)
    assert report.verdict is Verdict.REJECT
    assert "best/T=0.7" in report.reason
    assert [one.name for one in report.comparisons if not one.passed] == ["regression/best/T=0.7"]


def test_a_drop_that_is_not_ruled_out_is_not_enough_evidence() -> None:
    report = decide(BETTER, {"base/T=0": pairs(12, 20, 200)}, looks=1)
    assert report.verdict is Verdict.INSUFFICIENT
    assert "a drop of 0.08 is not ruled out; about 445 more tasks" in report.reason


def test_a_few_dozen_tasks_rule_no_regression_out() -> None:
    assert decide(BETTER, {"base/T=0": pairs(0, 0, 30)}, looks=1).verdict is Verdict.INSUFFICIENT
    assert decide(BETTER, {"base/T=0": pairs(0, 0, 40)}, looks=1).verdict is Verdict.PROMOTE


def test_nothing_is_promoted_without_a_regression_set() -> None:
    assert decide(BETTER, {}, looks=1).verdict is Verdict.INSUFFICIENT
    assert decide(BETTER, {"base/T=0": []}, looks=1).verdict is Verdict.INSUFFICIENT


def test_completions_grown_beyond_the_factor_are_rejected() -> None:
    report = decide(BETTER, STEADY, looks=1, lengths=(50.0, 20.0))
    assert report.verdict is Verdict.REJECT
    assert "50.0 tokens in the mean against 20.0" in report.reason


@pytest.mark.parametrize("kl", [1.4, float("nan")])
def test_a_policy_far_from_its_base_is_rejected(kl: float) -> None:
    assert decide(BETTER, STEADY, looks=1, kl_to_base=kl).verdict is Verdict.REJECT


def test_a_later_look_asks_for_more() -> None:
    gain = pairs(75, 45, 400)
    assert decide(gain, STEADY, looks=1).verdict is Verdict.PROMOTE
    assert decide(gain, STEADY, looks=5).verdict is Verdict.INSUFFICIENT


def test_the_levels_of_all_looks_sum_to_alpha() -> None:
    assert 0.0499 < sum(level_at(look) for look in range(1, 2000)) < 0.05


def test_looks_are_counted_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        decide(BETTER, STEADY, looks=0)


def test_attempts_of_one_task_count_as_one_task() -> None:
    once = decide(pairs(12, 4, 60), STEADY, looks=1)
    thrice = decide(pairs(12, 4, 60) * 3, STEADY, looks=1)
    assert named(thrice, "gain").n == 60
    assert named(thrice, "gain").difference == named(once, "gain").difference


@pytest.mark.parametrize("score", [float("nan"), -0.5, 1.5])
def test_a_score_out_of_bounds_is_an_error(score: float) -> None:
    with pytest.raises(ValueError, match="outside 0 to 1"):
        decide([Paired("one", score, 0.5)], STEADY, looks=1)
