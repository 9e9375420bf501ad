"""Attacks on the invariants with raw SQL, through a connection of this package and through bare ones."""

import pytest

from metaclaw_jlab.core.errors import InvariantViolation
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.trajectory import Purpose, Role, Stamp, StopReason
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import Attack, begun, dump, ended, opened, queried, skill, step

STAMP_COLUMNS = [
    "number", "id", "notebook", "cell_id", "text_sha256", "task", "skill_generation", "skills", "model", "adapter",
    "seed", "purpose", "created_at", "learn",
]  # fmt: skip
NEW_ROW = (
    "(id, text_sha256, task, skill_generation, skills, model, purpose, created_at, process, role, role_reason,"
    " stop_detail, checks, seconds) VALUES ('{id}', 'x', '{{}}', {generation}, '[]', 'm', '{purpose}', 0, '', '{role}',"
    " '', '', '[]', 0)"
)


def new_row(id: str = "n", generation: int = 0, purpose: str = "user", role: str = "neither") -> str:  # noqa: A002
    return NEW_ROW.format(id=id, generation=generation, purpose=purpose, role=role)


# Invariant 1: the stamp


@pytest.mark.parametrize("column", STAMP_COLUMNS)
def test_task_and_stamp_never_change(trajectories: Trajectories, attack: Attack, column: str) -> None:
    trajectories.record(ended("t1"))
    attack(f"UPDATE OR REPLACE trajectories SET {column} = 7")
    assert trajectories.get("t1") == ended("t1")


@pytest.mark.parametrize("verb", ["INSERT", "REPLACE", "INSERT OR REPLACE"])
def test_a_trajectory_is_not_replaced(trajectories: Trajectories, attack: Attack, verb: str) -> None:
    trajectories.record(ended("t1"))
    attack(f"{verb} INTO trajectories {new_row('t1')}")
    assert trajectories.get("t1") == ended("t1")


def test_a_trajectory_is_not_replaced_by_its_number(trajectories: Trajectories, attack: Attack) -> None:
    trajectories.record(ended("t1"))
    by_number = new_row("n").replace("(id,", "(number, id,").replace("VALUES (", "VALUES (1, ")
    attack(f"INSERT OR REPLACE INTO trajectories {by_number}")
    assert trajectories.get("t1") == ended("t1")


def test_a_forgotten_trajectory_does_not_come_back_under_another_stamp(
    trajectories: Trajectories, attack: Attack
) -> None:
    trajectories.record(ended("t1"))
    trajectories.forget("t1")
    attack(f"INSERT OR REPLACE INTO trajectories {new_row('t1')}")


@pytest.mark.parametrize("statement", ["DELETE FROM forgotten", "UPDATE forgotten SET id = 'x'"])
def test_what_was_forgotten_is_remembered_as_such(
    trajectories: Trajectories, attack: Attack, statement: str
) -> None:
    trajectories.record(ended("t1"))
    trajectories.forget("t1")
    attack(statement)


def test_a_trajectory_that_is_there_is_not_called_forgotten(
    trajectories: Trajectories, attack: Attack
) -> None:
    trajectories.record(ended("t1"))
    attack("INSERT INTO forgotten VALUES ('t1')")
    trajectories.forget("t1")


def test_a_stamp_names_a_generation_that_exists(trajectories: Trajectories, attack: Attack) -> None:
    attack(f"INSERT INTO trajectories {new_row(generation=1)}")
    with pytest.raises(InvariantViolation, match="generation that exists"):
        trajectories.begin(opened("t1", stamp=Stamp(1, (), "tiny")))


@pytest.mark.parametrize("column", ["stop", "stop_detail", "checks", "seconds"])
def test_an_end_is_final(trajectories: Trajectories, attack: Attack, column: str) -> None:
    trajectories.record(ended("t1"))
    attack(f"UPDATE trajectories SET {column} = NULL")
    assert trajectories.get("t1") == ended("t1")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE steps SET reply = 'x'",
        "UPDATE steps SET position = 7",
        "UPDATE steps SET messages = '[]'",
        "UPDATE steps SET observation = NULL",
        "DELETE FROM steps",
        "INSERT OR REPLACE INTO steps"
        " SELECT trajectory, position, 0, '[]', '', '', NULL, '[]', 0, 0, 0, NULL FROM steps",
        "UPDATE steps SET ran = 'x'",
    ],
)
def test_steps_are_final(trajectories: Trajectories, attack: Attack, statement: str) -> None:
    trajectories.record(opened("t1", steps=(step(0), step(1))))
    attack(statement)
    assert trajectories.get("t1").steps == (step(0), step(1))


# Invariant 2: roles


@pytest.mark.parametrize("role", ["support", "query", "both", ""])
def test_a_trajectory_is_not_born_with_a_role(attack: Attack, database: Database, role: str) -> None:
    attack(f"INSERT INTO trajectories {new_row(role=role)}")
    assert dump(database, "trajectories") == []


def test_support_cannot_be_recorded(trajectories: Trajectories) -> None:
    with pytest.raises(InvariantViolation, match="not recorded as support"):
        trajectories.record(ended("t1", role=Role.SUPPORT))


def test_query_cannot_be_recorded(trajectories: Trajectories) -> None:
    with pytest.raises(InvariantViolation, match="not recorded as query"):
        trajectories.record(ended("t1", role=Role.QUERY))


@pytest.mark.parametrize("role", [Role.NEITHER, Role.QUERY])
def test_nothing_becomes_support_without_a_generation(
    database: Database, trajectories: Trajectories, attack: Attack, role: Role
) -> None:
    if role is Role.QUERY:
        queried(database, ended("t1"))
    else:
        trajectories.record(ended("t1"))
    attack("UPDATE trajectories SET role = 'support'")
    assert trajectories.get("t1").role is role


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO generation_evidence VALUES ('t1', 0)",
        "INSERT OR REPLACE INTO generation_evidence VALUES ('t1', 1)",
    ],
)
def test_evidence_does_not_come_later(
    trajectories: Trajectories, skills: Skills, attack: Attack, statement: str
) -> None:
    trajectories.record(ended("t1"))
    skills.commit_generation(Cause.USER, [skill("a")])
    attack(statement)
    attack("UPDATE trajectories SET role = 'support'")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trajectories SET role = 'query'",
        "UPDATE trajectories SET role = 'neither'",
        "UPDATE OR REPLACE trajectories SET role = 'neither'",
        "DELETE FROM trajectories",
        "DELETE FROM generation_evidence",
        "UPDATE generation_evidence SET generation = 0",
        f"INSERT OR REPLACE INTO trajectories {new_row('t1')}",
        "UPDATE trajectories SET drained_at = 1",
    ],
)
def test_support_is_for_ever(
    trajectories: Trajectories, skills: Skills, attack: Attack, statement: str
) -> None:
    trajectories.record(ended("t1"))
    skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"])
    attack(statement)
    assert trajectories.get("t1") == ended("t1", role=Role.SUPPORT)


def test_a_failure_evolves_the_library_once(trajectories: Trajectories, skills: Skills) -> None:
    trajectories.record(ended("t1"))
    skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"])
    with pytest.raises(InvariantViolation, match="one generation only"):
        skills.commit_generation(Cause.EVOLVER, [skill("b")], ["t1"])
    assert skills.current_generation().number == 1


def test_feedback_still_reaches_support(trajectories: Trajectories, skills: Skills) -> None:
    trajectories.record(ended("t1"))
    skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"])
    good = Score(1.0, ScoreSource.USER)
    trajectories.score("t1", good)
    assert trajectories.get("t1").score == good


@pytest.mark.parametrize("purpose", [Purpose.ABLATION, Purpose.GATE, Purpose.BENCHMARK, Purpose.SKILL_REPLAY])
def test_what_only_measures_has_no_role_ever(
    trajectories: Trajectories, skills: Skills, attack: Attack, purpose: Purpose
) -> None:
    trajectories.record(ended("t1", purpose=purpose))
    attack("UPDATE trajectories SET role = 'query'")
    attack("UPDATE trajectories SET purpose = 'user', role = 'query'")
    with pytest.raises(InvariantViolation, match="for ever"):
        skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"])
    assert trajectories.get("t1").role is Role.NEITHER


def test_an_older_generation_is_not_queried(
    trajectories: Trajectories, skills: Skills, attack: Attack
) -> None:
    trajectories.record(ended("t1"))
    skills.commit_generation(Cause.USER, [skill("a")])
    attack("UPDATE trajectories SET role = 'query'")
    assert trajectories.get("t1").role is Role.NEITHER


def test_an_open_trajectory_is_not_queried(trajectories: Trajectories, attack: Attack) -> None:
    trajectories.begin(opened("t1"))
    attack("UPDATE trajectories SET role = 'query'")


def test_query_does_not_become_neither(database: Database, attack: Attack) -> None:
    queried(database, ended("t1"))
    attack("UPDATE trajectories SET role = 'neither'")


def test_what_was_drained_never_becomes_support(
    database: Database, trajectories: Trajectories, skills: Skills, attack: Attack
) -> None:
    queried(database, ended("t1"))
    assert Query(database).drain(["t1"], begun(database).number) == ("t1",)
    with pytest.raises(InvariantViolation, match="drained"):
        skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"])
    attack("UPDATE trajectories SET drained_at = NULL")
    attack("UPDATE trajectories SET drained_at = NULL, role = 'support'")
    assert trajectories.get("t1").role is Role.QUERY
    assert skills.current_generation().number == 0


def test_only_query_is_drained(trajectories: Trajectories, attack: Attack) -> None:
    trajectories.record(ended("t1"))
    attack("UPDATE trajectories SET drained_at = 5")
    attack("UPDATE trajectories SET role = 'query', drained_at = 5")


def test_a_late_failure_evolves_nothing_where_the_task_has_passed_since(
    trajectories: Trajectories, skills: Skills
) -> None:
    trajectories.record(ended("t1"))
    skills.commit_generation(Cause.USER, [skill("a")])
    passed = ended(
        "t2", stop=StopReason.DONE, stamp=Stamp(1, (), "tiny"), score=Score(1.0, ScoreSource.OUTCOME)
    )
    trajectories.record(passed)
    with pytest.raises(InvariantViolation, match="passed since"):
        skills.commit_generation(Cause.EVOLVER, [skill("b")], ["t1"])


def test_a_late_failure_evolves_the_library_where_the_task_was_called_bad_since(
    trajectories: Trajectories, skills: Skills
) -> None:
    trajectories.record(ended("t1"))
    skills.commit_generation(Cause.USER, [skill("a")])
    bad = Score(-1.0, ScoreSource.USER)
    trajectories.record(ended("t2", stop=StopReason.DONE, stamp=Stamp(1, (), "tiny"), score=bad))
    assert skills.commit_generation(Cause.EVOLVER, [skill("b")], ["t1"]).number == 2
