"""The figures of a report, from outcomes that are known."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from metaclaw_jlab.core.trajectory import StopReason
from metaclaw_jlab.evaluation.arm_report import arm_report, paired_report, render_arms, share_of_distance
from metaclaw_jlab.evaluation.practice_arms import Attempt
from metaclaw_jlab.practice import Verdict, task_set

RIGHT = Verdict(True, True, False, ("x",), "no")
STRICT = Verdict(True, True, True, (), "")
WRONG = Verdict(False, False, False, (), "no")
TASKS = task_set("test", 3, 60)


def attempts(arm: str, *verdicts: Verdict) -> list[Attempt]:
    return [
        Attempt(arm, task, verdicts[index % len(verdicts)], StopReason.DONE)
        for index, task in enumerate(TASKS)
    ]


@pytest.fixture
def known() -> dict[str, list[Attempt]]:
    return {"baseline": attempts("baseline", RIGHT, WRONG), "given_skills": attempts("given_skills", STRICT)}


def test_an_arm_has_exactly_the_published_keys(known: dict[str, list[Attempt]]) -> None:
    arms = arm_report(known, 3)["arms"]
    assert list(arms) == ["baseline", "given_skills"]
    assert all(set(arm) == {"n", "strict", "task_right", "ci95"} for arm in arms.values())


def test_shares_and_interval_of_known_outcomes(known: dict[str, list[Attempt]]) -> None:
    arms = arm_report(known, 3)["arms"]
    assert arms["baseline"]["strict"] == 0.0
    assert arms["baseline"]["task_right"] == 0.5
    assert arms["given_skills"]["ci95"] == [0.9398, 1.0]


@pytest.mark.parametrize("key", ["single,compound", "by_rules"])
def test_every_task_is_in_one_group_of_a_split(key: str, known: dict[str, list[Attempt]]) -> None:
    report = arm_report(known, 3)
    groups = report["by_rules"].values() if key == "by_rules" else [report[name] for name in key.split(",")]
    assert sum(group["baseline"]["n"] for group in groups) == len(TASKS)


def test_tasks_with_more_rules_than_skills_fit_are_apart(known: dict[str, list[Attempt]]) -> None:
    by_rules = arm_report(known, 2)["by_rules"]
    assert by_rules["3+"]["baseline"]["n"] == sum(len(task.rules) > 2 for task in TASKS) > 0
    assert "more than fit in a prompt" in render_arms(arm_report(known, 2))


def test_failures_are_counted_and_shown(known: dict[str, list[Attempt]]) -> None:
    known["baseline"][5] = replace(known["baseline"][5], failure="Nothing answers.")
    report = arm_report(known, 3)
    assert report["failures"]["baseline"] == {"n": 1, "example": "Nothing answers."}
    assert "1 tasks failed" not in render_arms(report)
    assert "baseline: 1 task failed and counts as wrong: Nothing answers." in render_arms(report)


def test_a_pair_that_differs_in_every_task_is_a_difference_shown(known: dict[str, list[Attempt]]) -> None:
    report = arm_report(known, 3, [("baseline", "given_skills")])
    found = report["pairs"]["baseline given_skills"]
    assert found["p_value"] == pytest.approx(2 * 0.5**60)
    assert (found["difference"], found["ci95"], found["shown"]) == (1.0, [1.0, 1.0], True)
    assert "baseline and given_skills: +1.000 (+1.000 to +1.000), paired p-value 1.7e-18" in render_arms(
        report
    )


def test_a_pair_that_may_be_chance_says_so(known: dict[str, list[Attempt]]) -> None:
    known["one"] = [*known["given_skills"][:59], replace(known["given_skills"][59], verdict=WRONG)]
    report = arm_report(known, 3, [("one", "given_skills")])
    low, high = report["pairs"]["one given_skills"]["ci95"]
    assert (low, report["pairs"]["one given_skills"]["difference"]) == (0.0, 0.0167)
    assert 0.0167 < high < 0.1
    assert render_arms(report).endswith("paired p-value 1: no difference shown")


def test_equal_outcomes_show_no_difference(known: dict[str, list[Attempt]]) -> None:
    found = paired_report(known["baseline"], known["baseline"])
    assert (found["difference"], found["ci95"], found["p_value"], found["shown"]) == (
        0.0,
        [0.0, 0.0],
        1.0,
        False,
    )


@pytest.mark.parametrize(("strict", "share"), [((1, 3), 0.25), ((3, 3), 1.0), ((0, 3), 0.0)])
def test_the_share_of_the_distance_between_two_arms(
    strict: tuple[int, int], share: float, known: dict[str, list[Attempt]]
) -> None:
    between = (STRICT,) * strict[0] + (RIGHT,) * strict[1] if strict[0] < strict[1] else (STRICT,)
    report = arm_report({**known, "skills": attempts("skills", *between)}, 3)
    assert share_of_distance(report, "baseline", "skills", "given_skills") == share


def test_without_a_distance_there_is_no_share(known: dict[str, list[Attempt]]) -> None:
    assert share_of_distance(arm_report(known, 3), "baseline", "given_skills", "baseline") is None


def test_a_report_is_json(known: dict[str, list[Attempt]]) -> None:
    report = arm_report(known, 3, [("baseline", "given_skills")])
    assert json.loads(json.dumps(report)) == report
