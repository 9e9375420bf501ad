import pytest

from metaclaw_jlab.core.errors import SkillInvalid
from metaclaw_jlab.core.skill import Skill


@pytest.mark.parametrize("name", ["", "-a", "a-", "a--b", "Upper", "../evil", "a/b", "a b", "a\n", "x" * 65])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(SkillInvalid):
        Skill(name, "Says something.", "Do it.")


@pytest.mark.parametrize("description", ["", "  ", "x" * 1025])
def test_a_bad_description_is_refused(description: str) -> None:
    with pytest.raises(SkillInvalid):
        Skill("iso-dates", description, "Do it.")


def test_a_body_over_the_line_limit_is_refused() -> None:
    with pytest.raises(SkillInvalid):
        Skill("iso-dates", "Dates.", "\n" * 500)


def test_the_hash_follows_the_content() -> None:
    skill = Skill("iso-dates", "Dates.", "Use ISO.", {"a": "1", "b": "2"})
    assert skill.sha256 == Skill("iso-dates", "Dates.", "Use ISO.", {"b": "2", "a": "1"}).sha256
    assert skill.sha256 != Skill("iso-dates", "Dates.", "Use ISO!", {"a": "1", "b": "2"}).sha256
