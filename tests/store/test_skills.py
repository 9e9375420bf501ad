import json
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import GenerationMoved, InvariantViolation, NotFound, StoreDamaged
from metaclaw_jlab.core.generation import Cause, SkillGeneration
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.trajectory import Role
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import ended, queried, skill

FULL_SKILL = Skill(
    "full", "Says ❤.", "Line\r\n\ttwo\n", {"b": "2", "a": "1"}, "MIT", "Python 3.11", "Bash(git:*) Read"
)


def test_a_new_store_is_at_generation_0(skills: Skills) -> None:
    current = skills.current_generation()
    assert (current.number, current.parent, current.cause, current.members) == (0, None, Cause.INITIAL, ())
    assert skills.members(0) == ()


def test_a_commit_is_the_next_generation(skills: Skills) -> None:
    b, a = skill("b"), skill("a")
    made = skills.commit_generation(Cause.USER, [b, a])
    assert made == SkillGeneration(1, 0, Cause.USER, (("a", a.sha256), ("b", b.sha256)), (), 1.5)
    assert skills.current_generation() == made
    assert skills.members(1) == (a, b)


def test_a_skill_comes_back_whole(skills: Skills) -> None:
    skills.commit_generation(Cause.IMPORT, [FULL_SKILL])
    assert skills.get_skill(FULL_SKILL.sha256) == FULL_SKILL


def test_older_generations_stay(skills: Skills) -> None:
    first = skills.commit_generation(Cause.USER, [skill("a")])
    second = skills.commit_generation(Cause.USER, [skill("a", "Do it otherwise.")])
    assert skills.generation(1) == first
    assert skills.members(1) == (skill("a"),)
    assert [generation.number for generation in skills.generations(2)] == [second.number, 1]


def test_a_rollback_is_a_new_generation_of_old_members(skills: Skills) -> None:
    skills.commit_generation(Cause.USER, [skill("a")])
    skills.commit_generation(Cause.USER, [skill("b")])
    back = skills.commit_generation(Cause.ROLLBACK, skills.members(1))
    assert back.number == 3
    assert back.members == skills.generation(1).members


def test_numbers_go_on_after_reopening(database: Database, skills: Skills, tmp_path: Path) -> None:
    skills.commit_generation(Cause.USER, [skill("a")])
    database.close()
    again = Skills(open_database(tmp_path / "metaclaw.db"))
    assert again.commit_generation(Cause.USER, []).number == 2


def test_nothing_changed_is_no_generation_and_consumes_nothing(
    skills: Skills, trajectories: Trajectories
) -> None:
    first = skills.commit_generation(Cause.USER, [skill("a")])
    trajectories.record(ended("t1"))
    assert skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"]) == first
    assert trajectories.get("t1").role is Role.NEITHER


def test_the_evidence_becomes_support_with_its_generation(
    database: Database, skills: Skills, trajectories: Trajectories
) -> None:
    trajectories.record(ended("t1"))
    queried(database, ended("t2"))
    made = skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t2", "t1"])
    assert skills.current_generation() == made
    assert made.evidence == ("t2", "t1")
    assert [trajectories.get(id_).role for id_ in ("t1", "t2")] == [Role.SUPPORT, Role.SUPPORT]


def test_evidence_that_may_not_be_support_stops_the_whole_generation(
    skills: Skills, trajectories: Trajectories
) -> None:
    trajectories.record(ended("t1"))
    with pytest.raises(InvariantViolation, match="recorded"):
        skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1", "t9"])
    assert skills.current_generation().number == 0
    assert trajectories.get("t1").role is Role.NEITHER
    with pytest.raises(NotFound):
        skills.get_skill(skill("a").sha256)


def test_a_change_worked_out_on_an_older_generation_is_refused(skills: Skills) -> None:
    skills.commit_generation(Cause.USER, [skill("a")], parent=0)
    with pytest.raises(GenerationMoved, match="generation 1, not 0"):
        skills.commit_generation(Cause.EVOLVER, [skill("b")], parent=0)


def test_two_skills_of_one_name_are_refused(skills: Skills) -> None:
    with pytest.raises(InvariantViolation, match="same name"):
        skills.commit_generation(Cause.USER, [skill("a"), skill("a", "Do it otherwise.")])


@pytest.mark.parametrize(
    "ask", [lambda s: s.get_skill("0" * 64), lambda s: s.generation(7), lambda s: s.members(7)]
)
def test_what_is_not_there_is_named(skills: Skills, ask: object) -> None:
    with pytest.raises(NotFound):
        ask(skills)  # type: ignore[operator]


def test_a_skill_whose_content_is_not_its_hash_is_damage(database: Database, skills: Skills) -> None:
    content = json.dumps(
        {
            "description": "d",
            "body": "b",
            "metadata": {},
            "license": None,
            "compatibility": None,
            "allowed_tools": None,
        }
    )
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO skills VALUES (?, 'a', ?, 0)", ("f" * 64, content))
    with pytest.raises(StoreDamaged, match="content hash"):
        skills.get_skill("f" * 64)
