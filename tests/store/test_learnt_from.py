"""What a home has learnt from."""

from __future__ import annotations

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Purpose
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.learnt_from import DRAINED, SUPPORT, failures, learnt_texts
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.support import Decision, Support
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import begun, ended, queried, skill


def test_a_new_home_has_learnt_from_nothing(database: Database) -> None:
    assert learnt_texts(database) == {}
    assert failures(database) == ()


def test_what_evolved_the_library_was_learnt_from(database: Database) -> None:
    task = Task("Write the dates")
    Trajectories(database).record(ended("aa", task=task))
    Trajectories(database).record(ended("bb", task=Task("Something else")))
    Skills(database).commit_generation(Cause.EVOLVER, [skill("dates")], evidence=["aa"])
    assert learnt_texts(database) == {task.text_sha256: SUPPORT}


def test_what_a_training_took_was_learnt_from(database: Database) -> None:
    task = Task("Draw the rows")
    queried(database, ended("aa", task=task))
    run = begun(database).number
    assert Query(database).drain(["aa"], run) == ("aa",)
    assert learnt_texts(database) == {task.text_sha256: DRAINED}


def test_failures_are_those_that_wait_and_those_decided_on(database: Database) -> None:
    for id_ in ("aa", "bb", "cc"):
        Trajectories(database).record(ended(id_, task=Task(f"Task {id_}")))
    Trajectories(database).record(ended("dd", task=Task("Measured"), purpose=Purpose.ABLATION))
    Support(database).settle("bb", Decision.KEPT, "It teaches no skill.")
    Skills(database).commit_generation(Cause.EVOLVER, [skill("dates")], evidence=["cc"])
    assert failures(database) == ("aa", "bb", "cc")
