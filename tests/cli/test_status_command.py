from collections.abc import Callable
from pathlib import Path
from typing import Any

Metaclaw = Callable[..., Any]


def test_the_card_is_shown(metaclaw: Metaclaw, home: Path) -> None:
    ran = metaclaw("status")
    assert ran.code == 0
    assert ran.out.startswith("MetaClaw ")
    assert str(home) in ran.out


def test_the_same_is_told_as_json(metaclaw: Metaclaw, home: Path) -> None:
    told = metaclaw("status", "--json").json
    assert (told["home"], told["practice_only"], told["skills"]) == (str(home), True, 0)
    assert told["trajectories"]["trajectories"] == 0
    assert told["answering"]["kind"] == "embedded"
    assert "only the practice tasks" in told["answering"]["abilities"][0]


def test_another_home_can_be_named(metaclaw: Metaclaw, tmp_path: Path) -> None:
    assert metaclaw("status", "--json", "--home", tmp_path / "b").json["home"] == str(tmp_path / "b")


def test_a_broken_configuration_is_one_sentence(metaclaw: Metaclaw, home: Path) -> None:
    metaclaw("status")
    (home / "config.toml").write_text("[agent]\nsteps = 0\n")
    ran = metaclaw("status")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.count("\n") == 1
    assert "agent.steps" in ran.err
