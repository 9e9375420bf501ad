import json

import pytest

from tests.evaluation.metaclaw_bench.small_bench import change_json, write_bench, write_json


@pytest.fixture
def data(tmp_path):
    return write_bench(tmp_path / "bench")


def test_without_a_policy_the_data_is_looked_over(metaclaw, data):
    ran = metaclaw("bench", "metaclaw-bench", "--data", data)
    assert ran.code == 0
    assert "Small: 2 days, 5 rounds, no fault found." in ran.out
    assert "15.0 %" in ran.out


def test_policies_are_arms_of_one_report(metaclaw, data):
    ran = metaclaw("bench", "metaclaw-bench", "--data", data, "--policy", "null,select-all,answers", "--json")
    assert ran.code == 0
    assert {arm: found["accuracy"] for arm, found in ran.json["arms"].items()} == pytest.approx(
        {"null": 0, "select-all": 0.15, "answers": 0.4}
    )
    assert ran.json["floor"] == {"select_all": pytest.approx(0.15)}
    assert [day["id"] for day in ran.json["days"]] == ["day01", "day02"]
    assert "environment without secrets" in ran.json["protections"]
    assert "null day01" in ran.err


def test_some_days_may_be_asked_for(metaclaw, data):
    ran = metaclaw(
        "bench", "metaclaw-bench", "--data", data, "--policy", "answers", "--days", "day02", "--json"
    )
    assert ran.json["arms"]["answers"]["rounds"] == 2


def test_days_that_were_kept_are_not_run_again(metaclaw, data, tmp_path):
    words = (
        "bench",
        "metaclaw-bench",
        "--data",
        data,
        "--policy",
        "answers",
        "--out",
        tmp_path / "kept",
        "--json",
    )
    first = metaclaw(*words).json
    kept = tmp_path / "kept/answers/day01.json"
    change_json(kept, lambda record: record["result"]["rounds"][0].update(score=1.0))
    again = metaclaw(*words).json
    assert again["arms"]["answers"]["accuracy"] == pytest.approx(first["arms"]["answers"]["accuracy"] + 1 / 5)


def test_result_files_are_scored_again(metaclaw, data, tmp_path):
    entry = {"test_id": "day02", "group_id": "day02", "round_id": "r1", "answer": r"\bbox{B}"}
    write_json(tmp_path / "theirs/day02/day02/r1/infer_result.json", entry)
    ran = metaclaw("bench", "metaclaw-bench", "--data", data, "--rescore", tmp_path / "theirs")
    assert ran.code == 0
    assert "theirs  1       100.0 %" in ran.out
    assert "4 rounds have no result and count nowhere: day01/r1" in ran.out


def test_faults_are_told_and_nothing_is_run(metaclaw, data):
    change_json(data / "eval/day01/questions.json", lambda day: day["rounds"][0].pop("question"))
    ran = metaclaw("bench", "metaclaw-bench", "--data", data, "--policy", "null", "--json")
    assert ran.code == 1
    assert (
        "eval/day01/questions.json (day01, r1): `question` is missing."
        in json.loads(ran.out)["error"]["cause"]
    )


@pytest.mark.parametrize(
    "words",
    [("--policy", "gpt"), ("--days", "day77"), ("--parallel", "0"), ("--policy", "null", "--rescore", "x")],
)
def test_what_cannot_be_asked_for_is_a_usage_error(metaclaw, data, words):
    assert metaclaw("bench", "metaclaw-bench", "--data", data, *words).code == 2


def test_a_folder_without_the_benchmark_is_a_usage_error(metaclaw, tmp_path):
    assert metaclaw("bench", "metaclaw-bench", "--data", tmp_path).code == 2
