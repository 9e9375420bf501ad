import json
from dataclasses import replace
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import BenchmarkInvalid, UsageMistake
from metaclaw_jlab.evaluation.metaclaw_bench.loader import load_benchmark
from metaclaw_jlab.evaluation.metaclaw_bench.report import (
    Prices,
    arm_report,
    bench_report,
    render_report,
    select_all_floor,
)
from metaclaw_jlab.evaluation.metaclaw_bench.rescoring import rescore
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import CheckOutcome, DayResult, RoundResult, Spent
from tests.evaluation.metaclaw_bench.small_bench import change_json, choice, write_json


def result(round_: str, kind: str, score: float, failure: str | None = None) -> RoundResult:
    return RoundResult(round_, kind, score, score == 1, "", failure=failure)


RESULTS = (
    DayResult(
        "day01",
        (result("r1", "file_check", 1), result("r2", "multi_choice", 0.75), result("r3", "file_check", 0)),
    ),
    DayResult("day02", (result("r1", "multi_choice", 1), result("r2", "file_check", 0, "Nothing answers."))),
)


def test_the_shares_are_those_of_the_publication():
    found = arm_report(RESULTS)
    assert found["accuracy"] == pytest.approx(2.75 / 5)
    assert found["completion"] == pytest.approx(1 / 3)
    assert found["exact_match"] == pytest.approx(1 / 2)
    assert found["rounds"] == 5
    low, high = found["ci95"]
    assert low <= 0.55 <= high


def test_rounds_without_an_answer_are_counted_with_an_example():
    assert arm_report(RESULTS)["failures"] == {"n": 1, "example": "Nothing answers."}


def test_the_floor_is_all_options_and_no_file_work(small):
    assert select_all_floor(small) == pytest.approx((0 + 0.5 + 0 + 0.25 + 0) / 5)


def test_the_report_is_json_and_has_every_round(small):
    report = json.loads(json.dumps(bench_report(small, {"mine": RESULTS})))
    assert set(report["arms"]["mine"]) >= {"accuracy", "completion", "exact_match", "rounds", "ci95"}
    assert report["floor"] == {"select_all": select_all_floor(small)}
    scores = [[one["score"] for one in day["arms"]["mine"]["results"]] for day in report["days"]]
    assert scores == [[1, 0.75, 0], [1, 0]]


def test_the_table_stands_beside_the_floor(small):
    text = render_report(bench_report(small, {"mine": RESULTS}))
    assert "mine  5       55.0 %" in text
    assert "The floor, all options selected and no file work, is 15.0 % accuracy." in text
    assert "clustered by day" in text


def test_shares_of_nothing_are_none():
    found = arm_report([DayResult("day01", (result("r1", "file_check", 1),))])
    assert found["exact_match"] is None
    assert found["exact_match_ci95"] is None


def test_what_an_arm_took_is_told_with_what_feedback_alone_took():
    spent = RoundResult("r1", "file_check", 1, True, "", seconds=2.0, spent=Spent(1.5, 1000, 100, 2))
    found = arm_report([DayResult("day01", (spent,), Spent(0.5, 500, 50, 1))], Prices(2.0, 10.0))
    assert found["tokens"] == {"prompt": 1500, "completion": 150}
    assert found["cost"] == pytest.approx(0.0045)
    assert (found["seconds"], found["policy_seconds"], found["steps"]) == (2.0, 2.0, 3)


def test_without_prices_there_is_no_cost():
    assert arm_report(RESULTS)["cost"] is None


def test_notes_of_days_are_told_under_their_arm(small):
    noted = DayResult("day01", RESULTS[0].rounds, notes=("The weights were not trained: no tasks.",))
    text = render_report(bench_report(small, {"full": (noted,)}))
    assert "full: day01: The weights were not trained: no tasks." in text


def test_a_note_that_days_share_is_told_once(small):
    days = [replace(day, notes=("An endpoint answers.",)) for day in RESULTS]
    text = render_report(bench_report(small, {"full": days}))
    assert "full: day01 and 1 more: An endpoint answers." in text


# ---------------------------------------------------------------- the reference's result files


def infer_result(day: str, round_: str, kind: str, **more: object) -> dict[str, object]:
    return {
        "test_id": day,
        "group_id": day,
        "round_id": round_,
        "qa_id": round_,
        "question_type": kind,
        "question": "...",
        "status": "success",
        "run_metadata": {"started_at": 0, "finished_at": 1, "duration_ms": 1, "retry_count": 0},
        "llm_log": None,
        **more,
    }


def checked(passed: bool) -> dict[str, object]:
    return {"passed": passed, "exit_code": int(not passed), "stdout": "", "stderr": ""}


@pytest.fixture
def inferred(tmp_path):
    """What `infer` left of a run of the small benchmark, the last round missing."""
    root = tmp_path / "inferred"
    chosen = {"passed": False, "type": "multi_choice", "format_valid": True, "selected": ["B"]}
    files = [
        infer_result("day01", "r1", "file_check", answer="Done.", inline_score=checked(True)),
        # What was said of a choice at the time does not count: the answer is scored again.
        infer_result("day01", "r2", "multi_choice", answer=r"It is \bbox{A}.", inline_score=chosen),
        infer_result("day01", "r3", "file_check", answer="Done.", inline_score=checked(False)),
        infer_result("day02", "r1", "multi_choice", status="failed", error="Exit code 1"),
    ]
    for file in files:
        write_json(path_of(root, str(file["test_id"]), str(file["round_id"])), file)
    return root


def path_of(root: Path, day: str, round_: str) -> Path:
    return root / day / day / round_ / "infer_result.json"


def test_result_files_are_scored_again(small, inferred):
    found = rescore(inferred, small)
    assert [[one.score for one in day.rounds] for day in found.results] == [[1, 0.75, 0], [0]]
    assert found.results[1].rounds[0].failure == "Exit code 1"


def test_rounds_without_a_file_are_named(small, inferred):
    assert rescore(inferred, small).missing == ("day02/r2",)


def test_a_check_that_was_not_recorded_is_a_zero_and_named(small, inferred):
    change_json(path_of(inferred, "day01", "r1"), lambda entry: entry.pop("inline_score"))
    found = rescore(inferred, small)
    assert found.unchecked == ("day01/r1",)
    assert found.results[0].rounds[0].score == 0


def test_the_folders_tell_what_a_file_does_not(small, inferred):
    def without_names(entry):
        for name in ("test_id", "group_id", "round_id", "qa_id"):
            del entry[name]

    before = rescore(inferred, small)
    change_json(path_of(inferred, "day01", "r2"), without_names)
    assert rescore(inferred, small) == before


def test_files_of_several_groups_are_told_apart(folder, tmp_path):
    path = folder / "eval/day01/questions.json"
    write_json(path, [json.loads(path.read_text()), {"id": "evening", "rounds": [choice("r1")]}])
    for group, answer in (("day01", "none"), ("evening", r"\bbox{A,C}")):
        entry = infer_result("day01", "r1", "multi_choice", answer=answer, group_id=group)
        write_json(tmp_path / "theirs" / group / "infer_result.json", entry)
    found = rescore(tmp_path / "theirs", load_benchmark(folder))
    assert [(one.round, one.score) for one in found.results[0].rounds] == [("day01/r1", 0), ("evening/r1", 1)]


def test_files_of_other_days_may_be_passed_over(folder, inferred):
    found = rescore(inferred, load_benchmark(folder, ["day02"]), others=True)
    assert [day.day for day in found.results] == ["day02"]
    with pytest.raises(BenchmarkInvalid, match="no such round"):
        rescore(inferred, load_benchmark(folder, ["day02"]))


def test_a_check_that_ran_out_of_time_failed(small, inferred):
    late = {"passed": False, "exit_code": -1, "stdout": "", "stderr": "Timeout after 30.0s"}
    change_json(path_of(inferred, "day01", "r1"), lambda entry: entry.update(inline_score=late))
    (one, *_) = rescore(inferred, small).results[0].rounds
    assert (one.score, one.check) == (0, CheckOutcome(False, -1, "Timeout after 30.0s"))


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda entry: entry.update(round_id="r9"), "no such round"),
        (lambda entry: entry.update(group_id="other"), "no such round"),
        (lambda entry: entry.update(round_id="r1"), "another file"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(small, inferred, change, cause):
    change_json(path_of(inferred, "day01", "r2"), change)
    with pytest.raises(BenchmarkInvalid, match=cause) as refused:
        rescore(inferred, small)
    assert "day01/day01/r2/infer_result.json" in str(refused.value)


def test_a_broken_file_is_refused_by_name(small, inferred):
    path_of(inferred, "day01", "r3").write_text("{")
    with pytest.raises(BenchmarkInvalid, match=r"r3/infer_result\.json.*cannot be read"):
        rescore(inferred, small)


def test_a_folder_without_result_files_is_refused(small, tmp_path):
    with pytest.raises(UsageMistake, match="infer_result"):
        rescore(tmp_path / "bench", small)
