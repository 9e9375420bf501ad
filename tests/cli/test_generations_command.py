from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.store.skills import Skills

Metaclaw = Callable[..., Any]


@pytest.fixture
def three(home: Path) -> None:
    """Generations 1 and 2 after the empty one."""
    workspace = open_workspace(home)
    skills = Skills(workspace.database())
    skills.commit_generation(Cause.USER, [Skill("dates", "How dates look.", "Day first.")])
    skills.commit_generation(Cause.USER, [Skill("dates", "How dates look.", "Year first.\x1b[2J")])
    workspace.close()


def test_a_new_home_says_what_makes_a_generation(metaclaw: Metaclaw) -> None:
    assert "has not changed yet" in metaclaw("generations").out


def test_they_are_listed(metaclaw: Metaclaw, three: None) -> None:
    assert metaclaw("generations", "list", "--limit", 2).out.startswith(">  g2")
    numbers = [each["number"] for each in metaclaw("generations", "--json").json["generations"]]
    assert numbers == [2, 1, 0]


def test_a_diff_cannot_steer_the_terminal(metaclaw: Metaclaw, three: None) -> None:
    out = metaclaw("generations", "diff", 1, 2).out
    assert "-Day first." in out
    assert "\x1b" not in out


def test_a_rollback_can_be_tried_first(metaclaw: Metaclaw, three: None) -> None:
    assert metaclaw("generations", "rollback", 1, "--dry-run", "--json").json["would"]["after"] == 1
    assert metaclaw("generations", "--json").json["generations"][0]["number"] == 2
    done = metaclaw("generations", "rollback", 1, "--json").json["done"]
    assert (done["made"], done["undo"]) == (3, "generations rollback 2")


@pytest.mark.parametrize(
    ("words", "code"),
    [(("show", 9), 1), (("rollback", 9), 1), (("show", "x"), 2), (("rollback",), 2), (("x",), 2)],
)
def test_what_cannot_be_is_told(
    words: tuple[object, ...], code: int, metaclaw: Metaclaw, three: None
) -> None:
    plain, in_json = metaclaw("generations", *words), metaclaw("generations", *words, "--json")
    assert (plain.code, in_json.code, plain.out) == (code, code, "")
    assert "cause" in in_json.json["error"]
