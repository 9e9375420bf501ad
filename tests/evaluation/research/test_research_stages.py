import json

import pytest

from metaclaw_jlab.evaluation.research.stages import (
    Lesson,
    Rollback,
    dump_executions,
    latest,
    load_executions,
    merged,
    name_of,
    reached,
    read_executions,
    read_lessons,
    read_rollbacks,
    refine_iterations,
    retries,
    total_stages,
)
from tests.evaluation.research.recorded_run import BEGAN, lessons, rollback, stage


def test_executions_are_told_in_their_order(tmp_path):
    stage(tmp_path, 2, end=20)
    stage(tmp_path, 1, end=10, seconds=8.5)
    first, second = read_executions(tmp_path)
    assert (first.number, first.name, first.status, first.seconds) == (1, "topic_init", "done", 8.5)
    assert first.ended_at == BEGAN + 10
    assert second.name == "problem_decompose"


def test_stages_that_a_rollback_left_behind_count_too(tmp_path):
    stage(tmp_path, 13, end=10, folder_name="stage-13_v1")
    stage(tmp_path, 13, end=30)
    assert [one.ended_at - BEGAN for one in read_executions(tmp_path)] == [10, 30]


def test_folders_without_a_leading_zero_are_stages(tmp_path):
    stage(tmp_path, 3, end=10, folder_name="stage-3")
    assert [one.number for one in read_executions(tmp_path)] == [3]


def test_a_stage_that_is_being_written_is_not_told(tmp_path):
    stage(tmp_path, 1, end=10)
    (tmp_path / "stage-02").mkdir()
    (tmp_path / "stage-02/stage_health.json").write_text('{"status": "do')
    assert [one.number for one in read_executions(tmp_path)] == [1]


def test_a_folder_that_is_moved_is_the_same_execution(tmp_path):
    stage(tmp_path, 13, end=10)
    before = read_executions(tmp_path)
    (tmp_path / "stage-13").rename(tmp_path / "stage-13_v1")
    assert merged(before, read_executions(tmp_path)) == before


def test_what_was_seen_before_it_was_written_over_is_kept(tmp_path):
    stage(tmp_path, 10, end=10, status="failed", error="No code.")
    before = read_executions(tmp_path)
    stage(tmp_path, 10, end=30)
    both = merged(before, read_executions(tmp_path))
    assert [one.status for one in both] == ["failed", "done"]
    assert latest(both)[10].status == "done"
    assert load_executions(json.loads(json.dumps(dump_executions(both)))) == both


def test_a_stage_that_is_done_again_after_a_rollback_is_no_retry(tmp_path):
    for number in (12, 13, 14, 15):
        stage(tmp_path, number, end=number)
    for number in (13, 14, 15):
        stage(tmp_path, number, end=number, folder_name=f"stage-{number}_v1")
        stage(tmp_path, number, end=40 + number)
    rollback(tmp_path, ("refine", 13))
    assert read_rollbacks(tmp_path) == (Rollback("refine", 13),)
    found = retries(read_executions(tmp_path), read_rollbacks(tmp_path))
    assert found == {12: 0, 13: 0, 14: 0, 15: 0}


def test_a_stage_that_is_done_again_of_itself_is_a_retry(tmp_path):
    stage(tmp_path, 10, end=10, status="failed")
    before = read_executions(tmp_path)
    stage(tmp_path, 10, end=20)
    assert retries(merged(before, read_executions(tmp_path)), ()) == {10: 1}


@pytest.mark.parametrize(
    ("log", "expected"), [("[rc-1] Stage 03/25 SEARCH_STRATEGY — running...\n", 25), ("", 23), (None, 23)]
)
def test_the_log_says_how_many_stages_there_are(tmp_path, log, expected):
    if log is not None:
        (tmp_path / "log").write_text(log)
    assert total_stages(tmp_path / "log", ()) == expected


def test_the_stage_that_it_is_in_has_no_health_yet(tmp_path):
    assert reached(tmp_path) == ""
    stage(tmp_path, 1, end=10)
    (tmp_path / "heartbeat.json").write_text('{"last_stage": 1}')
    assert reached(tmp_path) == "01 topic_init"
    (tmp_path / "stage-02").mkdir()
    assert reached(tmp_path) == "02 problem_decompose"


def test_lessons_are_told_once(tmp_path):
    lessons(
        tmp_path, ("code_generation", "error", "No imports."), ("code_generation", "error", "No imports.")
    )
    with (tmp_path / "evolution/lessons.jsonl").open("a") as file:
        file.write('{"stage_name": "peer_rev')
    assert read_lessons(tmp_path) == (Lesson("code_generation", 0, "experiment", "error", "No imports."),)


def test_the_iterations_of_all_refine_stages_are_counted(tmp_path):
    for name, count in (("stage-13", 2), ("stage-13_v1", 3)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "refinement_log.json").write_text(json.dumps({"iterations": [{}] * count}))
    assert refine_iterations(tmp_path) == 5


def test_stages_have_names():
    assert (name_of(1), name_of(23), name_of(0), name_of(24)) == ("topic_init", "citation_verify", "", "")
