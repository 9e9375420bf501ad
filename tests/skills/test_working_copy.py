import json
import shutil
import stat

import pytest

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.skills.working_copy import publish, synchronise
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.skills import Skills
from tests.skills.copies import bodies, causes, commit, copied, edit, evolve, files, skill


def test_a_new_home_has_no_skills_and_no_problems(home: Home, skills: Skills) -> None:
    result = synchronise(home, skills)
    assert (result.generation.number, result.skills, result.problems) == (0, (), ())


def test_the_copy_is_written_with_its_manifest(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    assert copied(home) == bodies(skills)
    assert files(home.skills) == {".manifest.json", "a", "a/SKILL.md", "b", "b/SKILL.md"}
    manifest = json.loads((home.skills / ".manifest.json").read_text())
    assert manifest == {"generation": 1, "members": dict(skills.current_generation().members)}
    assert stat.S_IMODE((home.skills / ".manifest.json").stat().st_mode) == 0o600


def test_nothing_changed_gives_the_same_object(pair: tuple[Home, Skills]) -> None:
    first = synchronise(*pair)
    assert synchronise(*pair) is first


def test_the_skills_stay_the_same_object_when_a_file_is_only_touched(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    before = synchronise(home, skills)
    text = (home.skills / "a" / "SKILL.md").read_text()
    (home.skills / "a" / "SKILL.md").write_text(text + "\n\n")
    after = synchronise(home, skills)
    assert after.skills is before.skills
    assert after.generation == before.generation


def test_an_edit_becomes_a_generation_of_the_user(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    edited = edit(home, "a", "Mine.")
    result = synchronise(home, skills)
    assert (result.generation.number, result.generation.cause, result.adopted) == (2, Cause.USER, ("a",))
    assert edited in result.skills
    assert synchronise(home, skills).adopted == ()


def test_the_skills_of_the_result_are_the_stores(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    edit(home, "a", "Mine.")
    result = synchronise(home, skills)
    assert result.skills == skills.members(result.generation.number)


def test_a_new_folder_is_an_addition_and_a_lost_one_a_deletion(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    edit(home, "c", "New.")
    shutil.rmtree(home.skills / "b")
    assert synchronise(home, skills).adopted == ("b", "c")
    assert bodies(skills) == {"a": "Do it.", "c": "New."}
    assert causes(skills) == [Cause.EVOLVER, Cause.USER]


def test_a_lost_file_is_a_deletion_and_what_lay_beside_it_stays(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    (home.skills / "a" / "notes.txt").write_text("mine")
    (home.skills / "a" / "SKILL.md").unlink()
    synchronise(home, skills)
    assert set(bodies(skills)) == {"b"}
    assert (home.skills / "a" / "notes.txt").read_text() == "mine"


def test_without_a_manifest_the_folder_is_added_and_nothing_deleted(home: Home, skills: Skills) -> None:
    commit(skills, skill("a"), skill("b"))
    edit(home, "b", "Mine.")
    edit(home, "c", "New.")
    assert synchronise(home, skills).adopted == ("b", "c")
    assert bodies(skills) == copied(home) == {"a": "Do it.", "b": "Mine.", "c": "New."}


def test_a_home_whose_generation_was_made_from_its_folder_gets_a_manifest_only(
    home: Home, skills: Skills
) -> None:
    commit(skills, edit(home, "a", "Mine."), cause=Cause.USER)
    assert synchronise(home, skills).adopted == ()
    assert skills.current_generation().number == 1
    assert (home.skills / ".manifest.json").exists()


def test_a_lost_folder_of_all_skills_is_written_again(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    shutil.rmtree(home.skills)
    assert synchronise(home, skills).generation.number == 1
    assert stat.S_IMODE(home.skills.stat().st_mode) == 0o700
    assert copied(home) == bodies(skills)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"generation": "1", "members": {}}', '{"generation": 1}'])
def test_a_broken_manifest_counts_as_none(pair: tuple[Home, Skills], text: str) -> None:
    home, skills = pair
    (home.skills / ".manifest.json").write_text(text)
    shutil.rmtree(home.skills / "b")
    assert synchronise(home, skills).generation.number == 1
    assert copied(home) == bodies(skills)


def test_skills_survive_the_loss_of_the_store(pair: tuple[Home, Skills]) -> None:
    home, _ = pair
    database = open_database(home.path / "another.db")
    assert synchronise(home, Skills(database)).adopted == ("a", "b")
    assert set(copied(home)) == {"a", "b"}
    database.close()


def test_what_others_committed_is_written(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    evolve(skills, skill("a", "Better."), skill("c"), without=["b"])
    assert synchronise(home, skills).adopted == ()
    assert files(home.skills) == {".manifest.json", "a", "a/SKILL.md", "c", "c/SKILL.md"}
    assert copied(home) == bodies(skills)


def test_publishing_writes_the_copy(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    evolve(skills, skill("a", "Better."), without=["b"])
    assert publish(home, skills) == ()
    assert copied(home) == bodies(skills)
    manifest = json.loads((home.skills / ".manifest.json").read_text())
    assert manifest["generation"] == 2


def test_publishing_leaves_edits_for_the_next_prompt(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    edit(home, "a", "Mine.")
    shutil.rmtree(home.skills / "b")
    evolve(skills, skill("a", "Evolved."), skill("c"))
    publish(home, skills)
    assert copied(home) == {"a": "Mine.", "c": "Do it."}
    assert synchronise(home, skills).adopted == ("a", "b")
    assert bodies(skills) == {"a": "Mine.", "c": "Do it."}


def test_the_persons_text_wins_and_other_changes_of_the_store_stay(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    evolve(skills, skill("a", "Evolved."), skill("b", "Evolved."), skill("c"))
    edit(home, "a", "Mine.")
    synchronise(home, skills)
    assert bodies(skills) == copied(home) == {"a": "Mine.", "b": "Evolved.", "c": "Do it."}
    assert causes(skills) == [Cause.EVOLVER, Cause.EVOLVER, Cause.USER]


def test_an_edit_of_a_skill_that_the_store_lost_brings_it_back(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    evolve(skills, without=["a"])
    edit(home, "a", "Mine.")
    synchronise(home, skills)
    assert bodies(skills)["a"] == "Mine."


def test_a_skill_deleted_here_and_lost_there_is_no_edit(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    evolve(skills, without=["a"])
    shutil.rmtree(home.skills / "a")
    assert synchronise(home, skills).adopted == ()


def test_a_copy_of_a_generation_in_between_is_no_edit(pair: tuple[Home, Skills]) -> None:
    home, skills = pair
    manifest = (home.skills / ".manifest.json").read_bytes()
    evolve(skills, skill("a", "Second."), skill("c"), without=["b"])
    publish(home, skills)
    # As if the writer had been killed before the manifest:
    (home.skills / ".manifest.json").write_bytes(manifest)
    evolve(skills, skill("a", "Third."), skill("b"), without=["c"])
    assert synchronise(home, skills).adopted == ()
    assert copied(home) == bodies(skills) == {"a": "Third.", "b": "Do it."}
