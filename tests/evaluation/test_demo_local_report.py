"""The report of a measurement with a local model: shares with intervals, pairs, repairs, cost."""

from __future__ import annotations

from metaclaw_jlab.core.estimate import proportion_interval
from metaclaw_jlab.core.trajectory import StopReason
from metaclaw_jlab.evaluation.demo_local_report import local_arms_report, render_local_arms
from metaclaw_jlab.evaluation.practice_arms import Attempt, draw_households
from metaclaw_jlab.practice import Verdict

TASKS = draw_households(2, 10, houses=1, names="natural")[0].tasks


def made(arm: str, right: int, strict: int, *, repaired: int = 0, skill: int = 0) -> tuple[Attempt, ...]:
    """Ten attempts, the first of which are right, strict, repaired, or have a skill in their prompt."""
    return tuple(
        Attempt(
            arm,
            task,
            Verdict(True, index < right, index < strict, (), ""),
            StopReason.DONE,
            ("a",) if index < skill else (),
            steps=2 if index < repaired else 1,
            seconds=float(index),
            repairs=int(index < repaired),
            mended=index < repaired,
            prompt_tokens=100,
            completion_tokens=10,
        )
        for index, task in enumerate(TASKS)
    )


ATTEMPTS = {
    "baseline": made("baseline", 5, 1, repaired=7),
    "skills": made("skills", 6, 4, skill=8),
    "given_skills": made("given_skills", 9, 7, skill=10),
}


def test_tasks_right_have_wilson_intervals() -> None:
    found = local_arms_report(ATTEMPTS, 1)["task_right"]["baseline"]
    interval = proportion_interval(5, 10)
    assert found == {"n": 10, "task_right": 0.5, "ci95": [round(interval.low, 4), round(interval.high, 4)]}


def test_arms_are_paired_in_both_outcomes() -> None:
    report = local_arms_report(ATTEMPTS, 1)
    assert report["pairs"]["baseline given_skills"]["difference"] == 0.6
    assert report["pairs_task_right"]["baseline given_skills"]["difference"] == 0.4
    low, high = report["pairs_task_right"]["baseline given_skills"]["ci95"]
    assert low < 0.4 < high
    assert "skills full" not in report["pairs"]


def test_repairs_and_what_they_mended_are_counted() -> None:
    report = local_arms_report(ATTEMPTS, 1)
    assert report["repairs"]["baseline"] == {"n": 7, "steps": 7, "ran": 7, "task_right": 5}
    assert report["repairs"]["skills"]["n"] == 0


def test_prompts_with_a_skill_and_costs_are_shares_and_means() -> None:
    report = local_arms_report(ATTEMPTS, 1)
    assert report["with_skill"] == {"baseline": 0.0, "skills": 0.8, "given_skills": 1.0}
    assert report["cost"]["skills"] == {
        "seconds": 4.5,
        "prompt_tokens": 100.0,
        "completion_tokens": 10.0,
        "steps": 1.0,
    }
    assert report["share_of_distance"] == 0.5


def test_the_table_has_a_line_for_each_arm_and_pair() -> None:
    lines = render_local_arms(local_arms_report(ATTEMPTS, 1)).splitlines()
    assert lines[0].split()[:4] == ["arm", "n", "task", "right"]
    assert [line.split()[0] for line in lines[2:5]] == ["baseline", "skills", "given_skills"]
    assert "7 (5 right)" in lines[2]
    assert sum(line.startswith("baseline and skills") for line in lines) == 2
