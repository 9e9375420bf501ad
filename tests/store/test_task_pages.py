from dataclasses import replace

from metaclaw_jlab.core.task import Origin
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.task_pages import page_of_tasks
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import TASK, ended, opened


def test_the_newest_task_comes_first(database: Database, trajectories: Trajectories) -> None:
    for name in ("first", "second", "third"):
        trajectories.record(ended(name))
    assert [row.id for row in page_of_tasks(database, 9)] == ["third", "second", "first"]


def test_the_pages_are_all_tasks_once(database: Database, trajectories: Trajectories) -> None:
    for number in range(7):
        trajectories.record(ended(f"t{number}"))
    found: list[str] = []
    before = None
    while page := page_of_tasks(database, 3, before=before):
        found += [row.id for row in page]
        before = page[-1].number
    assert found == [f"t{number}" for number in range(6, -1, -1)]


def test_a_page_holds_no_more_than_was_asked_for(database: Database, trajectories: Trajectories) -> None:
    for number in range(5):
        trajectories.record(ended(f"t{number}"))
    assert len(page_of_tasks(database, 2)) == 2


def test_only_tasks_of_the_notebook_are_listed(database: Database, trajectories: Trajectories) -> None:
    trajectories.record(ended("here"))
    trajectories.record(ended("there", task=replace(TASK, origin=Origin("b.ipynb", "c1"))))
    trajectories.record(ended("nowhere", task=replace(TASK, origin=Origin())))
    assert [row.id for row in page_of_tasks(database, 9, notebook="b.ipynb")] == ["there"]


def test_a_row_says_what_the_trajectory_says(database: Database, trajectories: Trajectories) -> None:
    trajectories.record(ended("done"))
    trajectory, row = trajectories.get("done"), page_of_tasks(database, 1)[0]
    assert (row.text, row.notebook, row.stop, row.score, row.role, row.model) == (
        trajectory.task.text,
        trajectory.task.origin.notebook,
        trajectory.stop,
        trajectory.score,
        trajectory.role,
        trajectory.stamp.model,
    )


def test_an_open_task_has_no_end(database: Database, trajectories: Trajectories) -> None:
    trajectories.begin(opened("open"))
    assert (page_of_tasks(database, 1)[0].stop, page_of_tasks(database, 1)[0].score) == (None, None)
