"""Which query trajectories are held out for the gates: decided once, and alike for tasks that are alike."""

import pytest

from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.task import Origin, Task
from metaclaw_jlab.core.trajectory import Role, Stamp
from metaclaw_jlab.store.admission import masked
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import START, Attack, dump, ended, queried, skill


def task(text: str, cell: str | None = None, notebook: str | None = "a.ipynb") -> Task:
    return Task(text, origin=Origin(notebook, cell))


@pytest.fixture
def query(database: Database) -> Query:
    return Query(database)


def admit(database: Database, id_: str, task: Task, share: float) -> bool:
    """Record and admit; whether it is held out."""
    return Query(database).is_held_out(queried(database, ended(id_, task=task), held_out=bool(share)))


def test_about_that_share_is_held_out(database: Database) -> None:
    store = Trajectories(database)
    for number in range(300):
        word = "".join(chr(97 + int(digit)) for digit in str(number))
        store.record(ended(f"t{number}", task=task(f"Do {word}", f"c{number}")))
        StartStates(database).keep(f"t{number}", START)
        Query(database, held_out_share=0.2).admit(f"t{number}")
    assert 40 <= len(Query(database).held_out()) <= 80
    assert len(Query(database).held_out()) + len(Query(database).waiting()) == 300


def test_the_same_cell_is_on_the_same_side_in_every_home(database: Database, query: Query) -> None:
    sides = []
    for number in range(20):
        queried_id = f"t{number}"
        Trajectories(database).record(ended(queried_id, task=task("Do " + "x" * number, f"c{number}")))
        StartStates(database).keep(queried_id, START)
        query.admit(queried_id)
        sides.append(query.is_held_out(queried_id))
    assert [number for number, side in enumerate(sides) if side] == [11, 17]


@pytest.mark.parametrize(
    "text",
    [
        "Sort sales.csv by the 2nd column",
        "  sort SALES.csv   by the 2nd column\n",
        "Sort sales.csv by the 12nd column",
    ],
)
@pytest.mark.parametrize("first", [0.0, 1.0])
def test_what_is_alike_follows_the_first_one_seen(database: Database, text: str, first: float) -> None:
    assert admit(database, "t1", task("Sort sales.csv by the 2nd column", "c1"), first) == bool(first)
    assert admit(database, "t2", task(text, "c2", "other.ipynb"), 1 - first) == bool(first)


@pytest.mark.parametrize("quoted", ['"b c"', "'b c'", "`b c`", "“b c”", "«b c»"])
def test_quoted_names_do_not_tell_tasks_apart(database: Database, quoted: str) -> None:
    assert admit(database, "t1", task('Plot "a" over "x"'), 1.0)
    assert admit(database, "t2", task(f"Plot {quoted} over {quoted}"), 0.0)


def test_an_apostrophe_quotes_nothing() -> None:
    assert masked("Don't sort, the user's file isn't there") == "don't sort, the user's file isn't there"


def test_another_text_in_the_same_cell_follows(database: Database) -> None:
    assert admit(database, "t1", task("Sort it", "c1"), 1.0)
    assert admit(database, "t2", task("Sort it the other way round", "c1"), 0.0)
    assert not admit(database, "t3", task("Sort it the other way round again", "c2"), 0.0)


def test_without_a_cell_the_text_alone_decides(database: Database) -> None:
    assert admit(database, "t1", task("Sort it"), 1.0)
    assert not admit(database, "t2", task("Plot it"), 0.0)


def test_the_text_goes_before_the_cell(database: Database) -> None:
    assert admit(database, "t1", task("Sort it", "c1"), 1.0)
    assert not admit(database, "t2", task("Plot it", "c2"), 0.0)
    assert admit(database, "t3", task("Sort it", "c2"), 0.0)


def test_what_was_forgotten_still_decides(database: Database, trajectories: Trajectories) -> None:
    assert admit(database, "t1", task("Sort it", "c1"), 1.0)
    trajectories.forget("t1")
    assert admit(database, "t2", task("Sort it", "c2"), 0.0)


def test_a_new_generation_changes_no_side(database: Database, skills: Skills) -> None:
    assert admit(database, "t1", task("Sort it", "c1"), 1.0)
    skills.commit_generation(Cause.USER, [skill("a")])
    again = ended("t2", task=task("Sort it", "c1"), stamp=Stamp(1, (), "tiny"))
    queried(database, again)
    assert Query(database).is_held_out("t2")
    assert Query(database).held_out() == ("t2",)


def test_what_is_no_query_is_not_held_out(database: Database, query: Query) -> None:
    Trajectories(database).record(ended("t1"))
    assert not query.is_held_out("t1")
    with pytest.raises(NotFound, match="t9"):
        query.is_held_out("t9")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trajectories SET held_out = 0 WHERE id = 't1'",
        "UPDATE trajectories SET held_out = NULL WHERE id = 't1'",
        "UPDATE OR REPLACE trajectories SET held_out = 0, role = 'query' WHERE id = 't1'",
        # Of a trajectory that is no query yet:
        "UPDATE trajectories SET held_out = 1 WHERE id = 't2'",
        "UPDATE trajectories SET role = 'query' WHERE id = 't2'",
        "UPDATE trajectories SET role = 'query', held_out = 2 WHERE id = 't2'",
        # Of one with the text of the one that is held out:
        "UPDATE trajectories SET role = 'query', held_out = 0 WHERE id = 't2'",
        "DELETE FROM task_shares",
        "UPDATE task_shares SET held_out = 0",
        "INSERT OR REPLACE INTO task_shares SELECT sha256, 0 FROM task_shares",
    ],
)
def test_a_side_is_for_ever(database: Database, attack: Attack, statement: str) -> None:
    admit(database, "t1", task("Sort it", "c1"), 1.0)
    Trajectories(database).record(ended("t2", task=task("Sort  it", "c2")))
    StartStates(database).keep("t2", START)
    before = dump(database, "task_shares")
    attack(statement)
    assert dump(database, "task_shares") == before
    assert Query(database).held_out() == ("t1",)
    assert Trajectories(database).get("t2").role is Role.NEITHER


def test_a_trajectory_is_not_born_with_a_side(attack: Attack, database: Database) -> None:
    attack(
        "INSERT INTO trajectories (id, text_sha256, task, skill_generation, skills, model, purpose, created_at,"
        " process, role, role_reason, stop_detail, checks, seconds, held_out)"
        " VALUES ('n', 'x', '{}', 0, '[]', 'm', 'user', 0, '', 'neither', '', '', '[]', 0, 0)"
    )
    assert dump(database, "trajectories") == []
