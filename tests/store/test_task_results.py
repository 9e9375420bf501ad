from dataclasses import replace

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.task import CheckResult, Origin
from metaclaw_jlab.core.trajectory import InjectedSkill, Purpose, Stamp, StopReason
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.task_results import results_by_generation
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import TASK, ended, opened, skill

PASSED = {"checks": (CheckResult(TASK.checks[0], True),), "stop": StopReason.DONE}


def right(database: Database, newest: int = 9, most: int = 9, **among: str) -> dict[int, tuple[bool, ...]]:
    return {found.number: found.right for found in results_by_generation(database, newest, most, **among)}


def test_checks_tell_in_order_of_time(database: Database, trajectories: Trajectories) -> None:
    trajectories.record(ended("failed"))
    trajectories.record(ended("passed", **PASSED))
    assert right(database) == {0: (False, True)}


def test_the_word_of_the_user_counts_before_checks(database: Database, trajectories: Trajectories) -> None:
    trajectories.record(ended("failed", score=Score(1.0, ScoreSource.USER)))
    trajectories.record(ended("unchecked", checks=(), score=Score(-1.0, ScoreSource.USER)))
    assert right(database) == {0: (True, False)}


def test_what_nothing_tells_of_does_not_count(database: Database, trajectories: Trajectories) -> None:
    trajectories.begin(opened("open"))
    trajectories.record(ended("unchecked", checks=()))
    trajectories.record(ended("judged", checks=(), score=Score(1.0, ScoreSource.JUDGE)))
    trajectories.record(ended("gate", purpose=Purpose.GATE))
    trajectories.record(ended("retried", purpose=Purpose.RETRY))
    assert right(database) == {}


def test_the_newest_generations_count_and_their_newest_tasks(
    database: Database, trajectories: Trajectories, skills: Skills
) -> None:
    for number in range(4):
        # Nothing tells how the tasks of generation 2 went.
        how = {"checks": ()} if number == 2 else {}
        trajectories.record(ended(f"a{number}", stamp=Stamp(number, (), "tiny"), **how))
        trajectories.record(ended(f"b{number}", stamp=Stamp(number, (), "tiny"), **({**PASSED, **how})))
        skills.commit_generation(Cause.USER, [skill(f"s{number}")])
    assert right(database, newest=2, most=1) == {1: (True,), 3: (True,)}


def test_a_generation_is_told_with_its_cause_and_time(
    database: Database, trajectories: Trajectories, skills: Skills
) -> None:
    skills.commit_generation(Cause.IMPORT, [skill("csv")])
    trajectories.record(ended("new", stamp=Stamp(1, (), "tiny")))
    found = results_by_generation(database, 9, 9)[0]
    assert (found.cause, found.created_at) == (Cause.IMPORT, 1.5)


def test_results_of_a_notebook_and_a_skill(database: Database, trajectories: Trajectories) -> None:
    csv = Stamp(0, (InjectedSkill("csv", skill("csv").sha256, 1.0),), "tiny")
    there = replace(TASK, origin=Origin("b.ipynb"))
    trajectories.record(ended("plain"))
    trajectories.record(ended("with", stamp=csv, **PASSED))
    trajectories.record(ended("there", task=there, **PASSED))
    trajectories.record(ended("both", task=there, stamp=csv))
    assert right(database, skill="csv") == {0: (True, False)}
    assert right(database, notebook="b.ipynb") == {0: (True, False)}
    assert right(database, notebook="b.ipynb", skill="csv") == {0: (False,)}
