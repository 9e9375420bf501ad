from dataclasses import replace

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.task import Origin
from metaclaw_jlab.core.trajectory import InjectedSkill, Stamp
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.task_facets import Named, Numbered, TaskFacets, facets_of_tasks
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import TASK, ended, skill

CSV = Stamp(0, (InjectedSkill("csv", skill("csv").sha256, 1.0),), "tiny")


def test_a_new_home_has_nothing_to_narrow_by(database: Database) -> None:
    assert facets_of_tasks(database, 9) == TaskFacets((), (), ())


def test_the_notebook_with_the_most_tasks_comes_first(database: Database, trajectories: Trajectories) -> None:
    for name, notebook in (("a", "a.ipynb"), ("b", "b.ipynb"), ("c", "b.ipynb"), ("d", None)):
        trajectories.record(ended(name, task=replace(TASK, origin=Origin(notebook))))
    found = facets_of_tasks(database, 2).notebooks
    assert found == (Named("b.ipynb", 2), Named("", 1))


def test_skills_are_counted_whether_their_tasks_may_teach_or_not(
    database: Database, trajectories: Trajectories
) -> None:
    trajectories.record(ended("teaches", stamp=CSV))
    trajectories.record(ended("quiet", stamp=CSV, learn=False))
    assert facets_of_tasks(database, 9).skills == (Named("csv", 2),)


def test_the_newest_generations_are_listed(
    database: Database, trajectories: Trajectories, skills: Skills
) -> None:
    for number in range(3):
        trajectories.record(ended(f"t{number}", stamp=Stamp(number, (), "tiny")))
        skills.commit_generation(Cause.USER, [skill(f"s{number}")])
    assert facets_of_tasks(database, 2).generations == (Numbered(2, 1), Numbered(1, 1))
