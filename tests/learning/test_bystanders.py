from dataclasses import replace

from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Purpose, StopReason, Trajectory
from metaclaw_jlab.learning.bystanders import MOST, bystanders
from tests.learning.homes import Ground, failed, passed, with_skill

SKILL = Skill(
    "csv-semicolons", "Use when a task speaks of: save, rows, csv.", "Write csv files with semicolons"
)
READS = "Read prices.csv and print the mean price"


def found(ground: Ground, *but: str) -> list[str]:
    return [trial.trajectory for trial in bystanders(ground.database, SKILL, ["Save the rows of csv"], but)]


def recorded(ground: Ground, trajectory: Trajectory) -> str:
    ground.record(trajectory)
    return trajectory.id


def test_a_task_that_went_well_and_speaks_of_the_same_is_one(home_ground: Ground) -> None:
    assert found(home_ground) == []
    assert [recorded(home_ground, passed(READS))] == found(home_ground)


def test_what_nothing_checks_is_one_where_it_came_to_its_end(home_ground: Ground) -> None:
    bare = replace(passed(READS), task=Task(READS), checks=())
    assert [recorded(home_ground, bare)] == found(home_ground)


def test_what_failed_or_was_called_bad_or_speaks_of_something_else_is_none(home_ground: Ground) -> None:
    recorded(home_ground, failed(READS))
    recorded(home_ground, replace(passed(READS), score=Score(-1.0, ScoreSource.USER)))
    recorded(home_ground, passed("Plot a circle"))
    recorded(home_ground, replace(passed(READS), stop=StopReason.OUT_OF_STEPS))
    recorded(home_ground, passed(READS, purpose=Purpose.SKILL_REPLAY))
    assert found(home_ground) == []


def test_what_had_the_skill_or_is_its_source_is_none(home_ground: Ground) -> None:
    source = recorded(home_ground, passed(READS))
    recorded(home_ground, with_skill(passed("Load prices.csv"), SKILL, 0))
    assert found(home_ground, source) == []


def test_the_latest_are_taken_each_text_once(home_ground: Ground) -> None:
    ids = [recorded(home_ground, passed(f"Read {name}.csv and print it")) for name in ("a", "b", "c", "c")]
    assert found(home_ground) == [ids[3], ids[1]]
    assert len(found(home_ground)) == MOST
