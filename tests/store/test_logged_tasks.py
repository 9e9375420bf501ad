"""Which of the user's tasks can be done again."""

from __future__ import annotations

from metaclaw_jlab.core.task import Check, CheckKind, Origin, Task
from metaclaw_jlab.core.trajectory import Purpose
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.logged_tasks import Replayable, replayable, tasks_of
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import START, ended, opened

CHECKS = (Check(CheckKind.EXPRESSION, "total == 12"),)


def asked(text: str, *, checks: tuple[Check, ...] = CHECKS) -> Task:
    return Task(text, checks=checks, origin=Origin("a.ipynb", "c1"))


def logged(database: Database, id_: str, task: Task, *, start: bool = True, **changes: object) -> None:
    Trajectories(database).record(ended(id_, task=task, **changes))
    if start:
        StartStates(database).keep(id_, START)


def test_of_each_task_the_newest_attempt_counts_and_the_newest_come_first(database: Database) -> None:
    for id_, text in (("a1", "Add"), ("b1", "Count"), ("a2", "Add")):
        logged(database, id_, asked(text))
    assert replayable(database, ()) == Replayable(("a2", "b1"))


def test_what_is_left_out_is_counted_by_task(database: Database) -> None:
    logged(database, "a1", asked("Add", checks=()))
    logged(database, "a2", asked("Add", checks=()))
    logged(database, "b1", asked("Count"), start=False)
    logged(database, "c1", asked("Draw"))
    learnt = {asked("draw ").text_sha256}
    assert replayable(database, learnt) == Replayable((), learnt_from=1, without_checks=1, without_start=1)


def test_an_older_attempt_with_its_start_stands_for_a_newer_one_without(database: Database) -> None:
    logged(database, "a1", asked("Add"))
    logged(database, "a2", asked("Add"), start=False)
    assert replayable(database, ()) == Replayable(("a1",))


def test_what_only_measured_and_what_is_open_is_no_task_of_the_users(database: Database) -> None:
    logged(database, "a1", asked("Add"), start=False, purpose=Purpose.ABLATION)
    Trajectories(database).record(opened("b1", task=asked("Count")))
    assert replayable(database, ()) == Replayable(())


def test_only_the_last_are_looked_at(database: Database) -> None:
    for number in range(4):
        logged(database, f"a{number}", asked(f"Add {number}"))
    assert replayable(database, (), 2).ids == ("a3", "a2")


def test_tasks_come_back_as_they_were_asked(database: Database) -> None:
    logged(database, "a1", asked("Add"))
    assert tasks_of(database, ["a1", "gone"]) == {"a1": asked("Add")}
