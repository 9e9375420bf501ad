import pytest

from metaclaw_jlab.core.estimate import Interval
from metaclaw_jlab.evaluation.research.measuring import composite, measured
from metaclaw_jlab.evaluation.research.records import RunState, place_of
from metaclaw_jlab.evaluation.research.report import ONE_RUN, render_report, research_report
from metaclaw_jlab.evaluation.research.stages import read_executions
from metaclaw_jlab.evaluation.research.turns import StageTurn
from tests.evaluation.research.recorded_run import lessons, rollback, stage


def run_of(tmp_path, arm, number, *, stages=18, failed=(), refines=0, codes=(0,), turns=()):
    """The result of a recorded run: so many stages, of which some failed first, and so many refine cycles."""
    place = place_of(tmp_path, arm, number)
    for one in failed:
        stage(place.output, one, end=10 * one - 5, status="failed", error="No.")
    before = read_executions(place.output)
    for one in range(1, stages + 1):
        stage(place.output, one, end=10 * one)
    for cycle in range(1, refines + 1):
        for one in (13, 14, 15):
            stage(place.output, one, end=300 * cycle + one, folder_name=f"stage-{one:02d}_v{cycle}")
    rollback(place.output, *[("refine", 13)] * refines)
    lessons(place.output, ("code_generation", "error", "No."))
    place.keep(
        RunState((*before, *read_executions(place.output)), ("k1",), len(codes), 90.0, codes, over=True)
    )
    return measured(place, turns, bridged=False)


def report(results, arms=("baseline", "skills")):
    return research_report(results, arms, config="config.yaml", topic="T", out="out")


def test_the_parts_of_a_run_are_told_beside_its_composite(tmp_path):
    found = run_of(tmp_path, "baseline", 1, failed=(4, 10), refines=2)
    assert (found["stages_done"], found["stages_total"], found["retries"], found["refine_cycles"]) == (
        18,
        23,
        2,
        2,
    )
    assert found["retry_rate"] == pytest.approx(2 / 18)
    assert found["composite"] == pytest.approx(0.4 * 18 / 23 + 0.3 * (1 - 2 / 18) + 0.3 * 0)
    assert found["lessons"] == {"error": 1}


@pytest.mark.parametrize(
    ("codes", "state"), [((0,), "finished"), ((1, 1), "failed"), ((1, None), "timed out")]
)
def test_how_a_run_ended_is_told(tmp_path, codes, state):
    assert run_of(tmp_path, "baseline", 1, codes=codes)["state"] == state


def test_the_composite_is_one_where_nothing_went_wrong():
    assert composite({"completion": 1.0, "retry_rate": 0.0, "refine_cycles": 0}) == pytest.approx(1.0)


def test_more_retries_than_stages_count_as_one_each():
    assert composite({"completion": 0.0, "retry_rate": 3.0, "refine_cycles": 9}) == 0.0


def test_one_run_has_no_interval_and_says_so(tmp_path):
    found = report([run_of(tmp_path, arm, 1) for arm in ("baseline", "skills")])
    assert found["arms"]["skills"]["composite"]["ci95"] is None
    assert found["differences"][0]["composite"]["ci95"] is None
    assert ONE_RUN in found["notes"]
    assert "from which nothing follows" in render_report(found)


def test_intervals_are_over_runs(tmp_path):
    runs = [run_of(tmp_path, "baseline", number, stages=10 + number) for number in range(1, 7)]
    found = report(runs, ("baseline",))["arms"]["baseline"]["completion"]
    low, high = found["ci95"]
    assert found["runs"] == [(10 + number) / 23 for number in range(1, 7)]
    assert Interval(found["mean"], low, high).low < found["mean"] < high


def test_few_runs_that_differ_show_no_difference(tmp_path):
    runs = [run_of(tmp_path, "baseline", number, stages=12) for number in (1, 2)]
    runs += [run_of(tmp_path, "skills", number, stages=20) for number in (1, 2)]
    (found,) = report(runs)["differences"]
    assert found["completion"]["mean"] == pytest.approx(8 / 23)
    assert "no difference is shown" in found["sentence"]


def test_many_runs_that_all_differ_show_one(tmp_path):
    runs = [run_of(tmp_path, "baseline", number, stages=12, refines=2) for number in range(1, 13)]
    runs += [run_of(tmp_path, "skills", number, stages=23) for number in range(1, 13)]
    (found,) = report(runs)["differences"]
    assert ": a difference is shown" in found["sentence"]


def test_the_table_tells_skills_by_stage(tmp_path):
    turn = StageTurn("t1", 0.0, "peer_review", "time", ("cite-well",), 1, 1, 10, 5)
    text = render_report(
        report([run_of(tmp_path, "baseline", 1), run_of(tmp_path, "skills", 1, turns=(turn,))])
    )
    assert "skills, peer_review: cite-well x1" in text
    assert "18 of 23" in text
    assert "1 of 1 turns carried no X-AutoRC-Stage" in text
