from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Metaclaw = Callable[..., Any]


def test_every_setting_is_listed_with_its_source(metaclaw: Metaclaw) -> None:
    metaclaw("config", "set", "agent.mode", "auto")
    told = {entry["key"]: entry for entry in metaclaw("config", "--json").json["settings"]}
    assert (told["agent.mode"]["value"], told["agent.mode"]["source"]) == ("auto", "config.toml")
    assert told["agent.steps"]["source"] == "default"
    assert "auto  (config.toml)" in metaclaw("config", "list").out


def test_a_setting_is_read(metaclaw: Metaclaw) -> None:
    assert metaclaw("config", "get", "agent.mode").out == "ask\n"
    assert metaclaw("config", "get", "policy.base_url").out == "(unset)\n"
    assert metaclaw("config", "get", "agent.mode", "--json").json == {
        "key": "agent.mode",
        "value": "ask",
        "source": "default",
    }


def test_a_setting_goes_back_to_its_default(metaclaw: Metaclaw) -> None:
    metaclaw("config", "set", "agent.steps", "3")
    assert metaclaw("config", "unset", "agent.steps", "--json").json["removed"] is True
    assert metaclaw("config", "unset", "agent.steps", "--json").json["removed"] is False
    assert metaclaw("config", "get", "agent.steps").out == "6\n"


def test_a_change_that_the_environment_overrules_says_so(
    metaclaw: Metaclaw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METACLAW_AGENT_STEPS", "9")
    ran = metaclaw("config", "set", "agent.steps", "3")
    assert (ran.code, "environment" in ran.out) == (0, True)


def test_an_unknown_setting_is_told_with_the_one_that_was_meant(metaclaw: Metaclaw) -> None:
    ran = metaclaw("config", "set", "agent.step", "3")
    assert (ran.code, "agent.steps" in ran.err) == (1, True)


def test_a_value_out_of_bounds_changes_nothing(metaclaw: Metaclaw, home: Path) -> None:
    assert metaclaw("config", "set", "agent.steps", "-1").code == 1
    assert not (home / "config.toml").exists()


def test_the_file_is_named(metaclaw: Metaclaw, home: Path) -> None:
    assert metaclaw("config", "path").out == f"{home / 'config.toml'}\n"
