import json

import pytest

from tests.evaluation.metaclaw_bench.answering import knowing
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


# ---------------------------------------------------------------- arms


@pytest.fixture
def with_policy(metaclaw, scripted_server, monkeypatch):
    """A policy that knows the answers of the small benchmark."""
    answers = {
        ("day01", "r1"): "amber",
        ("day01", "r2"): r"\bbox{A,C}",
        ("day01", "r3"): "violet",
        ("day02", "r1"): r"\bbox{B}",
        ("day02", "r2"): "grey",
    }
    scripted_server.always(knowing(answers))
    monkeypatch.setenv("METACLAW_POLICY_BASE_URL", scripted_server.base_url)
    monkeypatch.setenv("METACLAW_POLICY_MODEL", "scripted")
    monkeypatch.setenv("METACLAW_SANDBOX_UNATTENDED", "true")
    monkeypatch.setenv("METACLAW_EVOLVER_KIND", "distiller")
    return metaclaw


def test_arms_run_on_the_configured_policy_beside_sanity_policies(with_policy, data):
    words = ("--arms", "baseline,skills", "--policy", "null", "--prices", "1,2", "--json")
    ran = with_policy("bench", "metaclaw-bench", "--data", data, *words)
    assert ran.code == 0, ran.err
    assert {arm: found["accuracy"] for arm, found in ran.json["arms"].items()} == pytest.approx(
        {"null": 0, "baseline": 0.8, "skills": 0.8}
    )
    baseline = ran.json["arms"]["baseline"]
    assert baseline["completion"] == pytest.approx(2 / 3)
    assert (baseline["exact_match"], baseline["rounds"]) == (1, 5)
    assert baseline["cost"] > 0
    assert [found["arm"] for found in ran.json["comparisons"]] == ["skills"]
    assert [day["arms"]["baseline"]["accuracy"] for day in ran.json["days"]] == [1, 0.5]
    assert "15 of 15 rounds" in ran.err


def test_an_arm_may_be_written_out(with_policy, data):
    line = "warm=baseline,temperature=0.7"
    ran = with_policy("bench", "metaclaw-bench", "--data", data, "--arm", line, "--days", "day01", "--json")
    assert ran.json["arms"]["warm"]["accuracy"] == 1


def test_a_run_that_was_kept_asks_no_policy_again(with_policy, data, tmp_path, scripted_server):
    words = (
        "bench",
        "metaclaw-bench",
        "--data",
        data,
        "--arms",
        "baseline",
        "--out",
        tmp_path / "kept",
        "--json",
    )
    first = with_policy(*words).json
    asked = len(scripted_server.chats)
    assert with_policy(*words).json["arms"] == first["arms"]
    assert len(scripted_server.chats) == asked


@pytest.mark.parametrize(
    "words",
    [
        ("--arms", "nobody"),
        ("--arms", "wrong-10"),
        ("--arms", "baseline,baseline"),
        ("--arms", "baseline", "--rescore", "x"),
        ("--arm", "null=baseline,temperature=0", "--policy", "null"),
        ("--arms", "baseline", "--prices", "cheap"),
    ],
)
def test_arms_that_cannot_be_are_a_usage_error(metaclaw, data, words):
    assert metaclaw("bench", "metaclaw-bench", "--data", data, *words).code == 2
